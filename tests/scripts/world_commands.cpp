#include <sstream>

#include "roost/error.h"
#include "scripts/commands.h"
#include "scripts/script.h"

namespace roost::test {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::istringstream in(text);
  std::vector<std::string> parts;
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

std::vector<Component> parse_parts(const std::string& text) {
  std::vector<Component> parts;
  for (const std::string& part : split(text, ',')) {
    const std::vector<std::string> pair = split(part, ':');
    if (pair.size() != 2) throw ScriptError("'" + part + "' is not NAME:SIZE");
    parts.push_back({pair[0], parse_bytes(pair[1])});
  }
  return parts;
}

FakeStep parse_step_name(const std::string& name) {
  constexpr std::pair<std::string_view, FakeStep> kSteps[] = {
      {"read", FakeStep::Read},   {"load", FakeStep::Load}, {"run", FakeStep::Run},
      {"probe", FakeStep::Probe}, {"save", FakeStep::Save}, {"unload", FakeStep::Unload}};
  for (const auto& [known, step] : kSteps) {
    if (name == known) return step;
  }
  throw ScriptError("there is no step '" + name + "'");
}

FakeScript& script_of(Stage& stage, Arguments& arguments) {
  const std::string id = arguments.next("a model");
  FakeScript* script = stage.world.find(id);
  if (script == nullptr) throw ScriptError("no model '" + id + "' was registered");
  return *script;
}

EvictionPolicy parse_policy(const std::string& name) {
  if (name == "lru") return EvictionPolicy::Lru;
  if (name == "cost_aware") return EvictionPolicy::CostAware;
  throw ScriptError("there is no policy '" + name + "'");
}

// --- the machine and the clock

void set_engine_option(World& world, const std::string& key, const std::string& value) {
  EngineOptions& options = world.options();
  if (key == "gpus") {
    for (const auto& size : split(value, ',')) {
      world.machine_options().gpu_bytes.push_back(parse_bytes(size));
    }
  } else if (key == "host") {
    world.machine_options().host_bytes = parse_bytes(value);
  } else if (key == "policy") {
    options.eviction = parse_policy(value);
  } else if (key == "min_residency") {
    options.min_residency = parse_duration(value);
  } else if (key == "half_life") {
    options.use_half_life = parse_duration(value);
  } else if (key == "cache_entries") {
    options.cache_entries = parse_count(value);
  } else if (key == "cache_bytes") {
    options.cache_bytes = parse_bytes(value);
  } else if (key == "loads") {
    options.max_concurrent_loads = parse_count(value);
  } else if (key == "max_waiting") {
    options.max_waiting = parse_count(value);
  } else if (key == "load_timeout") {
    options.load_timeout = parse_duration(value);
  } else if (key == "backoff") {
    options.backoff_first = parse_duration(value);
  } else {
    throw ScriptError("there is no engine option '" + key + "'");
  }
}

std::string engine(Stage& stage, Arguments& arguments, std::stop_token) {
  if (stage.world.started()) throw ScriptError("the engine runs already; say this first");
  for (const auto& [key, value] : arguments.all_options()) {
    set_engine_option(stage.world, key, value);
  }
  return "set";
}

std::string advance(Stage& stage, Arguments& arguments, std::stop_token) {
  stage.world.clock().advance(parse_duration(arguments.next("a duration")));
  return "advanced";
}

// --- models

std::string register_fake(Stage& stage, Arguments& arguments, std::stop_token) {
  FakeSpec spec;
  const auto parts = arguments.option("parts");
  const auto says = arguments.option("says");
  const bool image = arguments.flag("image");
  spec.in_place = arguments.flag("in_place");
  const std::string id = arguments.next("a model");
  spec.placement_bytes = parse_bytes(arguments.next("its size"));
  if (parts) spec.components = parse_parts(*parts);
  if (image) spec.components = {{"model", spec.placement_bytes}};
  if (says) spec.estimate = LoadEstimate{spec.components, parse_bytes(*says), spec.in_place};
  stage.world.add(id, spec);
  stage.api.register_model(id, "fake:" + id);
  const Value options = take_model_options(arguments);
  if (!options.as_object().empty()) stage.api.patch_options(id, options);
  return "registered";
}

std::string register_like(Stage& stage, Arguments& arguments, std::stop_token) {
  const std::string id = arguments.next("a model");
  stage.api.register_model(id, "fake:" + arguments.next("whose files it has"));
  return "registered";
}

// --- the backend

std::string fail(Stage& stage, Arguments& arguments, std::stop_token) {
  FakeScript& script = script_of(stage, arguments);
  const FakeStep step = parse_step_name(arguments.next("a step"));
  const auto nth = arguments.maybe_next();
  script.fail(step, nth ? parse_count(*nth) : 1, [] {
    throw RoostError(ErrorCode::LoadFailed, "the script asked for a failure");
  });
  return "will fail";
}

std::string hold(Stage& stage, Arguments& arguments, std::stop_token) {
  FakeScript& script = script_of(stage, arguments);
  script.gate(parse_step_name(arguments.next("a step"))).shut();
  return "held";
}

std::string reach(Stage& stage, Arguments& arguments, std::stop_token) {
  FakeScript& script = script_of(stage, arguments);
  script.gate(parse_step_name(arguments.next("a step"))).await_arrivals();
  return "reached";
}

std::string let(Stage& stage, Arguments& arguments, std::stop_token) {
  FakeScript& script = script_of(stage, arguments);
  script.gate(parse_step_name(arguments.next("a step"))).open();
  return "open";
}

std::string count(Stage& stage, Arguments& arguments, std::stop_token) {
  FakeScript& script = script_of(stage, arguments);
  return std::to_string(script.count(parse_step_name(arguments.next("a step"))));
}

std::string alive(Stage& stage, Arguments& arguments, std::stop_token) {
  return std::to_string(script_of(stage, arguments).alive());
}

std::string poison(Stage& stage, Arguments& arguments, std::stop_token) {
  script_of(stage, arguments).poison_outputs();
  return "poisoned";
}

std::string keep_memory(Stage& stage, Arguments& arguments, std::stop_token) {
  script_of(stage, arguments).keep_memory();
  return "kept";
}

std::string give_back(Stage& stage, Arguments& arguments, std::stop_token) {
  FakeScript& script = script_of(stage, arguments);
  script.keep_memory(false);
  script.give_back();
  return "given back";
}

constexpr Command kCommands[] = {
    {"engine",
     "[gpus=SIZE,..] [host=] [policy=] [min_residency=] [half_life=] [cache_entries=] "
     "[cache_bytes=] [loads=] [max_waiting=] [load_timeout=] [backoff=] -> set",
     engine},
    {"advance", "DURATION -> advanced", advance},
    {"register", "ID SIZE [image] [parts=NAME:SIZE,..] [in_place] [says=SIZE] [model options] "
                 "-> registered",
     register_fake},
    {"register_like", "ID OTHER -> registered, from the other's files", register_like},
    {"fail", "ID STEP [NTH] -> will fail", fail},
    {"hold", "ID STEP -> held", hold},
    {"reach", "ID STEP -> reached, when someone waits there", reach},
    {"let", "ID STEP -> open", let},
    {"count", "ID STEP -> how often it was begun", count},
    {"alive", "ID -> how many copies exist", alive},
    {"poison", "ID -> poisoned: what it computes is not finite", poison},
    {"keep_memory", "ID -> kept: its unload gives nothing back", keep_memory},
    {"give_back", "ID -> given back, at last", give_back},
};

}  // namespace

std::span<const Command> world_commands() { return kCommands; }

}  // namespace roost::test

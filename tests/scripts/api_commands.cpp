#include <algorithm>

#include "roost/ids.h"
#include "scripts/commands.h"
#include "scripts/script.h"

namespace roost::test {
namespace {

std::string joined(const std::vector<std::string>& parts, const std::string& separator = ", ") {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

std::string or_nothing(std::string text) { return text.empty() ? "nothing" : std::move(text); }

// "cpu 6MB, cuda:0 2MB"
std::string vector_text(Api& api, const MemoryVector& bytes) {
  std::vector<std::string> parts;
  for (const MemoryLine& line : api.memory().memories) {
    if (bytes[line.memory] != 0) parts.push_back(line.device + " " + bytes_text(bytes[line.memory]));
  }
  return or_nothing(joined(parts));
}

std::string report_text(Api& api, const UnloadReport& report) {
  const std::string freed = "freed " + vector_text(api, report.freed);
  return report.lost.empty() ? freed : freed + ", lost " + vector_text(api, report.lost);
}

std::string plan_text(Api& api, const PlanReport& plan) {
  if (plan.already_loaded) return "loaded";
  if (plan.verdict == Verdict::Wait) return "wait for " + plan.waits_for;
  if (plan.verdict == Verdict::Refuse) return "refuse short " + vector_text(api, plan.short_by);
  std::vector<std::string> victims;
  for (const PlanVictim& victim : plan.victims) {
    victims.push_back((victim.demote ? "demote " : "evict ") + victim.model);
  }
  return victims.empty() ? "admit" : joined(victims);
}

MemoryLine line_of(Api& api, const std::string& device) {
  for (const MemoryLine& line : api.memory().memories) {
    if (line.device == device) return line;
  }
  throw ScriptError("there is no device '" + device + "'");
}

// --- names and options

std::string alias(Stage& stage, Arguments& arguments, std::stop_token) {
  const std::string name = arguments.next("the alias");
  stage.api.set_alias(name, arguments.next("what it means"));
  return "set";
}

std::string unalias(Stage& stage, Arguments& arguments, std::stop_token) {
  stage.api.remove_alias(arguments.next("the alias"));
  return "removed";
}

std::string resolve(Stage& stage, Arguments& arguments, std::stop_token) {
  return stage.api.resolve(arguments.next("a name"));
}

std::string unregister(Stage& stage, Arguments& arguments, std::stop_token) {
  stage.api.unregister_model(arguments.next("a model"));
  return "unregistered";
}

std::string option(Stage& stage, Arguments& arguments, std::stop_token) {
  const std::string id = arguments.next("a model");
  stage.api.patch_options(id, take_model_options(arguments));
  return "set";
}

std::string pin_as(Stage& stage, Arguments& arguments, bool pinned) {
  Value patch;
  patch["pin"] = pinned;
  stage.api.patch_options(arguments.next("a model"), patch);
  return pinned ? "pinned" : "unpinned";
}
std::string pin(Stage& stage, Arguments& arguments, std::stop_token) {
  return pin_as(stage, arguments, true);
}
std::string unpin(Stage& stage, Arguments& arguments, std::stop_token) {
  return pin_as(stage, arguments, false);
}

std::string budget(Stage& stage, Arguments& arguments, std::stop_token) {
  const std::string first = arguments.next("a size");
  const auto second = arguments.maybe_next();
  stage.api.set_budget(second ? first : "cpu", parse_bytes(second ? *second : first));
  return "set";
}

// --- loading

std::string load(Stage& stage, Arguments& arguments, std::stop_token stop) {
  const LoadOptions options = take_load_options(arguments);
  stage.api.load(arguments.next("a model"), options, std::move(stop));
  return "loaded";
}

std::string load_all_devices(Stage& stage, Arguments& arguments, std::stop_token) {
  const LoadOptions options = take_load_options(arguments);
  stage.api.load_on_all_devices(arguments.next("a model"), options);
  return "loaded";
}

std::string cancel(Stage& stage, Arguments& arguments, std::stop_token) {
  return stage.api.cancel_load(arguments.next("a model")) ? "cancelled" : "nothing to cancel";
}

std::string reset(Stage& stage, Arguments& arguments, std::stop_token) {
  stage.api.reset(arguments.next("a model"));
  return "reset";
}

std::string plan(Stage& stage, Arguments& arguments, std::stop_token) {
  const LoadOptions options = take_load_options(arguments);
  return plan_text(stage.api, stage.api.plan(arguments.next("a model"), options));
}

std::string explain(Stage& stage, Arguments& arguments, std::stop_token) {
  const LoadOptions options = take_load_options(arguments);
  return stage.api.plan(arguments.next("a model"), options).explanation;
}

// --- leases

std::string lease(Stage& stage, Arguments& arguments, std::stop_token stop) {
  const LoadOptions options = take_load_options(arguments);
  const auto as = arguments.option("as");
  const std::string model = arguments.next("a model");
  stage.keep_lease(as.value_or(model), stage.api.lease(model, options, std::move(stop)));
  return "leased";
}

std::string use(Stage& stage, Arguments& arguments, std::stop_token) {
  stage.api.use(stage.lease(arguments.next("a lease")));
  return "used";
}

std::string release(Stage& stage, Arguments& arguments, std::stop_token) {
  stage.api.release(stage.take_lease(arguments.next("a lease")));
  return "released";
}

// --- giving back

std::string unload(Stage& stage, Arguments& arguments, std::stop_token stop) {
  const UnloadOptions options = take_unload_options(arguments);
  return report_text(stage.api,
                     stage.api.unload(arguments.next("a model"), options, std::move(stop)));
}

std::string unload_all(Stage& stage, Arguments& arguments, std::stop_token) {
  const UnloadOptions options = take_unload_options(arguments);
  return report_text(stage.api, stage.api.unload_all(options, arguments.maybe_next()));
}

std::string demote(Stage& stage, Arguments& arguments, std::stop_token) {
  return report_text(stage.api, stage.api.demote(arguments.next("a model")));
}

// --- the host tier

std::string cache(Stage& stage, Arguments& arguments, std::stop_token) {
  const std::string model = arguments.next("a model");
  stage.api.cache(model, arguments.rest());
  return "cached";
}

std::string uncache(Stage& stage, Arguments& arguments, std::stop_token) {
  const std::string model = arguments.next("a model");
  return report_text(stage.api, stage.api.uncache(model, arguments.rest()));
}

std::string clear_cache(Stage& stage, Arguments&, std::stop_token) {
  return report_text(stage.api, stage.api.clear_cache());
}

std::string cached(Stage& stage, Arguments&, std::stop_token) {
  std::vector<std::string> entries;
  for (const CacheEntry& entry : stage.api.cache_report().entries) {
    entries.push_back(entry.model + "/" + entry.component + (entry.held ? " held" : "") +
                      (entry.kept ? " kept" : ""));
  }
  std::sort(entries.begin(), entries.end());
  return or_nothing(joined(entries));
}

std::string cache_counts(Stage& stage, Arguments&, std::stop_token) {
  const CacheReport report = stage.api.cache_report();
  return std::to_string(report.hits) + " hits, " + std::to_string(report.misses) + " misses, " +
         std::to_string(report.evictions) + " evictions";
}

// --- looks

std::string state(Stage& stage, Arguments& arguments, std::stop_token) {
  return lower_ascii(to_string(stage.api.status(arguments.next("a model")).state));
}

std::string tier(Stage& stage, Arguments& arguments, std::stop_token) {
  return std::string(to_string(stage.api.status(arguments.next("a model")).tier));
}

std::string device(Stage& stage, Arguments& arguments, std::stop_token) {
  return or_nothing(stage.api.status(arguments.next("a model")).device);
}

std::string leases(Stage& stage, Arguments& arguments, std::stop_token) {
  return std::to_string(stage.api.status(arguments.next("a model")).leases);
}

std::string waiters(Stage& stage, Arguments& arguments, std::stop_token) {
  return std::to_string(stage.api.status(arguments.next("a model")).waiters);
}

std::string draining(Stage& stage, Arguments& arguments, std::stop_token) {
  return stage.api.status(arguments.next("a model")).draining ? "yes" : "no";
}

std::string failure(Stage& stage, Arguments& arguments, std::stop_token) {
  return or_nothing(stage.api.status(arguments.next("a model")).last_failure);
}

std::string health(Stage& stage, Arguments& arguments, std::stop_token) {
  return std::string(to_string(stage.api.check_health(arguments.next("a model"))));
}

std::string reserved(Stage& stage, Arguments& arguments, std::stop_token) {
  return bytes_text(line_of(stage.api, arguments.maybe_next().value_or("cpu")).reserved);
}

std::string lost(Stage& stage, Arguments& arguments, std::stop_token) {
  return bytes_text(line_of(stage.api, arguments.maybe_next().value_or("cpu")).lost);
}

std::string evictions(Stage& stage, Arguments&, std::stop_token) {
  std::vector<std::string> models;
  for (const EvictionReport& one : stage.api.evictions()) {
    models.push_back(one.demoted ? one.model + " demoted" : one.model);
  }
  return or_nothing(joined(models));
}

std::string history(Stage& stage, Arguments& arguments, std::stop_token) {
  std::vector<std::string> reasons;
  for (const HistoryEntry& entry : stage.api.history(arguments.next("a model"))) {
    reasons.emplace_back(to_string(entry.why));
  }
  return or_nothing(joined(reasons, " "));
}

constexpr Command kCommands[] = {
    {"alias", "ALIAS NAME -> set", alias},
    {"unalias", "ALIAS -> removed", unalias},
    {"resolve", "NAME -> the id it means", resolve},
    {"unregister", "ID -> unregistered", unregister},
    {"option", "ID [pin=] [priority=] [ttl=] [group=] [device=] -> set", option},
    {"pin", "ID -> pinned", pin},
    {"unpin", "ID -> unpinned", unpin},
    {"budget", "[DEVICE] SIZE -> set", budget},
    {"load", "NAME [load options] -> loaded", load},
    {"load_all_devices", "NAME [load options] -> loaded", load_all_devices},
    {"cancel", "NAME -> cancelled, nothing to cancel", cancel},
    {"reset", "ID -> reset", reset},
    {"plan", "NAME [load options] -> loaded, admit, evict X, demote Y, wait for .., refuse short ..",
     plan},
    {"explain", "NAME [load options] -> the plan as a sentence", explain},
    {"lease", "NAME [as=LEASE] [load options] -> leased", lease},
    {"use", "LEASE -> used", use},
    {"release", "LEASE -> released", release},
    {"unload", "NAME [force] [at_once] [timeout=] -> freed .., lost ..", unload},
    {"unload_all", "[DEVICE] [force] [at_once] -> freed .., lost ..", unload_all},
    {"demote", "NAME -> freed ..", demote},
    {"cache", "NAME [COMPONENT..] -> cached", cache},
    {"uncache", "NAME [COMPONENT..] -> freed ..", uncache},
    {"clear_cache", "-> freed ..", clear_cache},
    {"cached", "-> MODEL/COMPONENT [held] [kept], ..", cached},
    {"cache_counts", "-> 1 hits, 2 misses, 0 evictions", cache_counts},
    {"state", "NAME -> idle, loading, loaded, unloading, error", state},
    {"tier", "NAME -> none, host, device", tier},
    {"device", "NAME -> where it is", device},
    {"leases", "NAME -> how many are out", leases},
    {"waiters", "NAME -> how many wait for it", waiters},
    {"draining", "NAME -> yes, no", draining},
    {"failure", "NAME -> what went wrong last", failure},
    {"health", "NAME -> what a probe finds", health},
    {"reserved", "[DEVICE] -> SIZE", reserved},
    {"lost", "[DEVICE] -> SIZE", lost},
    {"evictions", "-> who was evicted, oldest first", evictions},
    {"history", "NAME -> the reasons of its transitions", history},
};

}  // namespace

std::span<const Command> api_commands() { return kCommands; }

}  // namespace roost::test

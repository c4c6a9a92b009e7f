// Options, registrations, aliases and devices that are wrong: each named, and nothing changed.
#include "engine/bad_input_fixture.h"

namespace roost::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::ValuesIn;

constexpr milliseconds kNegative(-1);
constexpr milliseconds kFarTooLong = hours(24 * 365 * 200);
constexpr auto kMinusOne = static_cast<std::uint64_t>(-1);
const std::string kLong(10'000, 'x');
const std::string kControl = "a\x1b[2J";

// --- of an engine

struct BadEngine {
  const char* name;
  std::function<void(EngineOptions&)> spoil;
  ErrorCode code;
  const char* words;
};
void PrintTo(const BadEngine& bad, std::ostream* out) {
  *out << bad.name;
}

constexpr ErrorCode kInvalid = ErrorCode::InvalidArgument;
const std::vector<BadEngine> kBadEngines = {
    {"zero_loads", [](EngineOptions& o) { o.max_concurrent_loads = 0; }, kInvalid,
     "option 'max_concurrent_loads' is 0; allowed is 1 to"},
    {"zero_downloads", [](EngineOptions& o) { o.max_concurrent_downloads = 0; }, kInvalid,
     "option 'max_concurrent_downloads' is 0"},
    {"minus_one_loads", [](EngineOptions& o) { o.max_concurrent_loads = kMinusOne; }, kInvalid,
     "option 'max_concurrent_loads'"},
    {"nobody_may_wait", [](EngineOptions& o) { o.max_waiting = 0; }, kInvalid,
     "option 'max_waiting' is 0"},
    {"too_many_threads", [](EngineOptions& o) { o.load_threads = 100'000; }, kInvalid,
     "option 'load_threads' is 100000; allowed is 0 to"},
    {"no_room_for_events", [](EngineOptions& o) { o.event_ring = 0; }, kInvalid,
     "option 'event_ring' is 0"},
    {"negative_host_budget", [](EngineOptions& o) { o.host_budget_bytes = kMinusOne; }, kInvalid,
     "option 'host_budget_bytes'"},
    {"negative_device_budget",
     [](EngineOptions& o) { o.device_budget_bytes["cpu"] = static_cast<std::uint64_t>(-kMiB); },
     kInvalid, "option 'device_budget_bytes[cpu]' is 18446744073708503040"},
    {"budget_of_no_device", [](EngineOptions& o) { o.device_budget_bytes["cuda:7"] = 1; },
     ErrorCode::DeviceNotFound, "cuda:7"},
    {"negative_residency", [](EngineOptions& o) { o.min_residency = kNegative; }, kInvalid,
     "option 'min_residency' is -1 ms"},
    {"no_half_life", [](EngineOptions& o) { o.use_half_life = milliseconds(0); }, kInvalid,
     "option 'use_half_life' is 0 ms"},
    {"negative_load_timeout", [](EngineOptions& o) { o.load_timeout = kNegative; }, kInvalid,
     "option 'load_timeout' is -1 ms"},
    {"load_timeout_beyond_the_clock", [](EngineOptions& o) { o.load_timeout = kFarTooLong; },
     kInvalid, "option 'load_timeout'"},
    {"negative_download_timeout", [](EngineOptions& o) { o.download_timeout = kNegative; },
     kInvalid, "option 'download_timeout' is -1 ms"},
    {"negative_back_off", [](EngineOptions& o) { o.backoff_first = kNegative; }, kInvalid,
     "option 'backoff_first' is -1 ms"},
    {"back_off_that_shrinks", [](EngineOptions& o) { o.backoff_most = milliseconds(1); }, kInvalid,
     "option 'backoff_most' is 1 ms; allowed is 1000 to"},
    {"negative_health_interval", [](EngineOptions& o) { o.health_interval = kNegative; }, kInvalid,
     "option 'health_interval' is -1 ms"},
    {"negative_pressure_interval", [](EngineOptions& o) { o.pressure_interval = kNegative; },
     kInvalid, "option 'pressure_interval' is -1 ms"},
    {"null_backend", [](EngineOptions& o) { o.backends.push_back(nullptr); }, kInvalid,
     "option 'backends' holds a null pointer"},
    {"no_devices", [](EngineOptions& o) { o.machine->devices.clear(); }, kInvalid,
     "option 'machine' has no device"},
    {"a_null_device", [](EngineOptions& o) { o.machine->devices.push_back(nullptr); }, kInvalid,
     "option 'machine' holds a null pointer"},
};

class BadEngineTest : public EngineTest, public testing::WithParamInterface<BadEngine> {};

TEST_P(BadEngineTest, IsNotMade) {
  options.machine = machine;
  GetParam().spoil(options);
  EXPECT_EQ(code_of([&] { Engine made(options); }), GetParam().code) << last_message();
  EXPECT_THAT(last_message(), HasSubstr(GetParam().words));
}
INSTANTIATE_TEST_SUITE_P(Options, BadEngineTest, ValuesIn(kBadEngines),
                         [](const auto& tried) { return tried.param.name; });

// --- of loads and unloads, through each door that takes them

LoadOptions with_backend(Value backend) {
  LoadOptions load;
  load.backend = std::move(backend);
  return load;
}
Value object(std::string_view key, Value value) {
  Value made;
  made[key] = std::move(value);
  return made;
}

struct BadLoad {
  const char* name;
  const char* model;
  LoadOptions load;
  ErrorCode code;
  const char* words;
};
void PrintTo(const BadLoad& bad, std::ostream* out) {
  *out << bad.name;
}

const std::vector<BadLoad> kBadLoads = {
    {"negative_timeout", "b", {.timeout = kNegative}, kInvalid, "option 'timeout' is -1 ms"},
    {"endless_timeout", "b", {.timeout = kFarTooLong}, kInvalid, "option 'timeout'"},
    {"no_such_device", "b", {.device = "cuda:9"}, ErrorCode::DeviceNotFound, "cuda:9"},
    {"hostile_device", "b", {.device = kControl}, kInvalid, "option 'device' 'a\\x1b[2J'"},
    {"long_device", "b", {.device = kLong}, kInvalid, "option 'device' has 10000 bytes"},
    {"no_such_provider",
     "b",
     {.provider = ExecutionProvider::DirectML},
     ErrorCode::ProviderUnavailable,
     "directml"},
    {"options_that_are_no_object", "b", with_backend(Value::Array{1}), kInvalid,
     "option 'backend' is an array"},
    {"unknown_option", "builtin:lexical", with_backend(object("no_such", 1)),
     ErrorCode::UnknownOption, "no_such"},
    {"option_out_of_range", "builtin:lexical", with_backend(object("rows", -1)), kInvalid, "rows"},
    {"option_of_the_wrong_kind", "builtin:lexical", with_backend(object("rows", "many")), kInvalid,
     "rows"},
};

class BadLoadTest : public BadInputTest, public testing::WithParamInterface<BadLoad> {};

TEST_P(BadLoadTest, IsRefusedAtEveryDoor) {
  const std::string id = GetParam().model;
  const LoadOptions& load = GetParam().load;
  const std::vector<std::function<void(Engine&)>> doors = {
      [&](Engine& e) { e.model(id, load); },
      [&](Engine& e) { e.model_async(id, load).get(); },
      [&](Engine& e) { e.embedder(id, load); },
      [&](Engine& e) { e.reranker(id, load); },
      [&](Engine& e) { e.classifier(id, load); },
      [&](Engine& e) { e.tensor_model(id, load); },
      [&](Engine& e) { e.ready(id, load); },
      [&](Engine& e) { e.ready_async(id, load).get(); },
      [&](Engine& e) { e.start_ready(id, load); },
      [&](Engine& e) { e.plan(id, load); },
  };
  for (const auto& door : doors) expect_refused(door, GetParam().code, GetParam().words);
}
INSTANTIATE_TEST_SUITE_P(Options, BadLoadTest, ValuesIn(kBadLoads),
                         [](const auto& tried) { return tried.param.name; });

// --- everything else that has an argument to get wrong

void patch(Engine& engine, std::string_view key, Value value) {
  engine.patch_options("b", object(key, std::move(value)));
}
void enrol(Engine& engine, const std::function<void(ModelRegistration&)>& spoil) {
  ModelRegistration registration;
  registration.id = "new";
  registration.source = "fake:b";
  spoil(registration);
  engine.register_model(registration);
}

const std::vector<BadCall> kBadCalls = {
    {"unload_for_negative_time", [](Engine& e) { e.unload("a", {.timeout = kNegative}); }, kInvalid,
     "option 'timeout' is -1 ms"},
    {"unload_by_force_and_keep",
     [](Engine& e) { e.unload("a", {.force = true, .keep_in_host_memory = true}); }, kInvalid,
     "'force' and 'keep_in_host_memory' exclude each other"},
    {"unload_by_force_if_unused",
     [](Engine& e) { e.unload_async("a", {.force = true, .only_if_unused = true}).get(); },
     kInvalid, "'force' and 'only_if_unused' exclude each other"},
    {"unload_all_of_no_device", [](Engine& e) { e.unload_all({.force = true}, "cuda:9"); },
     ErrorCode::DeviceNotFound, "cuda:9"},
    {"unload_all_of_the_empty_device", [](Engine& e) { e.unload_all({.force = true}, ""); },
     ErrorCode::DeviceNotFound, "''"},
    {"ready_of_an_isolated_one", [](Engine& e) { e.ready("b", {.isolated = true}); }, kInvalid,
     "isolated"},
    {"job_of_an_isolated_one", [](Engine& e) { e.start_ready("b", {.isolated = true}); }, kInvalid,
     "isolated"},
    {"isolated_on_all_devices", [](Engine& e) { e.ready_on_all_devices("b", {.isolated = true}); },
     kInvalid, "isolated"},
    {"demote_without_host_tier", [](Engine& e) { e.demote("a"); }, ErrorCode::Unsupported, "'a'"},
    {"cache_without_host_tier", [](Engine& e) { e.cache("b"); }, ErrorCode::Unsupported, "'b'"},
    {"cache_no_such_part",
     [](Engine& e) {
       e.cache("image", {"model", "vae"});
     },
     kInvalid, "'image' has no component 'vae'; it has 'model'"},
    {"uncache_no_such_part",
     [](Engine& e) {
       e.uncache("image", {"model", ""});
     },
     kInvalid, "''"},
    {"budget_of_no_device", [](Engine& e) { e.set_budget("cuda:9", 1); }, ErrorCode::DeviceNotFound,
     "cuda:9"},
    {"budget_of_the_empty_device", [](Engine& e) { e.set_budget("", 1); },
     ErrorCode::DeviceNotFound, "''"},
    {"negative_budget", [](Engine& e) { e.set_budget("cpu", kMinusOne); }, kInvalid,
     "option 'device_budget_bytes[cpu]'"},
    {"listener_that_is_none", [](Engine& e) { const Subscription kept = e.subscribe(nullptr); },
     kInvalid, "listener"},

    {"patch_that_is_null", [](Engine& e) { e.patch_options("b", {}); }, kInvalid, "null"},
    {"patch_that_is_a_list", [](Engine& e) { e.patch_options("b", Value::Array{1}); }, kInvalid,
     "array"},
    {"patch_of_the_unknown", [](Engine& e) { patch(e, "pinned", true); }, ErrorCode::UnknownOption,
     "no model option 'pinned'"},
    {"patch_pin_of_words", [](Engine& e) { patch(e, "pin", "yes"); }, kInvalid, "option 'pin'"},
    {"patch_no_priority", [](Engine& e) { patch(e, "priority", "urgent"); }, kInvalid,
     "option 'priority' is 'urgent'; allowed is low, normal, high or critical"},
    {"patch_negative_ttl", [](Engine& e) { patch(e, "ttl_ms", -1); }, kInvalid,
     "option 'ttl_ms' is -1"},
    {"patch_ttl_that_is_no_number",
     [](Engine& e) { patch(e, "ttl_ms", std::numeric_limits<double>::quiet_NaN()); }, kInvalid,
     "option 'ttl_ms'"},
    {"patch_endless_ttl", [](Engine& e) { patch(e, "ttl_ms", 1e300); }, kInvalid,
     "option 'ttl_ms'"},
    {"patch_hostile_group", [](Engine& e) { patch(e, "group", kControl); }, kInvalid,
     "option 'group' 'a\\x1b[2J'"},
    {"patch_long_group", [](Engine& e) { patch(e, "group", kLong); }, kInvalid,
     "option 'group' has 10000 bytes"},
    {"patch_no_provider", [](Engine& e) { patch(e, "provider", "tpu"); }, kInvalid,
     "option 'provider' is 'tpu'; allowed is auto, cuda, directml, coreml or cpu"},
    {"patch_long_device", [](Engine& e) { patch(e, "device", kLong); }, kInvalid,
     "option 'device' has 10000 bytes"},
    {"patch_no_such_device", [](Engine& e) { patch(e, "device", "cuda:9"); },
     ErrorCode::DeviceNotFound, "no device 'cuda:9' here; there are: cpu"},
    {"patch_config_of_words", [](Engine& e) { patch(e, "config", "x"); }, kInvalid,
     "option 'config'"},
    {"patch_backend_of_words", [](Engine& e) { patch(e, "backend", "x"); }, kInvalid,
     "option 'backend'"},
    {"patch_unknown_backend_option",
     [](Engine& e) { e.patch_options("builtin:lexical", object("backend", object("no_such", 1))); },
     ErrorCode::UnknownOption, "no_such"},

    {"source_of_nothing", [](Engine& e) { e.register_model("new", ""); }, kInvalid,
     "the source of 'new' is empty"},
    {"source_of_no_kind", [](Engine& e) { e.register_model("new", "model.bin"); }, kInvalid,
     "must begin with a kind"},
    {"source_on_the_way_up", [](Engine& e) { e.register_model("new", "file:../x"); }, kInvalid,
     "absolute path"},
    {"built_in_that_is_none", [](Engine& e) { e.register_model("new", "builtin:nope"); }, kInvalid,
     "registering 'new': no backend can run 'builtin:nope' (fake: 'builtin:nope' is no fake; "
     "builtin: the built-in model is 'builtin:lexical'; native: it has no files here)"},
    {"source_too_long", [](Engine& e) { e.register_model("new", "fake:" + kLong); }, kInvalid,
     "has 10005 bytes"},
    {"hostile_source", [](Engine& e) { e.register_model("new", "fake:" + kControl); }, kInvalid,
     "control byte"},
    {"hostile_type", [](Engine& e) { enrol(e, [](auto& m) { m.type = kControl; }); }, kInvalid,
     "type"},
    {"long_version", [](Engine& e) { enrol(e, [](auto& m) { m.version = kLong; }); }, kInvalid,
     "version has 10000 bytes"},
    {"empty_tag", [](Engine& e) { enrol(e, [](auto& m) {
                                    m.tags = {"x", ""};
                                  }); }, kInvalid,
     "tag is empty"},
    {"thousands_of_tags", [](Engine& e) { enrol(e, [](auto& m) { m.tags.assign(5'000, "x"); }); },
     kInvalid, "5000 tags"},
    {"long_description",
     [](Engine& e) { enrol(e, [](auto& m) { m.description.assign(1 << 20, 'x'); }); }, kInvalid,
     "description"},
    {"metadata_that_is_a_list",
     [](Engine& e) { enrol(e, [](auto& m) { m.metadata = Value::Array{1}; }); }, kInvalid,
     "metadata"},
    {"options_that_are_wrong",
     [](Engine& e) { enrol(e, [](auto& m) { m.options.ttl = kNegative; }); }, kInvalid,
     "option 'ttl' is"},
    {"options_for_no_such_device",
     [](Engine& e) { enrol(e, [](auto& m) { m.options.device = "cuda:9"; }); },
     ErrorCode::DeviceNotFound, "no device 'cuda:9' here; there are: cpu"},
    {"options_that_its_backend_refuses",
     [](Engine& e) {
       enrol(e, [](auto& m) {
         m.source = "builtin:lexical";
         m.options.backend["no_such"] = 1;
       });
     },
     ErrorCode::UnknownOption, "builtin:lexical has no option 'no_such'"},
    {"id_that_is_a_word", [](Engine& e) { e.register_model("AUTO", "fake:b"); },
     ErrorCode::InvalidModelId, "'auto' is taken"},
    {"id_of_an_alias", [](Engine& e) { e.register_model("Swift", "fake:b"); },
     ErrorCode::AliasConflict, "'a'"},
    {"id_that_differs_in_case_only", [](Engine& e) { e.register_model("A", "fake:b"); },
     ErrorCode::ModelExists, "from 'fake:a'"},
    {"another_source_for_an_id", [](Engine& e) { e.register_model("a", "fake:b"); },
     ErrorCode::ModelExists, "from 'fake:a'"},

    {"alias_with_a_variant", [](Engine& e) { e.set_alias("x:fp16", "b"); }, kInvalid, "':'"},
    {"alias_of_a_word", [](Engine& e) { e.set_alias("auto", "b", true); }, ErrorCode::AliasConflict,
     "reserved"},
    {"alias_of_an_id", [](Engine& e) { e.set_alias("b", "a", true); }, ErrorCode::AliasConflict,
     "'b'"},
    {"alias_of_an_alias", [](Engine& e) { e.set_alias("x", "swift"); }, ErrorCode::AliasChain,
     "'swift'"},
    {"alias_of_nothing", [](Engine& e) { e.set_alias("x", "nothing"); }, ErrorCode::ModelNotFound,
     "'nothing'"},
    {"alias_of_no_folder", [](Engine& e) { e.set_alias("x", "/no/such/folder"); },
     ErrorCode::ModelNotFound, "no file or folder"},
    {"alias_that_is_taken", [](Engine& e) { e.set_alias("swift", "b"); }, ErrorCode::AliasConflict,
     "leads to 'a' already"},
};

class BadCallTest : public BadInputTest, public testing::WithParamInterface<BadCall> {};

TEST_P(BadCallTest, IsNamedAndChangesNothing) {
  expect_refused(GetParam().call, GetParam().code, GetParam().words);
}
INSTANTIATE_TEST_SUITE_P(Calls, BadCallTest, ValuesIn(kBadCalls),
                         [](const auto& tried) { return tried.param.name; });

}  // namespace
}  // namespace roost::test

// Document 1's manager as a whole: options, configuration, events, reports, bad input.
#include "roost/model_manager.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "faces/manager_fixture.h"

namespace roost::test {
namespace {

using mm::ModelEvent;
using mm::ModelEventType;
using mm::ModelStatus;
using std::chrono::milliseconds;

class ModelManagerTest : public ManagerTest {
 protected:
  // The types of a model's events so far, in order.
  std::vector<std::string> types_of(const std::string& id) {
    manager().engine().wait_for_listeners();
    const MutexLock lock(events_mutex);
    std::vector<std::string> types;
    for (const ModelEvent& event : events) {
      if (event.model_id == id) types.emplace_back(to_string(event.type));
    }
    return types;
  }
  mm::ListenerId record() {
    return manager().add_event_listener([this](const ModelEvent& event) {
      const MutexLock lock(events_mutex);
      events.push_back(event);
    });
  }

  Mutex events_mutex;
  std::vector<ModelEvent> events;
};

TEST_F(ModelManagerTest, DefaultsAreTheDocuments) {
  const mm::ModelManagerConfig usual;
  EXPECT_EQ(usual.max_concurrent_downloads, 3);
  EXPECT_EQ(usual.max_concurrent_loads, 2);
  EXPECT_EQ(usual.download_timeout, milliseconds(300'000));
  EXPECT_EQ(usual.load_timeout, milliseconds(120'000));
  EXPECT_TRUE(usual.enable_auto_download);
  const mm::ModelManager plain;
  EXPECT_EQ(plain.get_statistics().total_models, 0u);
}

struct BadOption {
  const char* name;
  ErrorCode code;
  std::function<void(mm::ModelManagerConfig&)> change;
};
class BadOptionTest : public testing::TestWithParam<BadOption> {};
TEST_P(BadOptionTest, IsRefusedByName) {
  mm::ModelManagerConfig config;
  GetParam().change(config);
  try {
    const mm::ModelManager manager(config);
    FAIL() << "taken";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), GetParam().code) << error.what();
    EXPECT_NE(std::string(error.what()).find(GetParam().name), std::string::npos) << error.what();
  }
}
using Config = mm::ModelManagerConfig;
INSTANTIATE_TEST_SUITE_P(
    Options, BadOptionTest,
    testing::Values(
        BadOption{"max_concurrent_downloads", ErrorCode::InvalidArgument,
                  [](Config& c) { c.max_concurrent_downloads = 0; }},
        BadOption{"max_concurrent_loads", ErrorCode::InvalidArgument,
                  [](Config& c) { c.max_concurrent_loads = -1; }},
        BadOption{"download_timeout", ErrorCode::InvalidArgument,
                  [](Config& c) { c.download_timeout = milliseconds(-1); }},
        BadOption{"load_timeout", ErrorCode::InvalidArgument,
                  [](Config& c) { c.load_timeout = milliseconds(-1); }},
        BadOption{"auto_unload_delay", ErrorCode::InvalidArgument,
                  [](Config& c) { c.auto_unload_delay = milliseconds(-1); }},
        BadOption{"health_check_interval", ErrorCode::InvalidArgument,
                  [](Config& c) { c.health_check_interval = milliseconds(-1); }},
        BadOption{"download_directory", ErrorCode::InvalidArgument,
                  [](Config& c) { c.download_directory = "relative"; }},
        BadOption{"download_directory", ErrorCode::InvalidArgument,
                  [](Config& c) { c.download_directory = "/a/../b"; }},
        BadOption{"cleanup_interval", ErrorCode::Unsupported,
                  [](Config& c) { c.cleanup_interval = milliseconds(1); }},
        BadOption{"retry", ErrorCode::Unsupported, [](Config& c) { c.retry.emplace(); }},
        BadOption{"night_hours", ErrorCode::Unsupported,
                  [](Config& c) { c.usage_tracker.night_hours = {22, 6}; }},
        BadOption{"vram_idle", ErrorCode::Unsupported,
                  [](Config& c) { c.usage_tracker.vram_idle = milliseconds(600'000); }},
        BadOption{"ram_idle", ErrorCode::Unsupported,
                  [](Config& c) { c.usage_tracker.ram_idle = milliseconds(600'000); }},
        BadOption{"pressure_threshold", ErrorCode::Unsupported,
                  [](Config& c) { c.usage_tracker.pressure_threshold = 0.5; }},
        BadOption{"priority_unloading", ErrorCode::Unsupported,
                  [](Config& c) { c.usage_tracker.priority_unloading = false; }},
        BadOption{"model id", ErrorCode::InvalidModelId,
                  [](Config& c) { c.preload_models = {"../a"}; }},
        BadOption{"event_ring", ErrorCode::InvalidArgument,
                  [](Config& c) { c.engine.event_ring = 0; }}));

TEST_F(ModelManagerTest, AGivenEngineKeepsItsOwnLimits) {
  mm::ModelManagerConfig with_limit;
  with_limit.max_concurrent_loads = 7;
  EXPECT_EQ(code_of([&] { mm::ModelManager over(engine(), with_limit); }), ErrorCode::Unsupported);
  const mm::ModelManager fine(engine());
}

TEST_F(ModelManagerTest, LimitsAreFixedWithTheEngine) {
  auto& loader = manager().get_loader();
  loader.set_max_concurrent_loads(2);
  EXPECT_EQ(code_of([&] { loader.set_max_concurrent_loads(3); }), ErrorCode::Unsupported);
  EXPECT_EQ(code_of([&] { loader.set_max_concurrent_loads(-3); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { loader.set_load_timeout(milliseconds(1)); }), ErrorCode::Unsupported);
  auto& downloads = manager().get_download_manager();
  EXPECT_EQ(code_of([&] { downloads.set_max_concurrent_downloads(1); }), ErrorCode::Unsupported);
  EXPECT_EQ(code_of([&] { downloads.set_download_timeout(milliseconds(1)); }),
            ErrorCode::Unsupported);
  EXPECT_EQ(loader.get_max_concurrent_loads(), 2);
}

TEST_F(ModelManagerTest, ConfigurationIsMergedCheckedAndAppliedLive) {
  const auto model = add_own("a", Value::Object{{"threshold", 0.2}, {"force_cpu", false}});
  record();
  manager().load_model("a");
  manager().update_model_config("a", Value::Object{{"threshold", 0.3}, {"batchSize", 8}});
  const Value expected = Value::Object{{"batch_size", 8}, {"force_cpu", false}, {"threshold", 0.3}};
  EXPECT_EQ(manager().get_model_instance("a")->config, expected);
  EXPECT_EQ(model->config(), expected);
  EXPECT_EQ(model->config_changes, 1);
  EXPECT_EQ(model->loads, 1) << "applied without a reload";
  manager().update_model_config("a", Value::Object{{"batch_size", Value()}});
  EXPECT_FALSE(manager().get_model_config("a").find("batch_size"));
  EXPECT_THAT(types_of("a"), testing::ElementsAre("load_start", "load_complete", "config_update",
                                                  "config_update"));
}

TEST_F(ModelManagerTest, ABadConfigurationChangesNothing) {
  const auto model = add_own("a", Value::Object{{"threshold", 0.2}});
  model->on_validate = [](const Value& next) {
    if (next.find("color")) throw std::runtime_error("there is no color");
  };
  record();
  const auto update = [&](Value patch) { manager().update_model_config("a", patch); };
  EXPECT_EQ(code_of([&] { update(Value::Object{{"threshold", 7}}); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { update(Value::Array{}); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { update(Value::Object{{"color", "red"}}); }), ErrorCode::InvalidArgument);
  EXPECT_NE(last_message().find("there is no color"), std::string::npos);
  EXPECT_EQ(code_of([&] { manager().load_model("a", Value::Object{{"batch_size", 0}}); }),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(manager().get_model_config("a"), Value(Value::Object{{"threshold", 0.2}}));
  EXPECT_EQ(model->loads, 0);
  EXPECT_TRUE(types_of("a").empty());
}

TEST_F(ModelManagerTest, SettingAValueOnTheModelGoesThroughItsManager) {
  const auto model = add_own("a");
  record();
  model->set_config_value("threshold", 0.4);
  EXPECT_EQ(manager().get_model_config("a"), Value(Value::Object{{"threshold", 0.4}}));
  EXPECT_THAT(types_of("a"), testing::ElementsAre("config_update"));
}

TEST_F(ModelManagerTest, AChangeByAnotherDoorReachesTheModel) {
  const auto model = add_own("a");
  manager().engine().patch_options("a",
                                   Value::Object{{"config", Value::Object{{"threshold", 0.9}}}});
  manager().load_model("a");
  EXPECT_EQ(model->loaded_with, Value(Value::Object{{"threshold", 0.9}}));
}

TEST_F(ModelManagerTest, PriorityAndForceCpuReachTheEngine) {
  add_own("a", Value::Object{{"priority", "high"}, {"force_cpu", true}});
  EXPECT_EQ(manager().engine().model_options("a").priority, LoadPriority::High);
  EXPECT_EQ(manager().engine().model_options("a").provider, ExecutionProvider::Cpu);
  manager().update_model_config("a",
                                Value::Object{{"priority", Value()}, {"force_cpu", Value()}});
  EXPECT_EQ(manager().engine().model_options("a").priority, LoadPriority::Normal);
  EXPECT_EQ(manager().engine().model_options("a").provider, ExecutionProvider::Auto);
}

TEST_F(ModelManagerTest, AllTenEventsComeInOrderWithTheirData) {
  const auto model = add_own("a");
  model->available = false;
  record();
  manager().load_model("a");
  manager().perform_health_check("a");
  manager().perform_health_check("a");  // no change, no event
  manager().update_model_config("a", Value::Object{{"threshold", 0.1}});
  manager().unload_model("a");
  model->on_load = [] { throw std::runtime_error("torn"); };
  EXPECT_THROW(manager().load_model("a"), RoostError);
  model->available = false;
  model->on_download = [] { throw std::runtime_error("gone"); };
  EXPECT_THROW(manager().download_model("a"), RoostError);

  std::vector<std::string> seen = types_of("a");
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_THAT(seen, testing::ElementsAre("download_start", "download_progress", "download_complete",
                                         "load_start", "load_complete", "health_change",
                                         "config_update", "unload", "load_start", "load_error",
                                         "download_start", "download_progress", "download_error"));
  const MutexLock lock(events_mutex);
  for (const ModelEvent& event : events) {
    EXPECT_NE(event.timestamp, mm::WallTime());
    if (event.type == ModelEventType::HealthChange) {
      EXPECT_EQ(*event.data.find("to"), Value("healthy"));
    }
    if (event.type == ModelEventType::ConfigUpdate) {
      EXPECT_EQ(*event.data.find("config")->find("threshold"), Value(0.1));
    }
  }
}

TEST_F(ModelManagerTest, EventNamesParseAndPrint) {
  for (const char* name : {"download_start", "download_progress", "download_complete",
                           "download_error", "load_start", "load_complete", "load_error", "unload",
                           "health_change", "config_update"}) {
    const auto type = mm::parse_model_event_type(name);
    ASSERT_TRUE(type) << name;
    EXPECT_EQ(to_string(*type), name);
  }
  EXPECT_FALSE(mm::parse_model_event_type("evict"));
}

TEST_F(ModelManagerTest, StatusAndHealthNamesParseAndPrint) {
  for (const char* name :
       {"not_downloaded", "downloading", "downloaded", "loading", "loaded", "error"}) {
    ASSERT_TRUE(mm::parse_model_status(name)) << name;
    EXPECT_EQ(to_string(*mm::parse_model_status(name)), name);
  }
  for (const char* name : {"healthy", "degraded", "unhealthy", "unknown"}) {
    ASSERT_TRUE(mm::parse_model_health(name)) << name;
    EXPECT_EQ(to_string(*mm::parse_model_health(name)), name);
  }
}

TEST_F(ModelManagerTest, AThrowingListenerStopsNobody) {
  add_own("a");
  manager().add_event_listener([](const ModelEvent&) { throw std::runtime_error("mine"); });
  record();
  manager().load_model("a");
  EXPECT_THAT(types_of("a"), testing::ElementsAre("load_start", "load_complete"));
}

TEST_F(ModelManagerTest, ARemovedListenerHearsNoMore) {
  add_own("a");
  const mm::ListenerId id = record();
  EXPECT_TRUE(manager().remove_event_listener(id));
  EXPECT_FALSE(manager().remove_event_listener(id));
  manager().load_model("a");
  EXPECT_TRUE(types_of("a").empty());
  EXPECT_EQ(code_of([&] { manager().add_event_listener({}); }), ErrorCode::InvalidArgument);
}

TEST_F(ModelManagerTest, AListenerMayRemoveItselfAndCallTheManager) {
  add_own("a");
  std::atomic<int> calls = 0;
  std::optional<mm::ListenerId> self;
  self = manager().add_event_listener([&](const ModelEvent& event) {
    ++calls;
    manager().get_model_status(event.model_id);
    manager().remove_event_listener(*self);
  });
  manager().load_model("a");
  manager().unload_model("a");
  manager().engine().wait_for_listeners();
  EXPECT_EQ(calls, 1);
}

TEST_F(ModelManagerTest, DestroyedFromWithinItIsRefusedAndChangesNothing) {
  const auto model = add_own("a");
  int asked = 0;
  const auto expect_refused = [&] {
    EXPECT_EQ(code_of([this] { manager().destroy(); }), ErrorCode::InvalidArgument);
    ++asked;
  };
  model->on_load = expect_refused;
  model->on_download = expect_refused;
  const mm::ListenerId listening = manager().add_event_listener([&](const ModelEvent& event) {
    if (event.type == ModelEventType::Unload) expect_refused();
  });
  manager().load_model("a");
  manager().use("a", [&](BaseModel&) { expect_refused(); });
  manager().unload_model("a");
  manager().engine().wait_for_listeners();
  EXPECT_EQ(asked, 3);
  model->available = false;
  manager().download_model("a", [&](const mm::ModelDownloadProgress& progress) {
    if (progress.fraction == 0.5) expect_refused();
  });
  EXPECT_EQ(asked, 5);
  EXPECT_TRUE(manager().remove_event_listener(listening));
  manager().load_model_async("a").wait();
}

TEST_F(ModelManagerTest, DestroyedFromWithinItIsRefusedOverAGivenEngineToo) {
  mm::ModelManager over(engine());
  const auto model = std::make_shared<ScriptedModel>("a");
  over.register_model(caption_info("a"), model);
  ErrorCode code = ErrorCode::Internal;
  over.use("a", [&](BaseModel&) { code = code_of([&] { over.destroy(); }); });
  EXPECT_EQ(code, ErrorCode::InvalidArgument);
  over.unload_model("a");
  over.destroy();
  EXPECT_EQ(code_of([&] { over.load_model("a"); }), ErrorCode::EngineClosed);
}

TEST_F(ModelManagerTest, ASecondDestroyWaitsForTheFirst) {
  const auto model = add_own("a");
  model->bytes = kMiB;
  manager().load_model("a");
  Gate unloading;
  unloading.shut();
  model->on_unload = [&] { unloading.pass({}); };
  auto first = std::async(std::launch::async, [this] { manager().destroy(); });
  unloading.await_arrivals();
  auto second = std::async(std::launch::async, [&] {
    manager().destroy();
    return model->status();
  });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  unloading.open();
  EXPECT_NE(second.get(), ModelStatus::Loaded);
  first.get();
}

TEST_F(ModelManagerTest, WhatADestroyWaitsForDoesNotWaitForIt) {
  const auto model = add_own("a");
  std::promise<void> validating;
  model->on_validate = [&, asked = false](const Value&) mutable {
    if (std::exchange(asked, true)) return;
    validating.set_value();
    while (code_of([this] { manager().load_model("nobody"); }) != ErrorCode::EngineClosed) {
      std::this_thread::yield();
    }
    manager().destroy();
  };
  auto load = manager().load_model_async("a", Value::Object{{"x", 1}});
  validating.get_future().wait();
  manager().destroy();
  EXPECT_THROW(load.get(), RoostError);
}

TEST_F(ModelManagerTest, StatisticsAndStateAgree) {
  const auto loaded = add_own("loaded");
  loaded->bytes = kMiB;
  const auto absent = add_own("absent");
  absent->available = false;
  manager().load_model("loaded");
  const mm::ModelManagerStatistics statistics = manager().get_statistics();
  EXPECT_EQ(statistics.total_models, 2u);
  EXPECT_EQ(statistics.downloaded_models, 1u);
  EXPECT_EQ(statistics.loaded_models, 1u);
  EXPECT_EQ(statistics.active_loads, 0u);
  EXPECT_EQ(statistics.total_memory_usage, kMiB);
  const mm::ModelManagerState state = manager().get_state();
  EXPECT_EQ(state.models.at("loaded").status, ModelStatus::Loaded);
  EXPECT_EQ(state.models.at("absent").status, ModelStatus::NotDownloaded);
  EXPECT_EQ(state.instances.size(), 1u);
  EXPECT_FALSE(state.is_loading);
}

TEST_F(ModelManagerTest, UsageIsCountedOrRefused) {
  add_own("a");
  manager().use("a", [](BaseModel&) {});
  const mm::ModelUsageStats stats = manager().get_usage_stats("a");
  EXPECT_EQ(stats.total_requests, 1u);
  EXPECT_EQ(stats.failed_requests, 0u);
  EXPECT_TRUE(stats.last_used);

  mm::ModelManagerConfig off;
  off.usage_tracking_enabled = false;
  mm::ModelManager untracked(engine(), off);
  add("b", kMiB);
  EXPECT_EQ(code_of([&] { untracked.get_usage_stats("b"); }), ErrorCode::Unsupported);
}

// Every call that takes an id, with ids that nothing can have.
using Call = std::function<void(mm::ModelManager&, const std::string&)>;
const std::vector<std::pair<const char*, Call>>& calls_with_an_id() {
  static const std::vector<std::pair<const char*, Call>> calls = {
      {"download_model", [](auto& m, auto& id) { m.download_model(id); }},
      {"download_model_async", [](auto& m, auto& id) { m.download_model_async(id).get(); }},
      {"cancel_download", [](auto& m, auto& id) { m.cancel_download(id); }},
      {"load_model", [](auto& m, auto& id) { m.load_model(id); }},
      {"load_model_async", [](auto& m, auto& id) { m.load_model_async(id).get(); }},
      {"unload_model", [](auto& m, auto& id) { m.unload_model(id); }},
      {"unload_model_async", [](auto& m, auto& id) { m.unload_model_async(id).get(); }},
      {"use", [](auto& m, auto& id) { m.use(id, [](BaseModel&) {}); }},
      {"delete_model", [](auto& m, auto& id) { m.delete_model(id); }},
      {"get_base_model", [](auto& m, auto& id) { m.get_base_model(id); }},
      {"is_model_available", [](auto& m, auto& id) { m.is_model_available(id); }},
      {"is_model_loaded", [](auto& m, auto& id) { m.is_model_loaded(id); }},
      {"get_model_status", [](auto& m, auto& id) { m.get_model_status(id); }},
      {"get_model_health", [](auto& m, auto& id) { m.get_model_health(id); }},
      {"perform_health_check", [](auto& m, auto& id) { m.perform_health_check(id); }},
      {"update_model_config",
       [](auto& m, auto& id) { m.update_model_config(id, Value::Object{{"threshold", 0.1}}); }},
      {"get_model_config", [](auto& m, auto& id) { m.get_model_config(id); }},
      {"get_usage_stats", [](auto& m, auto& id) { m.get_usage_stats(id); }},
      {"get_health_status", [](auto& m, auto& id) { m.get_health_status(id); }},
      {"is_downloading", [](auto& m, auto& id) { m.get_download_manager().is_downloading(id); }},
      {"get_download_progress",
       [](auto& m, auto& id) { m.get_download_manager().get_download_progress(id); }},
      {"clear_progress", [](auto& m, auto& id) { m.get_download_manager().clear_progress(id); }},
  };
  return calls;
}

TEST_F(ModelManagerTest, BadIdsAreTypedErrorsEverywhere) {
  const std::vector<std::string> ids = {"", std::string(10'000, 'a'), std::string("a\0b", 3),
                                        "a\x1b[2J", "../etc/passwd", "a/../b", " "};
  for (const auto& [name, call] : calls_with_an_id()) {
    for (const std::string& id : ids) {
      EXPECT_EQ(code_of([&, &f = call] { f(manager(), id); }), ErrorCode::InvalidModelId) << name;
      EXPECT_LT(last_message().size(), 400u) << name;
      EXPECT_EQ(last_message().find('\x1b'), std::string::npos) << name;
    }
    EXPECT_EQ(code_of([&, &f = call] { f(manager(), "nobody"); }), ErrorCode::ModelNotFound)
        << name;
  }
  for (const std::string& id : ids) {
    EXPECT_EQ(code_of([&] { manager().get_model_info(id); }), ErrorCode::InvalidModelId);
    EXPECT_EQ(code_of([&] { manager().get_model_instance(id); }), ErrorCode::InvalidModelId);
  }
  EXPECT_FALSE(manager().get_model_info("nobody"));
  EXPECT_FALSE(manager().get_model_instance("nobody"));
  EXPECT_EQ(manager().get_statistics().total_models, 0u);
}

TEST_F(ModelManagerTest, AnUnknownIdSuggestsTheNearest) {
  add_own("my-caption-model");
  try {
    manager().load_model("my-caption-modle");
    FAIL() << "taken";
  } catch (const ModelNotFoundException& error) {
    EXPECT_EQ(error.model_id(), "my-caption-modle");
    EXPECT_THAT(error.suggestions(), testing::Contains("my-caption-model"));
  }
}

TEST_F(ModelManagerTest, CancelledBeforeItStartsChangesNothing) {
  const auto model = add_own("a");
  model->available = false;
  std::stop_source stopped;
  stopped.request_stop();
  const std::stop_token stop = stopped.get_token();
  const std::vector<std::function<void()>> calls = {
      [&] { manager().download_model("a", {}, stop); },
      [&] { manager().download_model_async("a", {}, stop).get(); },
      [&] { manager().load_model("a", {}, stop); },
      [&] { manager().load_model_async("a", {}, stop).get(); },
      [&] { manager().unload_model("a", stop); },
      [&] { manager().unload_model_async("a", stop).get(); },
      [&] { manager().unload_all_models(stop); },
      [&] { manager().use("a", [](BaseModel&) {}, stop); },
      [&] { manager().perform_health_check("a", stop); },
      [&] { manager().perform_all_health_checks(stop); },
  };
  for (const auto& call : calls) EXPECT_EQ(code_of(call), ErrorCode::Cancelled);
  EXPECT_EQ(model->downloads, 0);
  EXPECT_EQ(model->loads, 0);
}

}  // namespace
}  // namespace roost::test

// Document 1's loads: what a manager really calls, joins, limits, timeouts, memory, health.
#include <gmock/gmock.h>

#include <stdexcept>
#include <thread>

#include "faces/manager_fixture.h"

namespace roost::test {
namespace {

using mm::ModelHealth;
using mm::ModelStatus;
using std::chrono::milliseconds;

class ModelLoadingTest : public ManagerTest {};

TEST_F(ModelLoadingTest, TheManagerReallyCallsTheFiveFunctions) {
  const auto model = add_own("a", Value::Object{{"threshold", 0.2}});
  model->available = false;
  const mm::ModelInstance instance = manager().load_model("a", Value::Object{{"batchSize", 8}});
  EXPECT_EQ(model->downloads, 1);
  EXPECT_EQ(model->loads, 1);
  EXPECT_EQ(model->loaded_with, Value(Value::Object{{"batch_size", 8}, {"threshold", 0.2}}));
  EXPECT_EQ(instance.status, ModelStatus::Loaded);
  EXPECT_EQ(instance.config, model->loaded_with);
  EXPECT_TRUE(instance.loaded_at);
  EXPECT_EQ(model->status(), ModelStatus::Loaded);

  EXPECT_EQ(manager().perform_health_check("a"), ModelHealth::Healthy);
  EXPECT_EQ(model->probes, 1);
  EXPECT_EQ(model->health(), ModelHealth::Healthy);
  manager().unload_model("a");
  EXPECT_EQ(model->unloads, 1);
  EXPECT_EQ(model->status(), ModelStatus::Downloaded);
  EXPECT_FALSE(manager().is_model_loaded("a"));
  EXPECT_FALSE(manager().get_model_instance("a"));
}

TEST_F(ModelLoadingTest, ABuiltInModelLoadsToo) {
  mm::ModelInfo info = caption_info("lexical");
  info.model_type = ModelType::EmbeddingModel;
  info.repo_id = "builtin:lexical";
  manager().register_model(info);
  EXPECT_EQ(manager().load_model("lexical").status, ModelStatus::Loaded);
  EXPECT_FALSE(manager().engine().embedder("lexical").embed("hello").empty());
  EXPECT_EQ(manager().get_base_model("lexical"), nullptr);
  EXPECT_EQ(code_of([&] { manager().use("lexical", [](BaseModel&) {}); }), ErrorCode::Unsupported);
}

TEST_F(ModelLoadingTest, AHubModelIsATypedErrorForNow) {
  manager().register_model(caption_info("from-hub"));
  EXPECT_EQ(code_of([&] { manager().load_model("from-hub"); }), ErrorCode::Unsupported);
}

TEST_F(ModelLoadingTest, ASecondLoadJoinsTheFirst) {
  const auto model = add_own("a");
  model->load_gate.shut();
  std::vector<std::future<mm::ModelInstance>> waiting;
  for (int i = 0; i < 8; ++i) waiting.push_back(manager().load_model_async("a"));
  model->load_gate.await_arrivals();
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Loading);
  EXPECT_TRUE(manager().get_state().is_loading);
  model->load_gate.open();
  for (auto& one : waiting) EXPECT_EQ(one.get().status, ModelStatus::Loaded);
  EXPECT_EQ(model->loads, 1);
}

TEST_F(ModelLoadingTest, MoreThanTheLimitWaitAndNoneThrows) {
  config.max_concurrent_loads = 2;
  const auto meter = std::make_shared<LoadMeter>();
  std::vector<std::shared_ptr<ScriptedModel>> models;
  std::vector<std::future<mm::ModelInstance>> loads;
  for (int i = 0; i < 6; ++i) {
    models.push_back(add_own("m" + std::to_string(i)));
    models.back()->meter = meter;
    models.back()->load_gate.shut();
  }
  for (int i = 0; i < 6; ++i) loads.push_back(manager().load_model_async("m" + std::to_string(i)));
  while (meter->now() < 2) std::this_thread::yield();
  for (const auto& model : models) model->load_gate.open();
  for (auto& load : loads) load.get();
  EXPECT_EQ(meter->most(), 2);
  EXPECT_EQ(manager().get_statistics().loaded_models, 6u);
}

TEST_F(ModelLoadingTest, TheTimeoutEndsItAndLeavesNothing) {
  ManualClock clock;
  options.clock = &clock;
  config.load_timeout = milliseconds(5'000);
  const auto model = add_own("a");
  model->bytes = kMiB;
  model->load_gate.shut();
  auto load = manager().load_model_async("a");
  model->load_gate.await_arrivals();
  EXPECT_EQ(host_bytes(), kMiB);
  clock.advance(milliseconds(5'001));
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::DeadlineExceeded);
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Error);
  EXPECT_NE(manager().get_model_instance("a")->error.find("timeout"), std::string::npos);
  EXPECT_EQ(host_bytes(), 0u);
  destroy_manager();
}

TEST_F(ModelLoadingTest, AFailedLoadSaysWhyAndUnloadRemovesIt) {
  const auto model = add_own("a");
  model->bytes = kMiB;
  model->on_load = [] { throw std::runtime_error("weights are torn"); };
  EXPECT_EQ(code_of([&] { manager().load_model("a"); }), ErrorCode::LoadFailed);
  EXPECT_NE(last_message().find("weights are torn"), std::string::npos);
  EXPECT_EQ(host_bytes(), 0u) << "what load() had taken is back";
  const auto instance = manager().get_model_instance("a");
  ASSERT_TRUE(instance);
  EXPECT_EQ(instance->status, ModelStatus::Error);
  EXPECT_NE(instance->error.find("weights are torn"), std::string::npos);
  EXPECT_EQ(model->status(), ModelStatus::Error);

  manager().unload_model("a");
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Downloaded);
  EXPECT_FALSE(manager().get_model_instance("a"));
  manager().engine().wait_for_listeners();
  EXPECT_EQ(model->status(), ModelStatus::Downloaded);
  model->on_load = nullptr;
  EXPECT_EQ(manager().load_model("a").status, ModelStatus::Loaded);
}

TEST_F(ModelLoadingTest, ACancelledLoadGivesBackWhatItTook) {
  const auto model = add_own("a");
  model->bytes = kMiB;
  model->load_gate.shut();
  std::stop_source stop;
  auto load = manager().load_model_async("a", {}, stop.get_token());
  model->load_gate.await_arrivals();
  stop.request_stop();
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
  manager().unload_model("a");  // returns when the load has ended
  EXPECT_EQ(host_bytes(), 0u);
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Downloaded);
  EXPECT_EQ(model->unloads, 1);
}

TEST_F(ModelLoadingTest, MemoryIsCountedAndMeasured) {
  const auto model = add_own("a");
  model->bytes = 3 * kMiB;
  manager().load_model("a");
  EXPECT_EQ(manager().get_statistics().total_memory_usage, 3 * kMiB);
  EXPECT_EQ(manager().get_model_info("a")->memory_usage, 3 * kMiB);
  EXPECT_EQ(manager().get_model_info("a")->loaded_on_devices, std::vector<std::string>{"cpu"});
  EXPECT_EQ(manager().get_loader().get_loading_statistics().total_memory_usage, 3 * kMiB);
  manager().unload_model("a");
  EXPECT_EQ(manager().get_statistics().total_memory_usage, 0u);
  EXPECT_EQ(host_bytes(), 0u);
}

TEST_F(ModelLoadingTest, TheBudgetHoldsForModelsOfOnesOwn) {
  options.host_budget_bytes = 10 * kMiB;
  const auto small = add_own("small");
  small->bytes = 6 * kMiB;
  const auto big = add_own("big");
  big->bytes = 11 * kMiB;
  manager().load_model("small");
  EXPECT_EQ(code_of([&] { manager().load_model("big"); }), ErrorCode::BudgetExceeded);
  EXPECT_TRUE(manager().is_model_loaded("small"));
  EXPECT_EQ(big->loads, 0);
}

TEST_F(ModelLoadingTest, AutoDownloadOffIsATypedError) {
  config.enable_auto_download = false;
  const auto model = add_own("a");
  model->available = false;
  EXPECT_EQ(code_of([&] { manager().load_model("a"); }), ErrorCode::ModelNotFound);
  EXPECT_EQ(model->downloads, 0);
  manager().update_model_config("a", Value::Object{{"autoDownload", true}});
  EXPECT_EQ(manager().load_model("a").status, ModelStatus::Loaded);
}

TEST_F(ModelLoadingTest, UseLoadsUnlessThatIsOff) {
  const auto model = add_own("a");
  BaseModel* used = nullptr;
  manager().use("a", [&](BaseModel& one) { used = &one; });
  EXPECT_EQ(used, model.get());
  EXPECT_TRUE(model->last_used());
  EXPECT_TRUE(manager().is_model_loaded("a"));
  EXPECT_THROW(manager().use("a", [](BaseModel&) { throw std::logic_error("mine"); }),
               std::logic_error);

  manager().unload_model("a");
  manager().update_model_config("a", Value::Object{{"auto_load", false}});
  EXPECT_EQ(code_of([&] { manager().use("a", [](BaseModel&) {}); }), ErrorCode::NotLoaded);
  EXPECT_FALSE(manager().is_model_loaded("a"));
}

TEST_F(ModelLoadingTest, ADisabledModelDoesNotLoad) {
  const auto model = add_own("a", Value::Object{{"enabled", false}});
  EXPECT_EQ(code_of([&] { manager().load_model("a"); }), ErrorCode::Unsupported);
  EXPECT_EQ(model->loads, 0);
}

TEST_F(ModelLoadingTest, UnusedModelsAreUnloadedAfterTheDelay) {
  ManualClock clock;
  options.clock = &clock;
  config.auto_unload_delay = milliseconds(60'000);
  config.usage_tracker.overrides["stays"] = milliseconds(600'000);
  add_own("goes");
  add_own("stays");
  manager().load_model("goes");
  manager().load_model("stays");
  clock.advance(milliseconds(60'001));
  while (manager().is_model_loaded("goes")) std::this_thread::yield();
  EXPECT_TRUE(manager().is_model_loaded("stays"));
  destroy_manager();
}

TEST_F(ModelLoadingTest, PreloadedModelsAreLoadedAndPinned) {
  config.preload_models = {"a"};
  const auto model = add_own("a");
  while (!manager().is_model_loaded("a")) std::this_thread::yield();
  EXPECT_TRUE(manager().engine().model_options("a").pin);
  add_own("b");
  EXPECT_FALSE(manager().is_model_loaded("b"));
}

TEST_F(ModelLoadingTest, HealthIsAProbe) {
  const auto model = add_own("a");
  EXPECT_EQ(manager().perform_health_check("a"), ModelHealth::Unknown);
  manager().load_model("a");
  model->next_health = ModelHealth::Degraded;
  EXPECT_EQ(manager().perform_health_check("a"), ModelHealth::Degraded);
  EXPECT_EQ(manager().get_model_health("a"), ModelHealth::Degraded);
  model->on_probe = [] { throw std::runtime_error("nan"); };
  EXPECT_EQ(manager().perform_health_check("a"), ModelHealth::Unhealthy);
  EXPECT_EQ(model->health(), ModelHealth::Unhealthy);
  const auto all = manager().perform_all_health_checks();
  EXPECT_EQ(all.at("a"), ModelHealth::Unhealthy);
  const mm::HealthStatus status = manager().get_health_status("a");
  EXPECT_FALSE(status.is_healthy);
  EXPECT_FALSE(status.issues.empty());
}

TEST_F(ModelLoadingTest, AThrowingUnloadIsAnErrorAndMemoryIsStillBack) {
  const auto model = add_own("a");
  model->bytes = kMiB;
  manager().load_model("a");
  model->on_unload = [] { throw std::runtime_error("stuck"); };
  EXPECT_THROW(manager().unload_model("a"), RoostError);
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Error);
  EXPECT_EQ(host_bytes(), 0u);
  model->on_unload = nullptr;
  manager().unload_model("a");
  EXPECT_EQ(manager().load_model("a").status, ModelStatus::Loaded);
}

TEST_F(ModelLoadingTest, ForceCpuReallySelectsTheProcessor) {
  machine = simulated_machine({.gpu_bytes = {64 * kMiB}});
  const auto model = add_own("a");
  model->can_run_on = {ExecutionProvider::Cuda, ExecutionProvider::Cpu};
  model->bytes = kMiB;
  manager().load_model("a");
  EXPECT_EQ(manager().get_model_info("a")->loaded_on_devices, std::vector<std::string>{"cuda:0"});
  EXPECT_EQ(simulated_gpu(machine).live_bytes(), kMiB);

  manager().update_model_config("a", Value::Object{{"forceCpu", true}});
  EXPECT_EQ(manager().get_model_info("a")->loaded_on_devices, std::vector<std::string>{"cpu"});
  EXPECT_EQ(simulated_gpu(machine).live_bytes(), 0u);
  EXPECT_EQ(host_bytes(), kMiB);
  EXPECT_EQ(model->loads, 2);
}

TEST_F(ModelLoadingTest, UnloadAllAndCounts) {
  for (const char* id : {"a", "b"}) {
    add_own(id);
    manager().load_model(id);
  }
  EXPECT_EQ(manager().get_loader().get_loaded_model_count(), 2u);
  EXPECT_EQ(manager().get_all_instances().size(), 2u);
  manager().unload_all_models();
  EXPECT_EQ(manager().get_loader().get_loaded_model_count(), 0u);
  EXPECT_TRUE(manager().get_all_instances().empty());
}

TEST_F(ModelLoadingTest, DestroyingCancelsWhoWaits) {
  const auto model = add_own("a");
  model->bytes = kMiB;
  model->load_gate.shut();
  auto load = manager().load_model_async("a");
  auto joined = manager().load_model_async("a");
  model->load_gate.await_arrivals();
  destroy_manager();
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(code_of([&] { joined.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(host_bytes(), 0u);
  EXPECT_EQ(model->unloads, 1);
}

TEST_F(ModelLoadingTest, AfterDestroyOnlyLooksWork) {
  const auto model = add_own("a");
  manager().load_model("a");
  manager().destroy();
  manager().destroy();
  EXPECT_EQ(model->unloads, 1);
  EXPECT_EQ(code_of([&] { manager().load_model("a"); }), ErrorCode::EngineClosed);
  EXPECT_EQ(code_of([&] { manager().register_model(caption_info("b")); }),
            ErrorCode::EngineClosed);
  EXPECT_TRUE(manager().get_model_info("a"));
  EXPECT_FALSE(manager().is_model_loaded("a"));
  model->set_config_value("threshold", 0.3);  // nobody drives it any more
  EXPECT_EQ(model->get_config_value("threshold"), Value(0.3));
}

TEST_F(ModelLoadingTest, AGivenEngineGoesOnWithoutTheManager) {
  mm::ModelManager over(engine());
  const auto model = std::make_shared<ScriptedModel>("a");
  over.register_model(caption_info("a"), model);
  over.load_model("a");
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
  add("other", kMiB);
  EXPECT_EQ(over.get_all_models().size(), 2u) << "it shows what other doors registered";
  over.destroy();
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
  engine().unload("a");
  EXPECT_EQ(model->unloads, 1);
}

}  // namespace
}  // namespace roost::test

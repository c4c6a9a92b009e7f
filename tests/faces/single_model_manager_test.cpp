// Document 2: the ten scenarios by name, then what its source does beyond them.
#include "roost/single_model_manager.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <latch>
#include <stdexcept>
#include <thread>

#include "engine/fixture.h"

namespace roost::test {
namespace {

using testing::ElementsAre;

class SingleModelManagerTest : public EngineTest {
 protected:
  ~SingleModelManagerTest() override { manager_.reset(); }

  SingleModelManager& manager(LoadPolicy policy = LoadPolicy::Replace) {
    if (!manager_) manager_ = std::make_unique<SingleModelManager>(engine(), policy);
    return *manager_;
  }
  void destroy_manager() { manager_.reset(); }

  // A load that hangs in the backend.
  std::future<Value> begin_load(const std::string& name, FakeScript& script) {
    script.gate(FakeStep::Load).shut();
    auto load = manager().load_model_async(name);
    script.gate(FakeStep::Load).await_arrivals();
    return load;
  }

  std::vector<std::string> states() {
    std::vector<std::string> result;
    for (const HistoryEntry& entry : manager().state_manager().history()) {
      result.emplace_back(to_string(entry.to));
    }
    return result;
  }

  std::uint64_t host_bytes() { return simulated_host(machine).live_bytes(); }

 private:
  std::unique_ptr<SingleModelManager> manager_;
};

// --- the scenarios of the document

TEST_F(SingleModelManagerTest, LoadModelFromIdle) {
  FakeScript& script = add("a", kMiB);
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  auto load = begin_load("a", script);
  EXPECT_EQ(manager().current_state, ModelState::Loading);
  script.gate(FakeStep::Load).open();
  load.get();
}

TEST_F(SingleModelManagerTest, ModelLoadedSuccessfully) {
  add("a", kMiB);
  manager().load_model("a");
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
  EXPECT_EQ(manager().id(), "a");
  EXPECT_THAT(states(), ElementsAre("LOADING", "LOADED"));
}

TEST_F(SingleModelManagerTest, UnloadModel) {
  FakeScript& script = add("a", kMiB);
  manager().load_model("a");
  script.gate(FakeStep::Unload).shut();
  auto unload = manager().unload_model_async();
  script.gate(FakeStep::Unload).await_arrivals();
  EXPECT_EQ(manager().current_state, ModelState::Unloading);
  script.gate(FakeStep::Unload).open();
  unload.get();
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  EXPECT_THAT(states(), ElementsAre("LOADING", "LOADED", "UNLOADING", "IDLE"));
}

// The order in which a device's memory comes back: references, work in flight, cache.
void expect_released_then_trimmed(const SimulatedDevice& device) {
  const std::vector<std::string> calls = device.calls();
  const auto find = [&](const std::string& what) {
    return std::find_if(calls.begin(), calls.end(),
                        [&](const std::string& call) { return call.starts_with(what); });
  };
  ASSERT_NE(find("release"), calls.end());
  ASSERT_NE(find("synchronize"), calls.end());
  ASSERT_NE(find("trim"), calls.end());
  EXPECT_LT(find("release"), find("synchronize"));
  EXPECT_LT(find("synchronize"), find("trim"));
}

TEST_F(SingleModelManagerTest, GpuMemoryReleased) {
  machine = simulated_machine(
      {.gpu_bytes = {64 * kMiB}, .segment_bytes = 2 * kMiB, .async_writes = true});
  SimulatedDevice& gpu = simulated_gpu(machine);
  add("a", fake_with_image(5 * kMiB));
  manager().load_model("a");
  EXPECT_EQ(gpu.live_bytes(), 5 * kMiB);
  gpu.clear_calls();
  const CleanupMetrics metrics = manager().unload_model();
  expect_released_then_trimmed(gpu);
  EXPECT_EQ(gpu.reserved_bytes(), 0u) << "nothing stays in the device's cache";
  EXPECT_EQ(metrics.freed[gpu.info().memory], 5 * kMiB);
  EXPECT_EQ(metrics.available_after - metrics.available_before, 6 * kMiB) << "whole segments";
  EXPECT_EQ(metrics.objects_collected, 1u);
  EXPECT_TRUE(metrics.error.empty()) << metrics.error;
}

TEST_F(SingleModelManagerTest, MpsMemoryReleased) {
  machine = simulated_machine({.gpu_bytes = {64 * kMiB},
                               .gpu_provider = ExecutionProvider::CoreML,
                               .segment_bytes = 2 * kMiB,
                               .async_writes = true});
  SimulatedDevice& mps = simulated_gpu(machine);
  EXPECT_EQ(mps.info().id, "mps:0");
  add("a", fake_with_image(5 * kMiB));
  manager().load_model("a");
  EXPECT_EQ(mps.live_bytes(), 5 * kMiB);
  mps.clear_calls();
  const CleanupMetrics metrics = manager().unload_model();
  expect_released_then_trimmed(mps);
  EXPECT_EQ(mps.reserved_bytes(), 0u);
  EXPECT_EQ(metrics.freed[mps.info().memory], 5 * kMiB);
}

TEST_F(SingleModelManagerTest, CancelDuringLoading) {
  FakeScript& first = add("first", kMiB);
  add("second", kMiB);
  auto load = begin_load("first", first);
  manager().load_model("second");
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(manager().id(), "second");
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
  EXPECT_EQ(engine().status("first").state, ModelState::Idle);
  EXPECT_THAT(states(), ElementsAre("LOADING", "IDLE", "LOADING", "LOADED"));
}

TEST_F(SingleModelManagerTest, NoResourceLeaksOnCancel) {
  FakeScript& script = add("a", kMiB);
  for (int i = 0; i < 20; ++i) {
    auto load = begin_load("a", script);
    EXPECT_TRUE(manager().cancel_current_load());
    EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
    EXPECT_EQ(manager().current_state, ModelState::Idle);
    EXPECT_EQ(host_bytes(), 0u);
    EXPECT_EQ(reserved(), 0u);
    EXPECT_EQ(script.alive(), 0u);
  }
  script.gate(FakeStep::Load).open();
  manager().load_model("a");
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
}

TEST_F(SingleModelManagerTest, AccessCurrentState) {
  add("a", kMiB);
  const SingleModelManager& read_only = manager();
  const ModelState before = read_only.current_state;
  EXPECT_EQ(before, ModelState::Idle);
  manager().load_model("a");
  EXPECT_TRUE(read_only.current_state == ModelState::Loaded);
}

TEST_F(SingleModelManagerTest, AccessSampleSize) {
  add("a", kMiB);
  EXPECT_EQ(code_of([&] { (void)static_cast<int>(manager().sample_size); }), ErrorCode::NotLoaded);
  manager().load_model("a");
  EXPECT_EQ(code_of([&] { (void)static_cast<int>(manager().sample_size); }),
            ErrorCode::Unsupported);
  engine().patch_options("a", Value::Object{{"config", Value::Object{{"sample_size", 64}}}});
  engine().wait_for_listeners();
  const int size = manager().sample_size;
  EXPECT_EQ(size, 64);
  manager().unload_model();
  EXPECT_EQ(code_of([&] { (void)static_cast<int>(manager().sample_size); }), ErrorCode::NotLoaded);
}

TEST_F(SingleModelManagerTest, ExecutorCleanupOnShutdown) {
  FakeScript& script = add("a", kMiB);
  auto load = begin_load("a", script);
  auto waits = manager().unload_model_async();
  manager().shutdown();
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
  waits.wait();
  EXPECT_EQ(host_bytes(), 0u);
  EXPECT_EQ(code_of([&] { manager().load_model("a"); }), ErrorCode::EngineClosed);
  EXPECT_EQ(code_of([&] { manager().load_model_async("a").get(); }), ErrorCode::EngineClosed);
  manager().shutdown();
}

// --- beyond the scenarios

TEST_F(SingleModelManagerTest, ShutdownInEveryStateFreesTheModel) {
  add("a", kMiB);
  manager().shutdown();  // never started
  destroy_manager();
  manager().load_model("a");
  destroy_manager();
  EXPECT_EQ(host_bytes(), 0u);
  EXPECT_EQ(engine().status("a").leases, 0u);
  manager().load_model("a");
  manager().unload_model();
  destroy_manager();
  EXPECT_EQ(host_bytes(), 0u);
}

TEST_F(SingleModelManagerTest, DestroyedWhileACallerWaitsItCancelsHim) {
  FakeScript& script = add("a", kMiB);
  script.gate(FakeStep::Load).shut();
  SingleModelManager& slot = manager();
  ErrorCode code = ErrorCode::Internal;
  std::jthread caller([&] { code = code_of([&] { slot.load_model("a"); }); });
  script.gate(FakeStep::Load).await_arrivals();
  slot.shutdown();
  caller.join();
  EXPECT_EQ(code, ErrorCode::Cancelled);
}

TEST_F(SingleModelManagerTest, EightStepsInFourPhasesOnceInOrder) {
  add("a", fake_with_image(kMiB));
  Mutex mutex;
  std::vector<LoaderEvent> events;
  std::latch completed(1);
  const Subscription listening = manager().on_load_event([&](const LoaderEvent& event) {
    {
      const MutexLock lock(mutex);
      events.push_back(event);
    }
    if (event.kind == LoaderEvent::Kind::Completed) completed.count_down();
  });
  manager().load_model("a");
  completed.wait();
  const MutexLock lock(mutex);
  ASSERT_EQ(events.size(), 10u);
  EXPECT_EQ(events.front().kind, LoaderEvent::Kind::Started);
  std::vector<std::string> phases;
  for (int step = 1; step <= 8; ++step) {
    const LoaderEvent& event = events[static_cast<std::size_t>(step)];
    EXPECT_EQ(event.kind, LoaderEvent::Kind::Progress);
    EXPECT_EQ(event.id, "a");
    EXPECT_EQ(event.step, step);
    EXPECT_EQ(event.total, 8);
    EXPECT_FALSE(event.message.empty());
    if (phases.empty() || phases.back() != event.phase) phases.push_back(event.phase);
  }
  EXPECT_THAT(phases,
              ElementsAre("initialization", "loading_model", "device_setup", "optimization"));
  EXPECT_THAT(events[3].to_value().to_json(), testing::HasSubstr("\"step\":3"));
}

TEST_F(SingleModelManagerTest, ADuplicateIsToldSoAndTheFirstGoesOn) {
  FakeScript& script = add("a", kMiB);
  auto load = begin_load("a", script);
  EXPECT_EQ(code_of([&] { manager().load_model("a"); }), ErrorCode::DuplicateLoad);
  EXPECT_EQ(code_of([&] { manager().load_model_async("a").get(); }), ErrorCode::DuplicateLoad);
  script.gate(FakeStep::Load).open();
  load.get();
  EXPECT_EQ(script.count(FakeStep::Load), 1u);
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
}

TEST_F(SingleModelManagerTest, WhatIsLoadedAnswersWithItsConfiguration) {
  FakeScript& script = add("a", kMiB);
  engine().patch_options("a", Value::Object{{"config", Value::Object{{"threshold", 0.5}}}});
  const Value first = manager().load_model("a");
  EXPECT_EQ(*first.find("threshold"), Value(0.5));
  EXPECT_EQ(manager().load_model("a"), first);
  EXPECT_EQ(script.count(FakeStep::Load), 1u);
}

TEST_F(SingleModelManagerTest, ANewcomerThatFitsLoadsBesideTheResident) {
  add("old", kMiB);
  FakeScript& script = add("new", kMiB);
  manager().load_model("old");
  auto load = begin_load("new", script);
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
  EXPECT_EQ(manager().id(), "old");
  script.gate(FakeStep::Load).open();
  load.get();
  EXPECT_EQ(manager().id(), "new");
  EXPECT_EQ(engine().status("old").state, ModelState::Idle);
  EXPECT_EQ(host_bytes(), kMiB);
  EXPECT_THAT(states(), ElementsAre("LOADING", "LOADED"));
}

TEST_F(SingleModelManagerTest, WhereBothDoNotFitTheResidentGoesFirst) {
  options.host_budget_bytes = 10 * kMiB;
  add("old", 6 * kMiB);
  FakeScript& script = add("new", 7 * kMiB);
  manager().load_model("old");
  auto load = begin_load("new", script);
  EXPECT_EQ(manager().current_state, ModelState::Loading);
  EXPECT_FALSE(manager().has_model());
  script.gate(FakeStep::Load).open();
  load.get();
  EXPECT_THAT(states(),
              ElementsAre("LOADING", "LOADED", "UNLOADING", "IDLE", "LOADING", "LOADED"));
  EXPECT_EQ(host_bytes(), 7 * kMiB);
}

TEST_F(SingleModelManagerTest, AFailedReplacementLeavesTheResident) {
  add("old", kMiB);
  FakeScript& script = add("new", kMiB);
  script.fail(FakeStep::Load, 1, [] { throw std::runtime_error("torn"); });
  manager().load_model("old");
  EXPECT_EQ(code_of([&] { manager().load_model("new"); }), ErrorCode::LoadFailed);
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
  EXPECT_EQ(manager().id(), "old");
  EXPECT_THAT(states(), ElementsAre("LOADING", "LOADED"));
}

TEST_F(SingleModelManagerTest, ACancelledReplacementLeavesTheResidentToo) {
  add("old", kMiB);
  FakeScript& script = add("new", kMiB);
  manager().load_model("old");
  auto load = begin_load("new", script);
  manager().cancel_current_load();
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(manager().id(), "old");
  EXPECT_EQ(host_bytes(), kMiB);
}

TEST_F(SingleModelManagerTest, WhatNeverFitsIsRefusedAndTheResidentStays) {
  options.host_budget_bytes = 10 * kMiB;
  add("old", 6 * kMiB);
  add("huge", 11 * kMiB);
  manager().load_model("old");
  EXPECT_EQ(code_of([&] { manager().load_model("huge"); }), ErrorCode::BudgetExceeded);
  EXPECT_EQ(manager().id(), "old");
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
}

TEST_F(SingleModelManagerTest, AFailedLoadIsAnErrorThatCanBeLeft) {
  options.backoff_first = std::chrono::milliseconds(0);
  FakeScript& script = add("a", kMiB);
  script.fail(FakeStep::Load, 1, [] { throw std::runtime_error("torn"); });
  script.fail(FakeStep::Load, 2, [] { throw std::runtime_error("torn"); });
  EXPECT_EQ(code_of([&] { manager().load_model("a"); }), ErrorCode::LoadFailed);
  EXPECT_EQ(manager().current_state, ModelState::Error);
  LoadOptions again;
  again.retry_now = true;
  EXPECT_EQ(code_of([&] { manager().load_model("a", again); }), ErrorCode::LoadFailed);
  manager().unload_model();
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  manager().load_model("a", again);
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
  EXPECT_EQ(host_bytes(), kMiB);
}

TEST_F(SingleModelManagerTest, UnloadDuringALoadCancelsIt) {
  FakeScript& script = add("a", kMiB);
  auto load = begin_load("a", script);
  manager().unload_model();
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  EXPECT_EQ(host_bytes(), 0u);
}

TEST_F(SingleModelManagerTest, UnloadingNothingOrTwiceIsFine) {
  add("a", kMiB);
  EXPECT_EQ(manager().unload_model().objects_collected, 0u);
  manager().load_model("a");
  EXPECT_EQ(manager().unload_model().freed, MemoryVector::host(kMiB));
  EXPECT_TRUE(manager().unload_model().freed.empty());
}

TEST_F(SingleModelManagerTest, QueueLetsTheFirstEnd) {
  FakeScript& first = add("first", kMiB);
  FakeScript& second = add("second", kMiB);
  manager(LoadPolicy::Queue);
  auto load = begin_load("first", first);
  auto next = manager().load_model_async("second");
  EXPECT_EQ(second.count(FakeStep::Load), 0u);
  first.gate(FakeStep::Load).open();
  load.get();
  next.get();
  EXPECT_EQ(manager().id(), "second");
  EXPECT_EQ(engine().status("first").state, ModelState::Idle);
}

TEST_F(SingleModelManagerTest, ParallelLoadsRunTogetherAndTheLastAskedForStays) {
  FakeScript& first = add("first", kMiB);
  FakeScript& second = add("second", kMiB);
  manager(LoadPolicy::Parallel);
  auto load = begin_load("first", first);
  auto next = begin_load("second", second);
  first.gate(FakeStep::Load).open();
  load.get();
  EXPECT_EQ(manager().id(), "first");
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
  second.gate(FakeStep::Load).open();
  next.get();
  EXPECT_EQ(manager().id(), "second");
  EXPECT_EQ(host_bytes(), kMiB);
}

TEST_F(SingleModelManagerTest, InParallelAnOlderLoadDoesNotTakeTheSlotBack) {
  FakeScript& first = add("first", kMiB);
  add("second", kMiB);
  manager(LoadPolicy::Parallel);
  auto load = begin_load("first", first);
  manager().load_model("second");
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(manager().id(), "second");
  EXPECT_EQ(host_bytes(), kMiB);
}

TEST_F(SingleModelManagerTest, AModelLeasedElsewhereOnlyLeavesTheSlot) {
  add("a", kMiB);
  manager().load_model("a");
  const ModelHandle elsewhere = engine().model("a");
  const CleanupMetrics metrics = manager().unload_model();
  EXPECT_THAT(metrics.error, testing::HasSubstr("leased elsewhere"));
  EXPECT_TRUE(metrics.freed.empty());
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
}

TEST_F(SingleModelManagerTest, TheResidentIsNeverEvictedForOthers) {
  options.host_budget_bytes = 10 * kMiB;
  add("a", 6 * kMiB);
  add("other", 6 * kMiB);
  manager().load_model("a");
  LoadOptions at_once;
  at_once.fail_fast = true;
  EXPECT_EQ(code_of([&] { engine().ready("other", at_once); }), ErrorCode::BudgetExceeded);
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
}

TEST_F(SingleModelManagerTest, RevokedByForceTheSlotSaysSo) {
  add("a", kMiB);
  manager().load_model("a");
  UnloadOptions force;
  force.force = true;
  engine().unload("a", force);
  engine().wait_for_listeners();
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  EXPECT_FALSE(manager().has_model());
  manager().load_model("a");
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
}

TEST_F(SingleModelManagerTest, AnUnloadWaitsForACallThatRuns) {
  add("a", kMiB);
  manager().load_model("a");
  Gate inside;
  inside.shut();
  std::jthread user([&] { manager().use([&](Model&) { inside.pass(); }); });
  inside.await_arrivals();
  auto unload = manager().unload_model_async();
  while (!engine().status("a").draining) std::this_thread::yield();
  EXPECT_EQ(manager().current_state, ModelState::Unloading);
  inside.open();
  EXPECT_EQ(unload.get().freed, MemoryVector::host(kMiB));
  EXPECT_EQ(code_of([&] { manager().use([](Model&) {}); }), ErrorCode::NotLoaded);
}

TEST_F(SingleModelManagerTest, TheSamplerIsPartOfTheConfiguration) {
  add("a", kMiB);
  EXPECT_EQ(code_of([&] { manager().set_sampler("euler"); }), ErrorCode::NotLoaded);
  engine().patch_options(
      "a", Value::Object{{"config", Value::Object{{"samplers", Value::Array{"euler", "ddim"}}}}});
  manager().load_model("a");
  manager().set_sampler("euler");
  EXPECT_EQ(*manager().config().find("sampler"), Value("euler"));
  EXPECT_EQ(code_of([&] { manager().set_sampler("nope"); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { manager().set_sampler(""); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(*manager().config().find("sampler"), Value("euler"));
}

TEST_F(SingleModelManagerTest, LorasAreATypedUnsupported) {
  add("a", kMiB);
  EXPECT_EQ(code_of([&] { manager().load_loras({{"x", 1.0}}); }), ErrorCode::NotLoaded);
  manager().load_model("a");
  EXPECT_EQ(code_of([&] { manager().load_loras({{"x", 2.5}}); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { manager().load_loras({{"x", 2.0}}); }), ErrorCode::Unsupported);
  EXPECT_EQ(code_of([&] { manager().unload_loras(); }), ErrorCode::Unsupported);
}

TEST_F(SingleModelManagerTest, BadInputIsATypedErrorAndChangesNothing) {
  add("a", kMiB);
  manager();
  for (const std::string& name : {std::string(), std::string(10'000, 'a'), std::string("a\nb"),
                                  std::string("../a"), std::string("nobody")}) {
    EXPECT_THROW(manager().load_model(name), RoostError) << name.substr(0, 20);
  }
  LoadOptions bad;
  bad.timeout = std::chrono::milliseconds(-1);
  EXPECT_EQ(code_of([&] { manager().load_model("a", bad); }), ErrorCode::InvalidArgument);
  bad = {};
  bad.backend = Value(3);
  EXPECT_EQ(code_of([&] { manager().load_model("a", bad); }), ErrorCode::InvalidArgument);
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_EQ(code_of([&] { manager().load_model("a", {}, stopped.get_token()); }),
            ErrorCode::Cancelled);
  EXPECT_EQ(code_of([&] { manager().unload_model(stopped.get_token()); }), ErrorCode::Cancelled);
  EXPECT_EQ(code_of([&] {
              SingleModelManager slow(engine(),
                                      LoaderOptions{.drain_timeout = std::chrono::milliseconds(0)});
            }),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { (void)manager().on_load_event({}); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  EXPECT_TRUE(states().empty());
}

TEST_F(SingleModelManagerTest, AListenerThatShutsDownIsRefused) {
  add("a", kMiB);
  std::promise<ErrorCode> heard;
  const Subscription listening = manager().on_load_event([&](const LoaderEvent& event) {
    if (event.kind != LoaderEvent::Kind::Completed) return;
    heard.set_value(code_of([this] { manager().shutdown(); }));
  });
  manager().load_model("a");
  EXPECT_EQ(heard.get_future().get(), ErrorCode::InvalidArgument);
  EXPECT_EQ(manager().id(), "a");
}

TEST_F(SingleModelManagerTest, ShuttingDownTwiceIsFineFromAnyThread) {
  add("a", kMiB);
  const Subscription listening = manager().on_load_event([](const LoaderEvent&) {});
  manager().load_model("a");
  manager().shutdown();
  for (int i = 0; i < 4; ++i) std::jthread([this] { manager().shutdown(); });
}

TEST_F(SingleModelManagerTest, WhatAnotherLoadedStaysWhenALoadHereFails) {
  add("a", kMiB);
  manager().load_model("a");
  engine().unload("a", {.force = true});
  engine().ready("a");
  LoadOptions nowhere;
  nowhere.device = "nowhere";
  EXPECT_EQ(code_of([&] { manager().load_model("a", nowhere); }), ErrorCode::DeviceNotFound);
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
}

TEST_F(SingleModelManagerTest, ALoadFromWithinAUseGivesTheOldModelBackAfterIt) {
  add("a", kMiB);
  add("b", kMiB);
  manager().load_model("a");
  manager().use([this](Model&) { manager().load_model("b"); });
  while (engine().status("a").state != ModelState::Idle) std::this_thread::yield();
  EXPECT_EQ(manager().id(), "b");
  manager().unload_model();
  EXPECT_EQ(host_bytes(), 0u);
}

TEST_F(SingleModelManagerTest, ALoadBesideTheResidentObeysItsTimeout) {
  add("a", kMiB);
  FakeScript& leaving = add("b", kMiB);
  engine().ready("b");
  manager().load_model("a");
  leaving.gate(FakeStep::Unload).shut();
  std::future<UnloadReport> unload = engine().unload_async("b");
  leaving.gate(FakeStep::Unload).await_arrivals();
  LoadOptions load;
  load.fail_fast = true;
  EXPECT_EQ(code_of([&] { manager().load_model("b", load); }), ErrorCode::QueueFull);
  load.fail_fast = false;
  load.timeout = std::chrono::milliseconds(20);
  EXPECT_EQ(code_of([&] { manager().load_model("b", load); }), ErrorCode::DeadlineExceeded);
  leaving.gate(FakeStep::Unload).open();
  unload.get();
  EXPECT_EQ(manager().id(), "a");
}

TEST_F(SingleModelManagerTest, AListenerMayAskForTheNextLoad) {
  add("a", kMiB);
  add("b", kMiB);
  std::latch done(1);
  const Subscription listening = manager().on_state_change([&](const HistoryEntry& entry) {
    if (entry.to != ModelState::Loaded) return;
    manager().load_model("b");
    done.count_down();
  });
  manager().load_model("a");
  done.wait();
  EXPECT_EQ(manager().id(), "b");
}

TEST_F(SingleModelManagerTest, ManyThreadsAskAndTheSlotStaysWhole) {
  for (const char* name : {"a", "b", "c"}) add(name, kMiB);
  manager();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string names[] = {"a", "b", "c"};
      for (int i = 0; i < 40; ++i) {
        try {
          if ((i + t) % 7 == 0) {
            manager().unload_model();
          } else {
            manager().load_model(names[(i * 5 + t) % 3]);
          }
        } catch (const RoostError& error) {
          EXPECT_TRUE(error.code() == ErrorCode::Cancelled ||
                      error.code() == ErrorCode::DuplicateLoad)
              << error.what();
        }
      }
    });
  }
  threads.clear();
  manager().unload_model();
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  EXPECT_EQ(host_bytes(), 0u);
}

}  // namespace
}  // namespace roost::test

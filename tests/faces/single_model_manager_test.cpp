// Document 2: the ten scenarios by name, then what else a user sees of the slot.
#include <gmock/gmock.h>

#include <algorithm>
#include <latch>
#include <thread>

#include "faces/slot_fixture.h"
#include "support/hooked_backend.h"

namespace roost::test {
namespace {

using testing::ElementsAre;

class SingleModelManagerTest : public SlotTest {};

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
  EXPECT_EQ(code_of([&] { manager().load_loras({{"x", 3}}); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(last_message(), "LoRA 'x': weight 3, allowed is 0 to 2");
  EXPECT_EQ(code_of([&] { manager().load_loras({{"x", 2.0}}); }), ErrorCode::Unsupported);
  EXPECT_EQ(code_of([&] { manager().unload_loras(); }), ErrorCode::Unsupported);
}

TEST_F(SingleModelManagerTest, BadInputIsATypedErrorAndChangesNothing) {
  add("a", kMiB);
  manager();
  for (const std::string& name : {std::string(), std::string(10'000, 'a'), std::string("a\nb"),
                                  std::string("../nobody"), std::string("nobody")}) {
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
  EXPECT_THAT(states(), testing::IsEmpty());
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

TEST_F(SingleModelManagerTest, ASecondShutdownWaitsForTheFirst) {
  FakeScript& script = add("a", kMiB);
  manager().load_model("a");
  script.gate(FakeStep::Unload).shut();
  auto first = std::async(std::launch::async, [this] { manager().shutdown(); });
  script.gate(FakeStep::Unload).await_arrivals();
  auto second = std::async(std::launch::async, [this] {
    manager().shutdown();
    return host_bytes();
  });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  script.gate(FakeStep::Unload).open();
  EXPECT_EQ(second.get(), 0u);
  first.get();
}

TEST_F(SingleModelManagerTest, WhatAShutdownWaitsForDoesNotWaitForIt) {
  FakeScript& script = add("a", kMiB);
  script.fail(FakeStep::Unload, 1, [this] { manager().shutdown(); });  // by the first one's unload
  std::latch delivering(1), listened(1);
  const Subscription listening = manager().on_load_event([&](const LoaderEvent& event) {
    if (event.kind != LoaderEvent::Kind::Completed) return;
    delivering.count_down();
    while (code_or_nothing([this] { manager().shutdown(); })) std::this_thread::yield();
    listened.count_down();
  });
  manager().load_model("a");
  delivering.wait();
  manager().shutdown();
  listened.wait();
  EXPECT_EQ(script.count(FakeStep::Unload), 1u);
  EXPECT_EQ(host_bytes(), 0u);
}

// A user's code that a call of the slot runs on the caller's own thread.
TEST_F(SingleModelManagerTest, ALoadThatIsShutDownMayShutDown) {
  const auto inner = std::make_shared<FakeBackend>();
  inner->add("own", {});
  std::promise<void> asked;
  bool armed = false;
  ModelRegistration registration;
  registration.id = "own";
  registration.source = "fake:own";
  registration.backend = std::make_shared<HookedBackend>(inner, [&](std::string_view call) {
    if (call != "estimate" || !std::exchange(armed, false)) return;
    asked.set_value();
    while (code_or_nothing([this] { manager().shutdown(); })) std::this_thread::yield();
  });
  engine().register_model(registration);
  armed = true;
  auto load = manager().load_model_async("own");
  asked.get_future().wait();
  manager().shutdown();
  EXPECT_THROW(load.get(), RoostError);
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

}  // namespace
}  // namespace roost::test

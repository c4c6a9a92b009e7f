// The defect classes that hit every project of this kind, and the test of each:
//
// check-then-act races on load/evict     CheckThenActRaces* (here), race_test.cpp of the pool
// evicting in-use models                 EvictingModelsInUse (here)
// lock held across load or user code     LockHeldAcrossLoadOrUserCode (here)
// callback re-entering the lock          CallbackReEnteringTheLock, CallbacksEndWithTheirCall (here)
// estimate twice, tracked not actual     EstimateCountedTwice, TrackedDiffersFromActual (here)
// trimming while references live         TrimmingWhileReferencesLive (here)
// constants reported as measurements     ConstantsReportedAsMeasurements (defects_outcome)
// success envelope over failed data      SuccessEnvelopeOverFailedData (defects_outcome)
// cancel flag on a copy                  CancelFlagOnACopy (defects_outcome)
// timeouts stored but unused             TimeoutsStoredButUnused (defects_outcome)
// id known only after the load           IdKnownOnlyAfterTheLoad (defects_outcome)
// truncated file accepted                TruncatedFileAccepted (defects_outcome)
// silent CPU fallback                    SilentCpuFallback (defects_outcome)
// progress not forwarded                 ProgressNotForwarded (defects_outcome)
// duplicated completion events           DuplicatedCompletionEvents (defects_outcome)
// options mutated                        OptionsMutated (defects_state)
// stale state after failed unload/load   StaleStateAfterFailed{Load,Unload} (defects_state)
// idle timestamps vs durations           IdleTimestampsAndDurations (defects_state)
// identifier collisions across folders   IdentifierCollisionsAcrossFolders (defects_state)
// CPU-only and zero-budget refusal       CpuOnly, ZeroBudgetRefusal (defects_state)
// shutdown deadlock                      ShutdownTest (shutdown_test.cpp)
// stderr/stdout pipe stall               nothing to break yet: no backend has a child process
#include <algorithm>
#include <array>
#include <random>
#include <thread>

#include "engine/fixture.h"
#include "support/hooked_backend.h"

namespace roost::test {
namespace {

using std::chrono::milliseconds;

class DefectsTest : public EngineTest {
 protected:
  // What several threads may hear when they pull at the same models; anything else is a bug.
  static bool is_expected(ErrorCode code) {
    constexpr std::array kExpected = {ErrorCode::BudgetExceeded, ErrorCode::Cancelled,
                                      ErrorCode::InUse, ErrorCode::LeaseRevoked,
                                      ErrorCode::ModelNotFound, ErrorCode::ModelExists};
    return std::find(kExpected.begin(), kExpected.end(), code) != kExpected.end();
  }
  template <class F>
  static void tolerate(F&& f) {
    try {
      f();
    } catch (const RoostError& error) {
      EXPECT_TRUE(is_expected(error.code())) << error.what();
    }
  }
};

// --- check-then-act races on load/evict

TEST_F(DefectsTest, CheckThenActRacesOnLoadAndEvict) {
  constexpr int kRounds = 150;
  options.host_budget_bytes = 2 * kMiB;
  const std::vector<std::string> names = {"a", "b", "c"};
  for (const std::string& name : names) add(name, kMiB);
  Engine& shared = engine();
  const auto random_name = [&](std::mt19937& random) { return names[random() % names.size()]; };
  const std::vector<std::function<void(std::mt19937&)>> acts = {
      [&](std::mt19937& random) { shared.model(random_name(random)).width(Task::Embed); },
      [&](std::mt19937& random) { shared.model(random_name(random), {.isolated = true}); },
      [&](std::mt19937& random) { shared.unload(random_name(random), {.force = true}); },
      [&](std::mt19937&) { shared.status(), shared.models(), shared.cache_report(); },
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < acts.size(); ++i) {
    threads.emplace_back([&acts, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      for (int round = 0; round < kRounds; ++round) tolerate([&] { acts[i](random); });
    });
  }
  threads.clear();
  engine().unload_all();
  EXPECT_EQ(reserved(), 0u);
  EXPECT_EQ(live_on_host(), 0u);
}

TEST_F(DefectsTest, CheckThenActRacesOnRegisterAndLoad) {
  constexpr int kRounds = 200;
  backend->add("a", {});
  Engine& shared = engine();
  std::jthread registrar([&] {
    for (int round = 0; round < kRounds; ++round) {
      tolerate([&] { shared.register_model("a", "fake:a"); });
      tolerate([&] { shared.unregister_model("a"); });
    }
  });
  std::jthread looker([&] {
    for (int round = 0; round < kRounds; ++round) {
      tolerate([&] { shared.models(), shared.status("a"), shared.history("a"); });
    }
  });
  for (int round = 0; round < kRounds; ++round) tolerate([&] { shared.model("a"); });
}

// Somebody asks, the options change, then the load ends: the name must not lead to what it ended
// with.
TEST_F(DefectsTest, CheckThenActRacesOnOptionsAndDoors) {
  FakeScript& script = add("a", kMiB);
  script.gate(FakeStep::Load).shut();
  auto first = engine().model_async("a");
  script.gate(FakeStep::Load).await_arrivals();
  Value patch;
  patch["backend"]["rows"] = 2;
  engine().patch_options("a", patch);
  script.gate(FakeStep::Load).open();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(engine().model("a"));
  EXPECT_EQ(script.count(FakeStep::Load), 2u);
}

TEST_F(DefectsTest, CheckThenActRacesOnTwoPatches) {
  std::function<void()> meanwhile;
  auto inner = std::make_shared<FakeBackend>();
  inner->add("a", {});
  options.backends = {std::make_shared<HookedBackend>(inner, [&](std::string_view call) {
    if (call == "check_options" && meanwhile) std::exchange(meanwhile, nullptr)();
  })};
  engine().register_model("a", "fake:a");
  meanwhile = [&] { engine().pin("a"); };
  Value patch;
  patch["backend"]["rows"] = 2;
  engine().patch_options("a", patch);
  EXPECT_TRUE(engine().model_options("a").pin);
  EXPECT_EQ(engine().model_options("a").backend, patch.as_object().at("backend"));
}

// --- evicting in-use models

TEST_F(DefectsTest, EvictingModelsInUse) {
  options.host_budget_bytes = 10 * kMiB;
  add("used", 6 * kMiB);
  add("wanted", 6 * kMiB);
  ModelHandle lease = engine().model("used");
  auto wanted = engine().model_async("wanted");
  EXPECT_TRUE(engine().status("wanted").queued);
  EXPECT_EQ(engine().status("used").state, ModelState::Loaded);
  EXPECT_EQ(lease.width(Task::Embed), 4u);
  EXPECT_TRUE(engine().evictions().empty());
  lease.close();
  EXPECT_TRUE(wanted.get());
  EXPECT_EQ(engine().status("used").state, ModelState::Idle);
}

// --- lock held across load or user code

// Every call into user code looks at the engine from inside: under any of its locks that would
// not return.
TEST_F(DefectsTest, LockHeldAcrossLoadOrUserCode) {
  Engine* made = nullptr;
  std::atomic<int> looks{0};
  const auto look = [&] {
    if (made == nullptr) return;
    made->status();
    made->models();
    made->memory();
    made->events(std::nullopt, 1);
    ++looks;
  };
  auto inner = std::make_shared<FakeBackend>();
  const auto script = inner->add("a", fake_with_image(kMiB));
  options.backends = {
      std::make_shared<HookedBackend>(inner, [&](std::string_view) { look(); })};
  made = &engine();
  for (const FakeStep step : {FakeStep::Read, FakeStep::Load, FakeStep::Run, FakeStep::Probe,
                              FakeStep::Save, FakeStep::Unload}) {
    script->fail(step, 1, look);
  }
  ModelRegistration registration;
  registration.id = "a";
  registration.source = "fake:a";
  const auto files = std::make_shared<ScriptedSource>();
  files->fail = look;
  registration.files = files;
  engine().register_model(registration);
  LoadOptions load;
  load.warm_up = true;
  load.progress = [&](const LoadProgress&) { look(); };
  engine().ready("a", load);
  engine().check_health("a");
  engine().plan("a");
  engine().demote("a");
  engine().unload("a");
  EXPECT_GT(looks, 20);
}

// --- callback re-entering the lock

TEST_F(DefectsTest, CallbackReEnteringTheLock) {
  add("a", kMiB);
  add("b", kMiB);
  std::stop_source stop;
  Subscription chain = engine().subscribe([&](const Event& event) {
    if (event.kind == EventKind::LoadComplete && event.model == "a") engine().ready("b");
    if (event.kind == EventKind::LoadComplete && event.model == "b") engine().unload("a");
  });
  engine().ready("a");
  engine().wait_for_listeners();
  engine().wait_for_listeners();
  EXPECT_EQ(engine().status("a").state, ModelState::Idle);
  EXPECT_EQ(engine().status("b").state, ModelState::Loaded);
  chain.reset();

  script("a").gate(FakeStep::Load).shut();
  LoadOptions load;  // a load that its own progress cancels
  load.progress = [&](const LoadProgress&) { stop.request_stop(); };
  EXPECT_EQ(code_of([&] { engine().ready("a", load, stop.get_token()); }), ErrorCode::Cancelled);
}

// After a call has ended its callback is not called again, and none is running.
TEST_F(DefectsTest, CallbacksEndWithTheirCall) {
  add("a", kMiB);
  Gate gate;
  gate.shut();
  std::atomic<bool> inside{false};
  std::stop_source stop;
  LoadOptions load;
  load.progress = [&](const LoadProgress&) {
    inside = true;
    gate.pass();
    inside = false;
  };
  auto ready = engine().ready_async("a", load, stop.get_token());
  gate.await_arrivals();
  std::jthread canceller([&] { stop.request_stop(); });
  std::jthread opener([&] {
    while (!stop.stop_requested()) std::this_thread::yield();
    gate.open();
  });
  EXPECT_EQ(code_of(ready), ErrorCode::Cancelled);
  EXPECT_FALSE(inside);
}

// --- estimate counted twice / tracked differs from actual

TEST_F(DefectsTest, EstimateCountedTwice) {
  FakeSpec spec;
  spec.placement_bytes = 3 * kMiB;
  spec.estimate = LoadEstimate{{}, 8 * kMiB, false};
  FakeScript& script = add("a", spec);
  script.gate(FakeStep::Load).shut();
  auto ready = engine().ready_async("a");
  script.gate(FakeStep::Load).await_arrivals();
  EXPECT_EQ(reserved(), 8 * kMiB);
  script.gate(FakeStep::Load).open();
  ready.get();
  EXPECT_EQ(reserved(), 3 * kMiB);
  engine().ready("a");
  EXPECT_EQ(reserved(), 3 * kMiB);
}

TEST_F(DefectsTest, TrackedDiffersFromActual) {
  machine = simulated_machine({.gpu_bytes = {64 * kMiB, 64 * kMiB}});
  const auto agree = [&] {
    EXPECT_EQ(reserved(MemoryId::Host), live_on_host());
    EXPECT_EQ(reserved(device_memory(0)), simulated_gpu(machine, 0).live_bytes());
    EXPECT_EQ(reserved(device_memory(1)), simulated_gpu(machine, 1).live_bytes());
  };
  add("a", fake_with_image(3 * kMiB));
  engine().ready("a", {.device = "cuda:0"});
  engine().ready("a", {.device = "cuda:1"});
  agree();
  EXPECT_EQ(live_on_host(), 3 * kMiB) << "one read, shared by both";
  EXPECT_EQ(engine().status("a").footprint[device_memory(1)], 3 * kMiB);
  engine().demote("a");
  agree();
  engine().unload("a");
  agree();
  EXPECT_EQ(reserved(), 0u);
}

// What a model that runs in place takes is its images too.
TEST_F(DefectsTest, TheFootprintIsWhatAnUnloadGivesBack) {
  FakeSpec spec = fake_with_image(5 * kMiB);
  spec.in_place = true;
  spec.placement_bytes = kMiB;
  add("a", spec);
  engine().ready("a");
  EXPECT_EQ(engine().status("a").footprint, MemoryVector::host(6 * kMiB));
  EXPECT_EQ(engine().unload("a").freed, MemoryVector::host(6 * kMiB));
}

// --- trimming while references live

TEST_F(DefectsTest, TrimmingWhileReferencesLive) {
  machine = simulated_machine({.gpu_bytes = {64 * kMiB}, .async_writes = true});
  add("a", fake_with_image(3 * kMiB));
  const ModelHandle held = engine().model("a");
  SimulatedDevice& gpu = simulated_gpu(machine);
  gpu.clear_calls();
  engine().unload("a", {.force = true});
  const std::vector<std::string> wanted = {"release " + std::to_string(3 * kMiB), "synchronize",
                                           "trim"};
  std::vector<std::string> calls = gpu.calls();
  calls.erase(calls.begin(), std::find(calls.begin(), calls.end(), wanted.front()));
  calls.resize(wanted.size());
  EXPECT_EQ(calls, wanted);
  EXPECT_EQ(gpu.reserved_bytes(), 0u) << "however long a handle on it is kept";
}

}  // namespace
}  // namespace roost::test

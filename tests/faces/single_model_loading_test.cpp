// How loads, unloads and uses of the slot meet.
#include <gmock/gmock.h>

#include <stdexcept>
#include <thread>

#include "faces/slot_fixture.h"

namespace roost::test {
namespace {

using testing::ElementsAre;

class SingleModelLoadingTest : public SlotTest {};

TEST_F(SingleModelLoadingTest, ADuplicateIsToldSoAndTheFirstGoesOn) {
  FakeScript& script = add("a", kMiB);
  auto load = begin_load("a", script);
  EXPECT_EQ(code_of([&] { manager().load_model("a"); }), ErrorCode::DuplicateLoad);
  EXPECT_EQ(code_of([&] { manager().load_model_async("a").get(); }), ErrorCode::DuplicateLoad);
  script.gate(FakeStep::Load).open();
  load.get();
  EXPECT_EQ(script.count(FakeStep::Load), 1u);
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
}

TEST_F(SingleModelLoadingTest, WhatIsLoadedAnswersWithItsConfiguration) {
  FakeScript& script = add("a", kMiB);
  engine().patch_options("a", Value::Object{{"config", Value::Object{{"threshold", 0.5}}}});
  const Value first = manager().load_model("a");
  EXPECT_EQ(*first.find("threshold"), Value(0.5));
  EXPECT_EQ(manager().load_model("a"), first);
  EXPECT_EQ(script.count(FakeStep::Load), 1u);
}

TEST_F(SingleModelLoadingTest, ANewcomerThatFitsLoadsBesideTheResident) {
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

TEST_F(SingleModelLoadingTest, WhereBothDoNotFitTheResidentGoesFirst) {
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

TEST_F(SingleModelLoadingTest, AFailedReplacementLeavesTheResident) {
  add("old", kMiB);
  FakeScript& script = add("new", kMiB);
  script.fail(FakeStep::Load, 1, [] { throw std::runtime_error("torn"); });
  manager().load_model("old");
  EXPECT_EQ(code_of([&] { manager().load_model("new"); }), ErrorCode::LoadFailed);
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
  EXPECT_EQ(manager().id(), "old");
  EXPECT_THAT(states(), ElementsAre("LOADING", "LOADED"));
}

// Whoever replaces waits for the progress of the replaced, which may ask for another.
TEST_F(SingleModelLoadingTest, ANewcomerMayBeAskedForFromTheProgressOfOneThatIsReplaced) {
  for (const char* name : {"a", "b", "c"}) add(name, kMiB);
  std::promise<void> inside;
  std::future<Value> third;
  bool asked = false;
  LoadOptions load;
  load.progress = [&](const LoadProgress&) {
    if (std::exchange(asked, true)) return;
    inside.set_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // "b" is asked for
    third = manager().load_model_async("c");
  };
  auto first = manager().load_model_async("a", load);
  inside.get_future().wait();
  auto second = manager().load_model_async("b");
  first.wait();
  second.wait();
  third.wait();
  EXPECT_FALSE(manager().loader_service().is_loading());
}

TEST_F(SingleModelLoadingTest, AProgressThatThrowsHarmsNobody) {
  add("a", kMiB);
  LoadOptions load;
  load.progress = [](const LoadProgress&) { throw std::runtime_error("a caller's bug"); };
  manager().load_model("a", load);
  EXPECT_EQ(manager().id(), "a");
  manager().unload_model();
}

TEST_F(SingleModelLoadingTest, WhoIsReplacedIsToldByWhom) {
  FakeScript& slow = add("a", kMiB);
  add("b", kMiB);
  auto first = begin_load("a", slow);
  auto second = manager().load_model_async("b");
  slow.gate(FakeStep::Load).open();
  EXPECT_EQ(code_of([&] { first.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(last_message(), "loading 'a' into the slot: 'b' took its place");
  second.get();
}

TEST_F(SingleModelLoadingTest, ACancelledReplacementLeavesTheResidentToo) {
  add("old", kMiB);
  FakeScript& script = add("new", kMiB);
  manager().load_model("old");
  auto load = begin_load("new", script);
  manager().cancel_current_load();
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(manager().id(), "old");
  EXPECT_EQ(host_bytes(), kMiB);
}

TEST_F(SingleModelLoadingTest, WhatNeverFitsIsRefusedAndTheResidentStays) {
  options.host_budget_bytes = 10 * kMiB;
  add("old", 6 * kMiB);
  add("huge", 11 * kMiB);
  manager().load_model("old");
  EXPECT_EQ(code_of([&] { manager().load_model("huge"); }), ErrorCode::BudgetExceeded);
  EXPECT_EQ(manager().id(), "old");
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
}

TEST_F(SingleModelLoadingTest, AFailedLoadIsAnErrorThatCanBeLeft) {
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

TEST_F(SingleModelLoadingTest, UnloadDuringALoadCancelsIt) {
  FakeScript& script = add("a", kMiB);
  auto load = begin_load("a", script);
  manager().unload_model();
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  EXPECT_EQ(host_bytes(), 0u);
}

TEST_F(SingleModelLoadingTest, UnloadingNothingOrTwiceIsFine) {
  add("a", kMiB);
  EXPECT_EQ(manager().unload_model().objects_collected, 0u);
  manager().load_model("a");
  EXPECT_EQ(manager().unload_model().freed, MemoryVector::host(kMiB));
  EXPECT_TRUE(manager().unload_model().freed.empty());
}

TEST_F(SingleModelLoadingTest, QueueLetsTheFirstEnd) {
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

TEST_F(SingleModelLoadingTest, ParallelLoadsRunTogetherAndTheLastAskedForStays) {
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

TEST_F(SingleModelLoadingTest, InParallelAnOlderLoadDoesNotTakeTheSlotBack) {
  FakeScript& first = add("first", kMiB);
  add("second", kMiB);
  manager(LoadPolicy::Parallel);
  auto load = begin_load("first", first);
  manager().load_model("second");
  EXPECT_EQ(code_of([&] { load.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(manager().id(), "second");
  EXPECT_EQ(host_bytes(), kMiB);
}

TEST_F(SingleModelLoadingTest, InParallelTheResidentStaysWhereACancelledLoadGivesTheRoom) {
  options.host_budget_bytes = 10 * kMiB;
  add("old", 4 * kMiB);
  FakeScript& cancelled = add("cancelled", 4 * kMiB);
  add("new", 4 * kMiB);
  manager(LoadPolicy::Parallel).load_model("old");
  cancelled.ignore_stop(FakeStep::Load);
  auto load = begin_load("cancelled", cancelled);
  EXPECT_TRUE(manager().cancel_current_load());
  auto next = manager().load_model_async("new");
  EXPECT_EQ(next.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_EQ(manager().id(), "old");
  cancelled.gate(FakeStep::Load).open();
  EXPECT_EQ(code_of(load), ErrorCode::Cancelled);
  next.get();
  EXPECT_EQ(manager().id(), "new");
  EXPECT_THAT(states(), ElementsAre("LOADING", "LOADED")) << "beside the old one";
  EXPECT_EQ(host_bytes(), 4 * kMiB);
}

TEST_F(SingleModelLoadingTest, InParallelWhoWaitsForACancelledLoadCanBeCancelledToo) {
  options.host_budget_bytes = 10 * kMiB;
  add("old", 4 * kMiB);
  FakeScript& cancelled = add("cancelled", 4 * kMiB);
  add("new", 4 * kMiB);
  manager(LoadPolicy::Parallel).load_model("old");
  cancelled.ignore_stop(FakeStep::Load);
  auto load = begin_load("cancelled", cancelled);
  EXPECT_TRUE(manager().cancel_current_load());
  auto next = manager().load_model_async("new");
  EXPECT_EQ(next.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  EXPECT_TRUE(manager().cancel_current_load());
  EXPECT_EQ(code_of(next), ErrorCode::Cancelled);
  const LoadOptions brief{.timeout = std::chrono::milliseconds(5)};
  EXPECT_EQ(code_of([&] { manager().load_model("new", brief); }), ErrorCode::DeadlineExceeded);
  cancelled.gate(FakeStep::Load).open();
  EXPECT_EQ(code_of(load), ErrorCode::Cancelled);
  EXPECT_EQ(manager().id(), "old");
}

TEST_F(SingleModelLoadingTest, AModelLeasedElsewhereOnlyLeavesTheSlot) {
  add("a", kMiB);
  manager().load_model("a");
  const ModelHandle elsewhere = engine().model("a");
  const CleanupMetrics metrics = manager().unload_model();
  EXPECT_THAT(metrics.error, testing::HasSubstr("leased elsewhere"));
  EXPECT_TRUE(metrics.freed.empty());
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
}

TEST_F(SingleModelLoadingTest, TheResidentIsNeverEvictedForOthers) {
  options.host_budget_bytes = 10 * kMiB;
  add("a", 6 * kMiB);
  add("other", 6 * kMiB);
  manager().load_model("a");
  LoadOptions at_once;
  at_once.fail_fast = true;
  EXPECT_EQ(code_of([&] { engine().ready("other", at_once); }), ErrorCode::BudgetExceeded);
  EXPECT_EQ(manager().current_state, ModelState::Loaded);
}

TEST_F(SingleModelLoadingTest, RevokedByForceTheSlotSaysSo) {
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

TEST_F(SingleModelLoadingTest, AnUnloadWaitsForACallThatRuns) {
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

TEST_F(SingleModelLoadingTest, WhatAnotherLoadedStaysWhenALoadHereFails) {
  add("a", kMiB);
  manager().load_model("a");
  engine().unload("a", {.force = true});
  engine().ready("a");
  while (manager().current_state != ModelState::Idle) std::this_thread::yield();
  LoadOptions nowhere;
  nowhere.device = "nowhere";
  EXPECT_EQ(code_of([&] { manager().load_model("a", nowhere); }), ErrorCode::DeviceNotFound);
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
}

TEST_F(SingleModelLoadingTest, WhatWasTakenAwayIsLoadedAnew) {
  add("a", kMiB);
  for (int round = 0; round < 20; ++round) {
    manager().load_model("a");
    engine().unload("a", {.force = true});
    if (round % 2 == 0) engine().ready("a");
    manager().load_model("a");
    manager().use([](Model&) {});
  }
}

TEST_F(SingleModelLoadingTest, ALoadFromWithinAUseOfWhatStandsInItsPlaceIsRefused) {
  options.host_budget_bytes = 10 * kMiB;
  add("a", 6 * kMiB);
  add("b", 6 * kMiB);
  manager().load_model("a");
  manager().use([&](Model&) {
    EXPECT_EQ(code_of([&] { manager().load_model("b"); }), ErrorCode::InvalidArgument);
    EXPECT_THAT(last_message(), testing::HasSubstr("wait for itself"));
    EXPECT_EQ(manager().id(), "a") << "nothing has changed";
    EXPECT_EQ(manager().current_state, ModelState::Loaded);
  });
  manager().load_model("b");
  EXPECT_EQ(manager().id(), "b");
}

TEST_F(SingleModelLoadingTest, ALoadFromWithinAUseOfItsGroupIsRefused) {
  for (const char* id : {"a", "b"}) {
    add(id, kMiB);
    engine().patch_options(id, Value::Object{{"group", "g"}});
  }
  manager().load_model("a");
  manager().use([&](Model&) {
    EXPECT_EQ(code_of([&] { manager().load_model("b"); }), ErrorCode::InvalidArgument);
    engine().unload_async("a", {.force = true});
    EXPECT_EQ(code_of([&] { engine().ready("b"); }), ErrorCode::InvalidArgument);
  });
}

TEST_F(SingleModelLoadingTest, WhatIsThereWithOtherOptionsIsNotTakenForWhatWasAsked) {
  add("a", kMiB);
  LoadOptions other;
  other.device = "cpu";
  manager().load_model("a");
  EXPECT_EQ(code_of([&] { manager().load_model("a", other); }), ErrorCode::InvalidArgument);
  EXPECT_THAT(last_message(), testing::HasSubstr("unload it first"));
  manager().unload_model();
  manager().load_model("a", other);
  manager().load_model("a", other);
  manager().load_model("a");
}

TEST_F(SingleModelLoadingTest, ACallThatRunsHoldsAnUnloadUpForTheDrainTimeout) {
  add("a", kMiB);
  StateManager states;
  PipelineManager pipeline(engine());
  ResourceManager resources(engine());
  LoaderOptions brief;
  brief.drain_timeout = std::chrono::milliseconds(5);
  LoaderService loader(engine(), states, pipeline, resources, brief);
  loader.load_model("a");
  Gate inside;
  inside.shut();
  std::jthread user([&] { pipeline.with([&](Model&) { inside.pass(); }); });
  inside.await_arrivals();
  EXPECT_EQ(code_of([&] { loader.unload_model(); }), ErrorCode::InUse);
  inside.open();
}

TEST_F(SingleModelLoadingTest, ALoadFromWithinAUseGivesTheOldModelBackAfterIt) {
  add("a", kMiB);
  add("b", kMiB);
  manager().load_model("a");
  manager().use([this](Model&) { manager().load_model("b"); });
  while (engine().status("a").state != ModelState::Idle) std::this_thread::yield();
  EXPECT_EQ(manager().id(), "b");
  manager().unload_model();
  EXPECT_EQ(host_bytes(), 0u);
}

TEST_F(SingleModelLoadingTest, ALoadBesideTheResidentObeysItsTimeout) {
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

TEST_F(SingleModelLoadingTest, ManyThreadsAskAndTheSlotStaysWhole) {
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

// --- from the progress of a load, which would wait for itself

class InsideALoadTest : public SlotTest {
 protected:
  // Loads "a", calling `f` once from its progress.
  std::future<Value> load_and(std::function<void()> f) {
    add("a", kMiB);
    LoadOptions load;
    load.progress = [f = std::move(f)](const LoadProgress& progress) {
      if (progress.step == 1) f();
    };
    return manager().load_model_async("a", load);
  }
};

TEST_F(InsideALoadTest, ShuttingDownIsRefusedAndChangesNothing) {
  ErrorCode code = ErrorCode::Internal;
  load_and([&] { code = code_of([this] { manager().shutdown(); }); }).get();
  EXPECT_EQ(code, ErrorCode::InvalidArgument);
  EXPECT_EQ(manager().id(), "a");
  manager().unload_model();
  manager().load_model("a");
}

TEST_F(InsideALoadTest, UnloadingCancelsItAndEmptiesTheSlotAfterIt) {
  CleanupMetrics begun;
  auto load = load_and([&] { begun = manager().unload_model(); });
  EXPECT_EQ(code_of(load), ErrorCode::Cancelled);
  EXPECT_THAT(begun.error, testing::HasSubstr("cancelled"));
  manager().unload_model();  // joins the one that was begun
  EXPECT_EQ(manager().current_state, ModelState::Idle);
  EXPECT_EQ(host_bytes(), 0u);
  manager().load_model("a");
}

TEST_F(InsideALoadTest, AnotherLoadIsRefusedUnlessItIsNotWaitedFor) {
  add("b", kMiB);
  ErrorCode code = ErrorCode::Internal;
  std::future<Value> next;
  auto load = load_and([&] {
    code = code_of([this] { manager().load_model("b"); });
    next = manager().load_model_async("b");
  });
  EXPECT_EQ(code_of(load), ErrorCode::Cancelled);
  EXPECT_EQ(code, ErrorCode::InvalidArgument);
  next.get();
  EXPECT_EQ(manager().id(), "b");
}

}  // namespace
}  // namespace roost::test

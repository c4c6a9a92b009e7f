// One model, and who asks for it: grants, joins, cancels, failures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/core/world.h"

namespace roost::pool::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Requests, ALoadIsGrantedWithALease) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  const WaiterId waiter = w.ask(a);
  EXPECT_TRUE(w.waits(waiter));
  EXPECT_EQ(w.state(a), ModelState::Loading);
  EXPECT_EQ(w.core.ledger().reserved, host(60));
  w.loaded(a, host(50));
  ASSERT_TRUE(w.granted(waiter));
  EXPECT_TRUE(w.grants.at(waiter).leased);
  EXPECT_EQ(w.gates.at(a)->counts().leases, 1u);
  EXPECT_EQ(w.core.ledger().reserved, host(50));
}

TEST(Requests, ALoadedModelIsGrantedAtOnce) {
  World w(host(100));
  const SlotId a = w.resident("a", host(60));
  RequestSpec ready;
  ready.lease = false;
  EXPECT_TRUE(w.granted(w.ask(a, ready)));
  EXPECT_EQ(w.core.view(a).leases, 0u);
  EXPECT_TRUE(w.granted(w.ask(a)));
  EXPECT_EQ(w.core.view(a).leases, 1u);
}

TEST(Requests, ConcurrentLoadsOnlyOneSucceeds) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  std::vector<WaiterId> waiters;
  for (int i = 0; i < 1000; ++i) waiters.push_back(w.ask(a));
  w.loaded(a);
  EXPECT_EQ(w.all<StartLoad>().size(), 1u);
  for (const WaiterId waiter : waiters) EXPECT_TRUE(w.granted(waiter));
  EXPECT_EQ(w.gates.at(a)->counts().leases, 1000u);
}

TEST(Requests, LoadFailureIsToldToAllWhoWaitOnce) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  const WaiterId first = w.ask(a), second = w.ask(a);
  w.load_failed(a, ErrorCode::OutOfMemory);
  EXPECT_EQ(w.refused(first), ErrorCode::OutOfMemory);
  EXPECT_EQ(w.refused(second), ErrorCode::OutOfMemory);
  EXPECT_EQ(w.state(a), ModelState::Error);
  EXPECT_EQ(w.core.view(a).last_failure, "it broke");
}

TEST(Requests, ResourcesReleasedIfLoadFails) {
  World w(host(100));
  const SlotId a = w.model("a", host(60)), b = w.model("b", host(100));
  w.ask(a);
  w.load_failed(a);
  EXPECT_TRUE(w.core.ledger().reserved.empty());
  w.ask(b);
  w.loaded(b);
  EXPECT_EQ(w.state(b), ModelState::Loaded);
}

TEST(Requests, FailureExpiry) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.load_failed(a);
  const WaiterId too_soon = w.ask(a);
  EXPECT_EQ(w.refused(too_soon), ErrorCode::LoadBackoff);
  EXPECT_EQ(w.refusals.at(too_soon).retry_after, seconds(1));
  EXPECT_THAT(w.refusals.at(too_soon).message, HasSubstr("it broke"));
  w.advance(milliseconds(400));
  EXPECT_EQ(w.refusals.at(w.ask(a)).retry_after, milliseconds(600));
  w.advance(milliseconds(600));
  EXPECT_TRUE(w.waits(w.ask(a)));
  w.load_failed(a);
  EXPECT_EQ(w.refusals.at(w.ask(a)).retry_after, seconds(2));  // twice in a row
  w.advance(seconds(2));
  w.ask(a);
  w.loaded(a);
  EXPECT_EQ(w.core.view(a).failures_in_a_row, 0u);
}

TEST(Requests, RetryNowIgnoresTheBackOff) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.load_failed(a);
  RequestSpec now;
  now.retry_now = true;
  const WaiterId waiter = w.ask(a, now);
  w.loaded(a);
  EXPECT_TRUE(w.granted(waiter));
}

TEST(Requests, ResetForgetsTheFailure) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.load_failed(a);
  w.in([&](Core& core, Instant now, Actions& out) { core.reset(a, now, out); });
  EXPECT_EQ(w.state(a), ModelState::Idle);
  EXPECT_TRUE(w.waits(w.ask(a)));
}

TEST(Requests, TheLastWaiterToLeaveCancelsTheLoad) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  const WaiterId first = w.ask(a), second = w.ask(a);
  const auto give_up = [&](WaiterId waiter) {
    w.in([&](Core& core, Instant now, Actions& out) {
      core.give_up(waiter, ErrorCode::Cancelled, "no longer wanted", now, out);
    });
  };
  give_up(first);
  EXPECT_EQ(w.refused(first), ErrorCode::Cancelled);
  EXPECT_TRUE(w.stops.empty());
  give_up(second);
  EXPECT_EQ(w.stops.count(a), 1u);
  EXPECT_EQ(w.state(a), ModelState::Loading);  // until the load says so
  w.load_failed(a, ErrorCode::Cancelled);
  EXPECT_EQ(w.state(a), ModelState::Idle);
  EXPECT_TRUE(w.core.ledger().reserved.empty());
  give_up(second);  // answered already: nothing
}

TEST(Requests, ByNameALoadIsCancelledForAll) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  const WaiterId first = w.ask(a), second = w.ask(a);
  w.in([&](Core& core, Instant now, Actions& out) { core.cancel_load(a, "by hand", now, out); });
  EXPECT_EQ(w.refused(first), ErrorCode::Cancelled);
  EXPECT_EQ(w.refused(second), ErrorCode::Cancelled);
  EXPECT_EQ(w.stops.count(a), 1u);
}

// After StopLoad any failure is the stop it was asked for: no failure memory, no Error, and who
// came meanwhile gets a fresh load.
TEST(Requests, RetryOnLoadErrorCancelledLoad) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.in([&](Core& core, Instant now, Actions& out) { core.cancel_load(a, "by hand", now, out); });
  const WaiterId newcomer = w.ask(a);
  EXPECT_EQ(w.all<StartLoad>().size(), 1u);
  w.load_failed(a, ErrorCode::IoError);
  EXPECT_EQ(w.all<StartLoad>().size(), 2u);
  EXPECT_EQ(w.core.view(a).failures_in_a_row, 0u);
  w.loaded(a);
  EXPECT_TRUE(w.granted(newcomer));
}

TEST(Requests, ALoadThatEndsWellInSpiteOfTheStopServesNewcomers) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.in([&](Core& core, Instant now, Actions& out) { core.cancel_load(a, "by hand", now, out); });
  const WaiterId newcomer = w.ask(a);
  w.loaded(a);
  EXPECT_TRUE(w.granted(newcomer));
  EXPECT_EQ(w.all<StartLoad>().size(), 1u);
}

TEST(Requests, ALoadThatEndsWellInSpiteOfTheStopStaysIdle) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.in([&](Core& core, Instant now, Actions& out) { core.cancel_load(a, "by hand", now, out); });
  w.loaded(a);
  EXPECT_EQ(w.state(a), ModelState::Loaded);
  EXPECT_EQ(w.core.view(a).leases, 0u);
}

TEST(Requests, ALoadThatStopsByItselfIsACancelledOne) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  const WaiterId waiter = w.ask(a);
  w.load_failed(a, ErrorCode::Cancelled);
  EXPECT_EQ(w.refused(waiter), ErrorCode::Cancelled);
  EXPECT_EQ(w.state(a), ModelState::Idle);
  EXPECT_TRUE(w.waits(w.ask(a)));  // no back-off
}

TEST(Requests, FootprintsAreLearnt) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  const auto cycle = [&](std::uint64_t footprint) {
    w.ask(a, {LoadPriority::Normal, Instant::max(), false, false, false});
    w.loaded(a, host(footprint));
    w.unload(a);
    w.unloaded(a);
    return w.core.view(a).estimate;
  };
  EXPECT_EQ(cycle(20), host(20));
  EXPECT_EQ(cycle(10), host(20));  // the larger of the last two
  EXPECT_EQ(cycle(10), host(10));
  w.core.set_estimate(a, host(33));
  EXPECT_EQ(cycle(5), host(5));
}

TEST(Requests, ALoadGrowsWhileThereIsRoom) {
  World w(host(100));
  const SlotId a = w.model("a", host(60)), b = w.model("b", host(20));
  w.ask(a);
  w.ask(b);
  EXPECT_TRUE(w.core.grow(a, host(10)));
  EXPECT_FALSE(w.core.grow(a, host(11)));
  EXPECT_EQ(w.core.ledger().reserved, host(90));
  w.load_failed(a, ErrorCode::OutOfMemory);
  EXPECT_EQ(w.core.view(a).estimate, host(81));  // what it wanted
  EXPECT_EQ(w.core.ledger().reserved, host(20));
}

TEST(Requests, BecomingUnusableRevokesAndFreesTheCopy) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.loaded(a);
  ASSERT_TRUE(w.gates.at(a)->try_call());
  w.in(
      [&](Core& core, Instant now, Actions& out) { core.became_unusable(a, "it died", now, out); });
  EXPECT_EQ(w.state(a), ModelState::Error);
  EXPECT_FALSE(w.gates.at(a)->try_call());
  ASSERT_EQ(w.all<LeasesRevoked>().size(), 1u);
  EXPECT_FALSE(w.unloads(a));  // a call still runs
  w.gates.at(a)->end_call();
  w.in([&](Core& core, Instant now, Actions& out) { core.lease_returned(a, now, out); });
  ASSERT_TRUE(w.unloads(a));
  EXPECT_EQ(w.core.ledger().reserved, host(60));
  EXPECT_EQ(w.refused(w.ask(a)), ErrorCode::LoadBackoff);
  w.unloaded(a);
  EXPECT_EQ(w.state(a), ModelState::Error);
  EXPECT_TRUE(w.core.ledger().reserved.empty());
  w.advance(seconds(1));
  w.ask(a);
  w.loaded(a);
  EXPECT_EQ(w.state(a), ModelState::Loaded);
}

TEST(Requests, RefreshMissingModel) {
  World w(host(100));
  const SlotId a = w.resident("a", host(60));
  w.in(
      [&](Core& core, Instant now, Actions& out) { core.became_unusable(a, "it died", now, out); });
  RequestSpec now;
  now.retry_now = true;
  const WaiterId waiter = w.ask(a, now);
  EXPECT_TRUE(w.waits(waiter));
  w.unloaded(a);  // what is left of it goes first
  w.loaded(a);
  EXPECT_TRUE(w.granted(waiter));
}

TEST(Requests, ResetWhileRemainsAreUnloadedOnlyLiftsTheBackOff) {
  World w(host(100));
  const SlotId a = w.resident("a", host(60));
  w.in(
      [&](Core& core, Instant now, Actions& out) { core.became_unusable(a, "it died", now, out); });
  w.in([&](Core& core, Instant now, Actions& out) { core.reset(a, now, out); });
  EXPECT_EQ(w.state(a), ModelState::Error);
  const WaiterId waiter = w.ask(a);
  w.unloaded(a);
  w.loaded(a);
  EXPECT_TRUE(w.granted(waiter));
}

TEST(Requests, CloseRefusesAllAndStopsLoads) {
  World w(host(100));
  const SlotId a = w.model("a", host(60)), b = w.model("b", host(60));
  const WaiterId loads = w.ask(a), queued = w.ask(b);
  w.in([&](Core& core, Instant now, Actions& out) { core.close(now, out); });
  EXPECT_EQ(w.refused(loads), ErrorCode::EngineClosed);
  EXPECT_EQ(w.refused(queued), ErrorCode::EngineClosed);
  EXPECT_EQ(w.refused(w.ask(a)), ErrorCode::EngineClosed);
  EXPECT_EQ(w.stops.count(a), 1u);
  w.loaded(a);  // too late: it goes again at once
  EXPECT_TRUE(w.unloads(a));
  w.unloaded(a);
  EXPECT_EQ(w.core.loading(), 0u);
  EXPECT_TRUE(w.core.ledger().reserved.empty());
}

TEST(Requests, AfterCloseUnloadStillWorks) {
  World w(host(100));
  const SlotId a = w.resident("a", host(60));
  w.in([&](Core& core, Instant now, Actions& out) { core.close(now, out); });
  const WaiterId waiter = w.unload(a);
  w.unloaded(a);
  EXPECT_TRUE(w.granted(waiter));
}

TEST(Requests, HistoryTellsTheWholeWay) {
  World w(host(100));
  const SlotId a = w.resident("a", host(60));
  w.unload(a);
  w.unloaded(a);
  std::vector<Reason> reasons;
  for (const HistoryEntry& entry : w.core.history(a)) reasons.push_back(entry.why);
  EXPECT_THAT(reasons, ElementsAre(Reason::LoadRequested, Reason::LoadCompleted,
                                   Reason::UnloadRequested, Reason::UnloadCompleted));
  EXPECT_EQ(w.all<StateChanged>().size(), 4u);
}

TEST(Requests, SlotsComeAndGo) {
  World w(host(100));
  const SlotId image = w.image("i", 10);
  const SlotId a = w.model_of("a", host(20), {image});
  EXPECT_EQ(w.core.find("a"), a);
  EXPECT_FALSE(w.core.remove(image));  // a model names it
  w.ask(a);
  EXPECT_FALSE(w.core.remove(a));
  w.load_all();
  EXPECT_FALSE(w.core.remove(a));
  w.release(a);
  w.unload(a);
  w.unloaded(a);
  EXPECT_FALSE(w.core.remove(a));  // its image is still on its way out
  w.unloaded(image);
  EXPECT_TRUE(w.core.remove(a));
  EXPECT_TRUE(w.core.remove(image));
  EXPECT_EQ(w.core.find("a"), std::nullopt);
  EXPECT_TRUE(w.core.slots().empty());
}

}  // namespace
}  // namespace roost::pool::test

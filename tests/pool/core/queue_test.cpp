// Who waits: order, aging, passing, limits, deadlines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/core/world.h"

namespace roost::pool::test {
namespace {

RequestSpec with(LoadPriority priority) {
  RequestSpec spec;
  spec.priority = priority;
  return spec;
}

RequestSpec impatient() {
  RequestSpec spec;
  spec.fail_fast = true;
  return spec;
}

CoreOptions one_load_at_a_time(const MemoryVector& budget) {
  CoreOptions options = World::with_budget(budget);
  options.max_concurrent_loads = 1;
  return options;
}

TEST(Queue, LoadPriority) {
  World w(one_load_at_a_time(host(100)));
  const SlotId running = w.model("running", host(1));
  const SlotId low = w.model("low", host(1)), normal = w.model("normal", host(1));
  const SlotId critical = w.model("critical", host(1));
  w.ask(running);
  w.ask(low, with(LoadPriority::Low));
  w.ask(normal);
  w.ask(critical, with(LoadPriority::Critical));
  w.loaded(running);
  EXPECT_TRUE(w.loads(critical));
  w.loaded(critical);
  EXPECT_TRUE(w.loads(normal));
  w.loaded(normal);
  EXPECT_TRUE(w.loads(low));
}

TEST(Queue, FirstComeFirstServedWithinAPriority) {
  World w(one_load_at_a_time(host(100)));
  const SlotId running = w.model("running", host(1));
  const SlotId first = w.model("first", host(1)), second = w.model("second", host(1));
  w.ask(running);
  w.ask(first);
  w.ask(second);
  w.loaded(running);
  EXPECT_TRUE(w.loads(first));
}

TEST(Queue, WaitingAStepCountsAsOnePriority) {
  World w(one_load_at_a_time(host(100)));
  const SlotId running = w.model("running", host(1));
  const SlotId old = w.model("old", host(1)), high = w.model("high", host(1));
  w.ask(running);
  w.ask(old);
  w.advance(milliseconds(5001));
  w.ask(high, with(LoadPriority::High));
  w.loaded(running);
  EXPECT_TRUE(w.loads(old));
}

TEST(Queue, ABetterRequestForTheSameModelMovesItForward) {
  World w(one_load_at_a_time(host(100)));
  const SlotId running = w.model("running", host(1));
  const SlotId a = w.model("a", host(1)), b = w.model("b", host(1));
  w.ask(running);
  w.ask(a);
  w.ask(b);
  const WaiterId high = w.ask(b, with(LoadPriority::High));
  const auto served_first = [&] {
    w.loaded(running);
    return w.loads(b) ? b : a;
  };
  EXPECT_EQ(served_first(), b);
  EXPECT_TRUE(w.waits(high));
}

TEST(Queue, ConcurrentLoadsAreLimited) {
  World w(host(100));
  std::vector<SlotId> slots;
  for (int i = 0; i < 5; ++i) slots.push_back(w.model("m" + std::to_string(i), host(1)));
  for (const SlotId slot : slots) w.ask(slot);
  EXPECT_EQ(w.core.loading(), 2u);
  w.loaded(slots[0]);
  EXPECT_EQ(w.core.loading(), 2u);
  EXPECT_TRUE(w.loads(slots[2]));
}

TEST(Queue, TooManyAreRefused) {
  CoreOptions options = one_load_at_a_time(host(100));
  options.max_waiting = 2;
  World w(options);
  const SlotId a = w.model("a", host(1)), b = w.model("b", host(1));
  w.ask(a);
  w.ask(b);
  EXPECT_EQ(w.refused(w.ask(b)), ErrorCode::QueueFull);
  EXPECT_EQ(w.refused(w.ask(a)), ErrorCode::QueueFull);
  EXPECT_EQ(w.core.waiting(), 2u);
  w.loaded(a);
  EXPECT_TRUE(w.waits(w.ask(b)));
  EXPECT_TRUE(w.granted(w.ask(a)));  // what is loaded needs no queue
}

std::vector<std::size_t> lengths_told(const World& w) {
  std::vector<std::size_t> told;
  for (const QueueChanged& q : w.all<QueueChanged>()) told.push_back(q.waiting);
  return told;
}

TEST(Queue, ItsLengthIsTold) {
  World w(one_load_at_a_time(host(100)));
  const SlotId a = w.model("a", host(1)), b = w.model("b", host(1));
  w.ask(a);
  w.ask(b);
  w.ask(b);
  w.loaded(a);
  EXPECT_THAT(lengths_told(w), testing::ElementsAre(1, 2, 0));
  w.loaded(b);
  EXPECT_EQ(lengths_told(w).size(), 3u);
}

TEST(Queue, ALoadThatBeginsAtOnceNeverWaited) {
  World w(host(100));
  const SlotId a = w.model("a", host(1));
  w.ask(a);
  w.ask(a);  // joins it
  w.loaded(a);
  EXPECT_THAT(lengths_told(w), testing::IsEmpty());
}

TEST(Queue, DeadlinesPassByTick) {
  World w(host(10));
  const SlotId a = w.model("a", host(8)), b = w.model("b", host(8));
  w.ask(a);
  w.loaded(a);  // leased
  RequestSpec spec;
  spec.deadline = w.now + seconds(3);
  const WaiterId waiter = w.ask(b, spec);
  w.advance(milliseconds(2999));
  EXPECT_TRUE(w.waits(waiter));
  w.advance(milliseconds(1));
  EXPECT_EQ(w.refused(waiter), ErrorCode::DeadlineExceeded);
  EXPECT_EQ(w.core.waiting(), 0u);
  spec.deadline = w.now;
  EXPECT_EQ(w.refused(w.ask(a, spec)), ErrorCode::DeadlineExceeded);
}

TEST(Queue, ADeadlineThatPassesStopsTheLoad) {
  World w(host(10));
  const SlotId a = w.model("a", host(8));
  RequestSpec spec;
  spec.deadline = w.now + seconds(3);
  w.ask(a, spec);
  w.advance(seconds(3));
  EXPECT_EQ(w.stops.count(a), 1u);
}

TEST(Queue, FailFastNeverWaits) {
  World w(host(10));
  const SlotId leased = w.model("leased", host(8)), b = w.model("b", host(8));
  w.ask(leased);
  EXPECT_TRUE(w.waits(w.ask(leased, impatient())));  // joins a load: that is no waiting in line
  w.loaded(leased);
  const WaiterId waiter = w.ask(b, impatient());
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
  EXPECT_EQ(w.refusals.at(waiter).need, host(8));
  EXPECT_EQ(w.refusals.at(waiter).free, host(2));
  EXPECT_EQ(w.refusals.at(waiter).short_by, host(6));
}

TEST(Queue, FailFastIsRefusedByAFreshResident) {
  World w(host(10));
  const SlotId fresh = w.model("fresh", host(8)), b = w.model("b", host(8));
  w.ask(fresh);
  w.loaded(fresh);
  w.release(fresh);
  EXPECT_EQ(w.refused(w.ask(b, impatient())), ErrorCode::BudgetExceeded);
  w.advance(seconds(1));
  EXPECT_TRUE(w.waits(w.ask(b, impatient())));  // makes room: somebody works on it
}

TEST(Queue, FailFastIsRefusedWithoutALoadSlot) {
  World w(one_load_at_a_time(host(100)));
  const SlotId a = w.model("a", host(1)), b = w.model("b", host(1));
  w.ask(a);
  EXPECT_EQ(w.refused(w.ask(b, impatient())), ErrorCode::QueueFull);
}

TEST(Queue, FailFastIsRefusedByAnUnload) {
  World w(host(10));
  const SlotId a = w.resident("a", host(8));
  w.unload(a);
  EXPECT_EQ(w.refused(w.ask(a, impatient())), ErrorCode::QueueFull);
}

// The big one waits for a lease; the small one fits beside it and need not wait behind.
TEST(Queue, NobodyWaitsBehindOneWhoCannotBeServed) {
  World w(host(10));
  const SlotId leased = w.model("leased", host(5));
  const SlotId big = w.model("big", host(8)), small = w.model("small", host(2));
  w.ask(leased);
  w.loaded(leased);
  w.ask(big);
  w.ask(small);
  EXPECT_FALSE(w.loads(big));
  EXPECT_TRUE(w.loads(small));
}

TEST(Queue, ButNobodyTakesVictimsFromOneWhoWaits) {
  World w(host(10));
  const SlotId leased = w.model("leased", host(5));
  w.ask(leased);
  w.loaded(leased);
  w.resident("idle", host(5));
  const SlotId big = w.model("big", host(8)), small = w.model("small", host(2));
  w.ask(big);
  w.ask(small);
  EXPECT_TRUE(w.unloading.empty());
  EXPECT_FALSE(w.loads(small));
  w.release(leased);
  EXPECT_EQ(w.evicted().size(), 2u);
}

TEST(Queue, NobodyPassesOneWhoWaitedLong) {
  World w(host(10));
  const SlotId leased = w.model("leased", host(5));
  const SlotId big = w.model("big", host(8)), small = w.model("small", host(2));
  w.ask(leased);
  w.loaded(leased);
  w.ask(big);
  w.advance(seconds(20));
  w.ask(small);
  EXPECT_FALSE(w.loads(small));
  w.release(leased);
  w.unloaded(leased);
  EXPECT_TRUE(w.loads(big));
  EXPECT_TRUE(w.loads(small));
}

TEST(Queue, OneWhoWaitedLongBlocksOnlyItsOwnMemory) {
  World w(host(10) + gpu(10));
  const SlotId leased = w.model("leased", host(5));
  const SlotId big = w.model("big", host(8)), other = w.model("other", gpu(10));
  w.ask(leased);
  w.loaded(leased);
  w.ask(big);
  w.advance(seconds(20));
  w.ask(other);
  EXPECT_TRUE(w.loads(other));
}

TEST(Queue, WhenOneWhoBlockedLeavesOthersPass) {
  World w(host(10));
  const SlotId leased = w.model("leased", host(5));
  const SlotId big = w.model("big", host(8)), small = w.model("small", host(2));
  w.ask(leased);
  w.loaded(leased);
  RequestSpec spec;
  spec.deadline = w.now + seconds(25);
  const WaiterId waiter = w.ask(big, spec);
  w.advance(seconds(20));
  w.ask(small);
  w.advance(seconds(5));
  EXPECT_EQ(w.refused(waiter), ErrorCode::DeadlineExceeded);
  EXPECT_TRUE(w.loads(small));
}

// At most 16 are looked at while the caller holds its lock; the others with the next tick.
TEST(Queue, AllAreConsideredInTheEnd) {
  World w(host(100));
  const SlotId leased = w.model("leased", host(60));
  w.ask(leased);
  w.loaded(leased);
  for (int i = 0; i < 40; ++i) w.ask(w.model("big" + std::to_string(i), host(50)));
  const SlotId small = w.model("small", host(30));
  w.advance(seconds(1));
  w.ask(small);
  w.advance(milliseconds(1));
  EXPECT_TRUE(w.loads(small));
  // Something changes: all anew, and the small one after all the others.
  w.loaded(small);
  w.release(small);
  const SlotId small_too = w.model("small too", host(30));
  w.ask(small_too);
  w.advance(seconds(1));
  EXPECT_FALSE(w.loads(small_too));  // would have to take a victim from those who wait
  w.unload(small);
  w.unloaded(small);
  w.advance(milliseconds(1));
  EXPECT_TRUE(w.loads(small_too));
}

TEST(Queue, AReturnedLeaseLetsTheNextIn) {
  World w(host(10));
  const SlotId a = w.model("a", host(8)), b = w.model("b", host(8));
  w.ask(a);
  w.ask(a);
  w.loaded(a);
  w.advance(seconds(1));
  const WaiterId waiter = w.ask(b);
  w.release(a);
  EXPECT_TRUE(w.waits(waiter));
  EXPECT_FALSE(w.unloads(a));
  w.release(a);
  EXPECT_TRUE(w.unloads(a));
  w.unloaded(a);
  w.loaded(b);
  EXPECT_TRUE(w.granted(waiter));
}

// A return that comes right after another causes no plan of its own; the next timer does.
TEST(Queue, ReturnsOfLeasesArePlannedForTogether) {
  World w(host(10));
  const SlotId a = w.model("a", host(5)), b = w.model("b", host(5)), c = w.model("c", host(10));
  w.ask(a);
  w.ask(b);
  w.load_all();
  w.advance(seconds(1));
  w.ask(c);
  w.release(a);
  w.release(b);
  EXPECT_TRUE(w.unloading.empty());
  w.advance(milliseconds(5));
  EXPECT_EQ(w.unloading.size(), 2u);
}

TEST(Queue, AFreshResidentIsWaitedFor) {
  World w(host(10));
  const SlotId a = w.model("a", host(8)), b = w.model("b", host(8));
  w.ask(a);
  w.loaded(a);
  w.release(a);
  w.ask(b);
  EXPECT_FALSE(w.unloads(a));
  w.advance(milliseconds(499));
  EXPECT_FALSE(w.unloads(a));
  w.advance(milliseconds(1));
  EXPECT_TRUE(w.unloads(a));
}

}  // namespace
}  // namespace roost::pool::test

// Making room: victims, claims, groups, limits that change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/core/world.h"

namespace roost::pool::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Admission, Evictions) {
  World w(host(10));
  const SlotId a = w.resident("a", host(6)), b = w.model("b", host(8));
  const WaiterId waiter = w.ask(b);
  EXPECT_THAT(w.evicted(), ElementsAre("a"));
  EXPECT_TRUE(w.unloads(a));
  EXPECT_FALSE(w.loads(b));  // not before the bytes are back
  EXPECT_TRUE(w.core.view(b).making_room);
  EXPECT_EQ(w.state(b), ModelState::Idle);
  EXPECT_EQ(w.core.ledger().claimed, host(8));
  w.unloaded(a);
  EXPECT_EQ(w.state(b), ModelState::Loading);
  w.loaded(b);
  EXPECT_TRUE(w.granted(waiter));
  EXPECT_EQ(w.all<Evicted>()[0].for_model, "b");
  EXPECT_THAT(w.all<Evicted>()[0].why, HasSubstr("to reload"));
}

TEST(Admission, NobodyIsEvictedForWhatCanNeverFit) {
  World w(host(10));
  w.resident("a", host(6));
  const WaiterId waiter = w.ask(w.model("b", host(11)));
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
  const Refusal& why = w.refusals.at(waiter);
  EXPECT_EQ(why.need, host(11));
  EXPECT_EQ(why.free, host(4));
  EXPECT_EQ(why.short_by, host(1));
  EXPECT_THAT(w.evicted(), IsEmpty());
}

TEST(Admission, WhatNeverFitsIsRefusedThoughAllLoadSlotsAreTaken) {
  World w(host(10));
  w.ask(w.model("a", host(1)));
  w.ask(w.model("b", host(1)));
  EXPECT_EQ(w.refused(w.ask(w.model("c", host(11)))), ErrorCode::BudgetExceeded);
}

TEST(Admission, AZeroBudgetIsARefusalThatSaysSo) {
  World w(host(10));
  const WaiterId waiter = w.ask(w.model("a", gpu(5)));
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
  EXPECT_THAT(w.refusals.at(waiter).message, HasSubstr("needs device:0 5 B, and there is no budget for device:0;"));
}

TEST(Admission, PinnedIsNeverEvicted) {
  World w(host(10));
  SlotPolicy pinned;
  pinned.pinned = true;
  const SlotId a = w.resident("a", host(6));
  w.in([&](Core& core, Instant now, Actions& out) { core.set_policy(a, pinned, now, out); });
  const SlotId b = w.model("b", host(8));
  EXPECT_EQ(w.refused(w.ask(b)), ErrorCode::BudgetExceeded);
  w.in([&](Core& core, Instant now, Actions& out) { core.set_policy(a, {}, now, out); });
  w.ask(b);
  EXPECT_TRUE(w.unloads(a));
}

TEST(Admission, ALeasedResidentIsSpared) {
  World w(host(10));
  const SlotId a = w.resident("a", host(4)), b = w.resident("b", host(4));
  ASSERT_TRUE(w.gates.at(a)->try_lease());
  w.ask(w.model("c", host(5)));
  EXPECT_THAT(w.evicted(), ElementsAre("b"));
  EXPECT_FALSE(w.unloads(a));
  EXPECT_TRUE(w.unloads(b));
}

// Nobody who cannot be helped by it is closed: all gates are open again after a Wait.
TEST(Admission, AWaitLeavesEveryGateOpen) {
  World w(host(10));
  const SlotId a = w.resident("a", host(4)), b = w.resident("b", host(4));
  ASSERT_TRUE(w.gates.at(a)->try_lease());
  w.ask(w.model("c", host(9)));
  EXPECT_TRUE(w.gates.at(a)->try_lease());
  EXPECT_TRUE(w.gates.at(b)->try_lease());
}

TEST(Admission, AClaimCannotBeStolen) {
  World w(host(10));
  const SlotId a = w.resident("a", host(10));
  const SlotId big = w.model("big", host(10)), small = w.model("small", host(2));
  const WaiterId waiter = w.ask(big);
  RequestSpec critical;
  critical.priority = LoadPriority::Critical;
  w.ask(small, critical);
  w.unloaded(a);
  EXPECT_TRUE(w.loads(big));
  EXPECT_FALSE(w.loads(small));
  w.loaded(big);
  EXPECT_TRUE(w.granted(waiter));
}

TEST(Admission, TwoMayMakeRoomAtOnce) {
  World w(host(10));
  const SlotId a = w.resident("a", host(5)), b = w.resident("b", host(5));
  const SlotId c = w.model("c", host(5)), d = w.model("d", host(5));
  w.ask(c);
  w.ask(d);
  EXPECT_EQ(w.core.ledger().claimed, host(10));
  w.unloaded(b);
  w.unloaded(a);
  EXPECT_TRUE(w.loads(c));
  EXPECT_TRUE(w.loads(d));
}

TEST(Admission, LostBytesMakeItPlanAgain) {
  World w(host(10));
  const SlotId a = w.resident("a", host(5)), b = w.resident("b", host(5));
  const SlotId c = w.model("c", host(5));
  const WaiterId waiter = w.ask(c);
  ASSERT_THAT(w.evicted(), ElementsAre("a"));
  w.unloaded(a, host(2));
  EXPECT_EQ(w.core.ledger().lost, host(2));
  EXPECT_THAT(w.evicted(), ElementsAre("a", "b"));
  w.unloaded(b);
  w.loaded(c);
  EXPECT_TRUE(w.granted(waiter));
  ASSERT_EQ(w.all<BytesLost>().size(), 1u);
}

TEST(Admission, LostBytesMayMeanARefusal) {
  World w(host(10));
  const SlotId a = w.resident("a", host(10)), b = w.model("b", host(9));
  const WaiterId waiter = w.ask(b);
  w.unloaded(a, host(2));
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
  EXPECT_TRUE(w.core.ledger().claimed.empty());
  w.in([&](Core& core, Instant now, Actions& out) { core.found(a, host(2), now, out); });
  EXPECT_TRUE(w.core.ledger().lost.empty());
  w.ask(b);
  EXPECT_TRUE(w.loads(b));
}

TEST(Admission, AnUnloadThatFailsIsToldAndPlannedAround) {
  World w(host(10));
  const SlotId a = w.resident("a", host(10)), b = w.model("b", host(9));
  const WaiterId waiter = w.ask(b);
  UnloadResult result;
  result.failed = true;
  result.message = "it would not go";
  result.lost = host(10);
  w.unloaded(a, result);
  EXPECT_EQ(w.state(a), ModelState::Error);
  EXPECT_THAT(w.core.view(a).last_failure, HasSubstr("it would not go"));
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
}

TEST(Admission, WhoeverMadeRoomAndLeftLeavesItToOthers) {
  World w(host(10));
  const SlotId a = w.resident("a", host(10));
  const SlotId b = w.model("b", host(10)), c = w.model("c", host(10));
  const WaiterId first = w.ask(b);
  w.ask(c);
  w.in([&](Core& core, Instant now, Actions& out) {
    core.give_up(first, ErrorCode::Cancelled, "no longer wanted", now, out);
  });
  EXPECT_EQ(w.core.ledger().claimed, host(10));  // the other's now
  w.unloaded(a);
  EXPECT_TRUE(w.loads(c));
  EXPECT_FALSE(w.loads(b));
}

TEST(Admission, ExternalPressureEvictsOrWaitsOrRefuses) {
  World w(host(10));
  const SlotId a = w.model("a", host(4));
  w.ask(a);
  w.loaded(a);
  w.advance(seconds(1));
  w.in([&](Core& core, Instant now, Actions& out) { core.observe(host(3), {}, now, out); });
  const WaiterId too_much = w.ask(w.model("b", host(8)));
  EXPECT_EQ(w.refused(too_much), ErrorCode::BudgetExceeded);
  EXPECT_THAT(w.refusals.at(too_much).message, HasSubstr("other processes"));
  const SlotId c = w.model("c", host(6));
  w.ask(c);
  EXPECT_FALSE(w.loads(c));
  w.release(a);
  EXPECT_TRUE(w.unloads(a));
  w.unloaded(a);
  EXPECT_TRUE(w.loads(c));
}

TEST(Admission, MemoryThatComesBackFromOthersIsNoticed) {
  World w(host(10));
  const SlotId leased = w.model("leased", host(2)), a = w.model("a", host(6));
  w.ask(leased);
  w.loaded(leased);
  w.in([&](Core& core, Instant now, Actions& out) { core.observe(host(5), {}, now, out); });
  w.ask(a);
  EXPECT_FALSE(w.loads(a));
  w.in([&](Core& core, Instant now, Actions& out) { core.observe(host(6), {}, now, out); });
  EXPECT_TRUE(w.loads(a));
}

TEST(Admission, WhatRunningLoadsTouchedIsNotMissedTwice) {
  World w(host(100));
  const SlotId a = w.model("a", host(40)), b = w.model("b", host(50));
  w.ask(a);
  w.in([&](Core& core, Instant now, Actions& out) { core.observe(host(60), host(30), now, out); });
  w.ask(b);  // 60 + 30 - 40 = 50
  EXPECT_TRUE(w.loads(b));
}

TEST(Admission, OfAGroupOneIsResident) {
  World w(host(10));
  SlotSpec spec;
  spec.estimate = host(2);
  spec.policy.group = "g";
  spec.key = "a";
  const SlotId a = w.resident(w.model(spec));
  spec.key = "b";
  const SlotId b = w.model(spec);
  spec.key = "c";
  const SlotId c = w.model(spec);
  w.ask(b);
  EXPECT_THAT(w.evicted(), ElementsAre("a"));
  EXPECT_FALSE(w.loads(b));  // not before the other is gone
  w.ask(c);                  // and not two at once
  w.unloaded(a);
  EXPECT_TRUE(w.loads(b));
  EXPECT_FALSE(w.loads(c));
  w.loaded(b);
  w.advance(seconds(1));
  EXPECT_FALSE(w.loads(c));
  w.release(b);
  w.unloaded(b);
  EXPECT_TRUE(w.loads(c));
}

TEST(Admission, APinnedModelKeepsItsGroupOut) {
  World w(host(10));
  SlotSpec spec;
  spec.estimate = host(2);
  spec.policy.group = "g";
  spec.policy.pinned = true;
  spec.key = "a";
  w.resident(w.model(spec));
  spec.policy.pinned = false;
  spec.key = "b";
  const WaiterId waiter = w.ask(w.model(spec));
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
  EXPECT_THAT(w.refusals.at(waiter).message, HasSubstr("group 'g'"));
}

TEST(Admission, JoiningAGroupLaterTakesEffectWithTheNextLoad) {
  World w(host(10));
  const SlotId a = w.resident("a", host(2)), b = w.resident("b", host(2));
  SlotPolicy grouped;
  grouped.group = "g";
  w.in([&](Core& core, Instant now, Actions& out) { core.set_policy(a, grouped, now, out); });
  w.in([&](Core& core, Instant now, Actions& out) { core.set_policy(b, grouped, now, out); });
  SlotSpec spec;
  spec.key = "c";
  spec.estimate = host(2);
  spec.policy = grouped;
  w.ask(w.model(spec));
  EXPECT_THAT(w.evicted(), ElementsAre("a", "b"));
}

// Its lease may be held by the very one who waits.
TEST(Admission, NobodyHoldsAClaimWhileOneOfTheGroupIsDrained) {
  World w(host(10));
  const SlotId leased = w.model("leased", host(4));
  w.ask(leased);
  w.loaded(leased);
  const SlotId old = w.resident("old", host(6));
  SlotSpec spec;
  spec.key = "b";
  spec.estimate = host(6);
  spec.policy.group = "g";
  const SlotId b = w.model(spec);
  w.ask(b);
  RequestSpec now_or_never;
  now_or_never.fail_fast = true;
  const WaiterId impatient = w.ask(b, now_or_never);
  ASSERT_TRUE(w.unloads(old));  // for b, which will not wait for more than this

  w.in([&](Core& core, Instant now, Actions& out) {
    core.set_policy(leased, spec.policy, now, out);
  });
  w.unload(leased);
  w.unloaded(old);
  EXPECT_EQ(w.refused(impatient), ErrorCode::BudgetExceeded);
  EXPECT_TRUE(w.core.ledger().claimed.empty());
  w.release(leased);
  w.unloaded(leased);
  EXPECT_TRUE(w.loads(b));
}

TEST(Admission, ALoweredBudgetLetsIdleResidentsGo) {
  World w(host(10));
  const SlotId a = w.resident("a", host(4)), leased = w.model("leased", host(4));
  w.ask(leased);
  w.loaded(leased);
  w.advance(seconds(1));
  w.in([&](Core& core, Instant now, Actions& out) { core.set_budget(host(3), now, out); });
  EXPECT_TRUE(w.unloads(a));
  w.unloaded(a);
  EXPECT_EQ(w.state(leased), ModelState::Loaded);
  w.release(leased);  // in use goes first when it can
  w.advance(milliseconds(5));
  EXPECT_TRUE(w.unloads(leased));
}

TEST(Admission, ALoweredBudgetTakesClaimsBack) {
  World w(host(10));
  const SlotId a = w.resident("a", host(10)), b = w.model("b", host(8));
  const WaiterId waiter = w.ask(b);
  w.in([&](Core& core, Instant now, Actions& out) { core.set_budget(host(5), now, out); });
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
  EXPECT_TRUE(w.core.ledger().claimed.empty());
  w.unloaded(a);
}

TEST(Admission, ARaisedBudgetLetsWaitersIn) {
  World w(host(10));
  const SlotId leased = w.model("leased", host(6)), b = w.model("b", host(6));
  w.ask(leased);
  w.loaded(leased);
  w.ask(b);
  w.in([&](Core& core, Instant now, Actions& out) { core.set_budget(host(12), now, out); });
  EXPECT_TRUE(w.loads(b));
}

TEST(Admission, RelieveGivesUpIdleResidentsOnly) {
  World w(host(100));
  const SlotId leased = w.model("leased", host(40));
  w.ask(leased);
  w.loaded(leased);
  const SlotId old = w.resident("old", host(20));
  w.advance(seconds(100));
  const SlotId young = w.resident("young", host(20));
  MemoryVector frees;
  w.in([&](Core& core, Instant now, Actions& out) {
    frees = core.relieve(MemoryId::Host, 50, seconds(60), "high memory pressure", now, out);
  });
  EXPECT_EQ(frees, host(20));
  EXPECT_TRUE(w.unloads(old));
  EXPECT_FALSE(w.unloads(young));
  EXPECT_EQ(w.all<Evicted>().back().why, "high memory pressure");
  // What is on its way counts.
  w.in([&](Core& core, Instant now, Actions& out) {
    frees = core.relieve(MemoryId::Host, 20, {}, "high memory pressure", now, out);
  });
  EXPECT_TRUE(frees.empty());
}

TEST(Admission, UnderLruTheLongestUnusedGoes) {
  CoreOptions options = World::with_budget(host(10));
  options.policy = EvictionPolicy::Lru;
  World w(options);
  const SlotId a = w.resident("a", host(5)), b = w.resident("b", host(5));
  w.ask(a);
  w.release(a);
  w.ask(w.model("c", host(5)));
  EXPECT_TRUE(w.unloads(b));
}

TEST(Admission, ByDefaultWhatIsCheapToHaveBackGoes) {
  World w(host(10));
  const SlotId slow = w.model("slow", host(5)), quick = w.model("quick", host(5));
  w.ask(slow);
  w.loaded(slow, host(5), 60.0);
  w.ask(quick);
  w.loaded(quick, host(5), 0.1);
  w.release(slow);
  w.advance(seconds(1));
  w.release(quick);
  w.ask(w.model("c", host(5)));
  EXPECT_TRUE(w.unloads(quick));
}

}  // namespace
}  // namespace roost::pool::test

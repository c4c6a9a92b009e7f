// Unloads by name: drain, deadline, force, demotion, what is joined and what is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/core/world.h"

namespace roost::pool::test {
namespace {

using testing::HasSubstr;

UnloadSpec by_force() {
  UnloadSpec spec;
  spec.force = true;
  return spec;
}

UnloadSpec within(World& w, Duration d) {
  UnloadSpec spec;
  spec.deadline = w.now + d;
  return spec;
}

UnloadSpec demote() {
  UnloadSpec spec;
  spec.keep = Tier::Host;
  return spec;
}

TEST(Unloads, AreGrantedWhenTheMemoryIsBack) {
  World w(host(100));
  const SlotId a = w.resident("a", host(60));
  const WaiterId waiter = w.unload(a);
  EXPECT_TRUE(w.waits(waiter));
  EXPECT_EQ(w.core.ledger().releasing, host(60));
  w.unloaded(a, host(10));
  ASSERT_TRUE(w.granted(waiter));
  EXPECT_EQ(w.grants.at(waiter).freed, host(50));
  EXPECT_EQ(w.grants.at(waiter).lost, host(10));
  EXPECT_EQ(w.state(a), ModelState::Idle);
}

TEST(Unloads, AreIdempotent) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  const WaiterId never_loaded = w.unload(a);
  ASSERT_TRUE(w.granted(never_loaded));
  EXPECT_TRUE(w.grants.at(never_loaded).freed.empty());
  w.resident(a);
  const WaiterId first = w.unload(a), second = w.unload(a);
  EXPECT_EQ(w.all<StartUnload>().size(), 1u);
  w.unloaded(a);
  EXPECT_TRUE(w.granted(first));
  EXPECT_TRUE(w.granted(second));
  EXPECT_TRUE(w.granted(w.unload(a)));
}

TEST(Unloads, WaitForLeasesAndCalls) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.loaded(a);
  ASSERT_TRUE(w.gates.at(a)->try_call());
  w.unload(a);
  EXPECT_TRUE(w.core.view(a).draining);
  EXPECT_FALSE(w.gates.at(a)->try_lease());
  w.gates.at(a)->end_call();
  EXPECT_FALSE(w.unloads(a));
  w.release(a);
  EXPECT_TRUE(w.unloads(a));
}

TEST(Unloads, ADrainThatTakesTooLongIsGivenUp) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.loaded(a);
  const WaiterId waiter = w.unload(a, within(w, seconds(2)));
  const WaiterId queued = w.ask(a);
  EXPECT_TRUE(w.waits(queued));
  w.advance(seconds(2));
  EXPECT_EQ(w.refused(waiter), ErrorCode::InUse);
  EXPECT_THAT(w.refusals.at(waiter).message, HasSubstr("1 lease, 0 calls"));
  EXPECT_EQ(w.state(a), ModelState::Loaded);
  EXPECT_TRUE(w.granted(queued));  // came while it drained
  EXPECT_TRUE(w.gates.at(a)->try_lease());
}

TEST(Unloads, OnlyIfUnusedDisturbsNobody) {
  World w(host(100));
  UnloadSpec spec;
  spec.only_if_unused = true;
  const SlotId a = w.model("a", host(60));
  EXPECT_TRUE(w.granted(w.unload(a, spec)));  // not loaded
  const WaiterId asked = w.ask(a);
  EXPECT_TRUE(w.granted(w.unload(a, spec)));  // asked for
  w.loaded(a);
  EXPECT_TRUE(w.granted(asked));
  EXPECT_TRUE(w.granted(w.unload(a, spec)));  // leased
  EXPECT_EQ(w.state(a), ModelState::Loaded);
  ASSERT_TRUE(w.gates.at(a)->try_call());
  w.release(a);
  const WaiterId waiter = w.unload(a, spec);  // a call without a lease is waited for
  EXPECT_TRUE(w.waits(waiter));
  w.gates.at(a)->end_call();
  w.in([&](Core& core, Instant now, Actions& out) { core.lease_returned(a, now, out); });
  w.unloaded(a);
  EXPECT_TRUE(w.granted(waiter));
}

TEST(Unloads, EachWaiterOfADrainHasItsOwnDeadline) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.loaded(a);
  const WaiterId hasty = w.unload(a, within(w, seconds(1)));
  const WaiterId patient = w.unload(a);
  w.advance(seconds(1));
  EXPECT_EQ(w.refused(hasty), ErrorCode::InUse);
  EXPECT_TRUE(w.core.view(a).draining);
  w.release(a);
  w.unloaded(a);
  EXPECT_TRUE(w.granted(patient));
}

TEST(Unloads, ADeadlineIsOfTheDrainOnly) {
  World w(host(100));
  const SlotId a = w.resident("a", host(60));
  const WaiterId waiter = w.unload(a, within(w, seconds(1)));
  w.advance(seconds(5));
  EXPECT_TRUE(w.waits(waiter));
  w.unloaded(a);
  EXPECT_TRUE(w.granted(waiter));
}

TEST(Unloads, GivingUpADrainOpensTheGateAgain) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.loaded(a);
  const WaiterId waiter = w.unload(a);
  w.in([&](Core& core, Instant now, Actions& out) {
    core.give_up(waiter, ErrorCode::Cancelled, "no longer wanted", now, out);
  });
  EXPECT_EQ(w.refused(waiter), ErrorCode::Cancelled);
  EXPECT_TRUE(w.gates.at(a)->try_lease());
}

TEST(Unloads, ForceRevokesAndWaitsForCallsOnly) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.loaded(a);
  LeaseGate& gate = *w.gates.at(a);
  ASSERT_TRUE(gate.try_call());
  w.unload(a, by_force());
  ASSERT_EQ(w.all<LeasesRevoked>().size(), 1u);
  EXPECT_EQ(w.all<LeasesRevoked>()[0].leases, 1u);
  EXPECT_FALSE(gate.try_call());
  EXPECT_FALSE(w.unloads(a));
  gate.end_call();
  w.in([&](Core& core, Instant now, Actions& out) { core.lease_returned(a, now, out); });
  EXPECT_TRUE(w.unloads(a));
  w.unloaded(a);
  gate.end_lease();  // long after
  w.in([&](Core& core, Instant now, Actions& out) { core.lease_returned(a, now, out); });
  EXPECT_EQ(w.state(a), ModelState::Idle);
}

TEST(Unloads, ForceHastensADrain) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  w.loaded(a);
  const WaiterId drain = w.unload(a, within(w, seconds(1)));
  const WaiterId force = w.unload(a, by_force());
  EXPECT_TRUE(w.unloads(a));
  w.advance(seconds(2));
  w.unloaded(a);
  EXPECT_TRUE(w.granted(drain));
  EXPECT_TRUE(w.granted(force));
}

TEST(Unloads, StopALoad) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  const WaiterId asked = w.ask(a), waiter = w.unload(a);
  EXPECT_EQ(w.refused(asked), ErrorCode::Cancelled);
  EXPECT_TRUE(w.waits(waiter));
  w.load_failed(a, ErrorCode::Cancelled);
  EXPECT_TRUE(w.granted(waiter));
  EXPECT_EQ(w.state(a), ModelState::Idle);
}

TEST(Unloads, ALoadThatEndsWellInSpiteOfItIsUnloaded) {
  World w(host(100));
  const SlotId a = w.model("a", host(60));
  w.ask(a);
  const WaiterId waiter = w.unload(a);
  w.loaded(a);
  EXPECT_TRUE(w.unloads(a));
  w.unloaded(a);
  EXPECT_TRUE(w.granted(waiter));
}

TEST(Unloads, CancelWhoOnlyQueues) {
  World w(host(10));
  const SlotId leased = w.model("leased", host(8)), a = w.model("a", host(8));
  w.ask(leased);
  w.loaded(leased);
  const WaiterId asked = w.ask(a);
  EXPECT_TRUE(w.granted(w.unload(a)));
  EXPECT_EQ(w.refused(asked), ErrorCode::Cancelled);
}

TEST(Unloads, UnaspireThenImmediatelyReaspire) {
  World w(host(100));
  const SlotId a = w.resident("a", host(60));
  const WaiterId down = w.unload(a), up = w.ask(a);
  EXPECT_FALSE(w.loads(a));
  w.unloaded(a);
  EXPECT_TRUE(w.granted(down));
  EXPECT_TRUE(w.loads(a));  // the old copy is gone first
  w.loaded(a);
  EXPECT_TRUE(w.granted(up));
}

TEST(Unloads, ManagerPrefersUnloadOverLoad) {
  World w(host(10));
  const SlotId a = w.resident("a", host(6)), b = w.model("b", host(6));
  w.ask(b);
  const std::vector<StartUnload> unloads = w.all<StartUnload>();
  ASSERT_EQ(unloads.size(), 1u);
  EXPECT_EQ(unloads[0].slot, a);
  EXPECT_TRUE(w.attempts.empty());
}

TEST(Unloads, AFailedUnloadIsAnError) {
  World w(host(100));
  const SlotId a = w.resident("a", host(60));
  const WaiterId waiter = w.unload(a), again = w.ask(a);
  UnloadResult result;
  result.failed = true;
  result.message = "it would not go";
  result.freed = host(50);
  result.lost = host(10);
  w.unloaded(a, result);
  EXPECT_EQ(w.refused(waiter), ErrorCode::Internal);
  EXPECT_THAT(w.refusals.at(waiter).message, HasSubstr("it would not go"));
  EXPECT_EQ(w.core.view(a).lost, host(10));
  EXPECT_TRUE(w.waits(again));  // not a failed load: it may be tried at once
  EXPECT_TRUE(w.loads(a));
}

TEST(Unloads, ADemotionKeepsTheImages) {
  World w(host(100) + gpu(100));
  const SlotId image = w.image("i", 20);
  const SlotId a = w.resident(w.model_of("a", gpu(50), {image}));
  const WaiterId waiter = w.unload(a, demote());
  EXPECT_FALSE(w.unloading.at(a).save_images);
  w.unloaded(a);
  EXPECT_TRUE(w.granted(waiter));
  EXPECT_EQ(w.state(image), ModelState::Loaded);
  EXPECT_EQ(w.core.view(a).tier, Tier::Host);
}

TEST(Unloads, AnUnloadTakesTheImagesAlong) {
  World w(host(100) + gpu(100));
  const SlotId image = w.image("i", 20), kept = w.image("kept", 10, true);
  const SlotId a = w.resident(w.model_of("a", gpu(50), {image, kept}));
  const WaiterId waiter = w.unload(a);
  w.unloaded(a);
  EXPECT_TRUE(w.waits(waiter));  // the image is not back yet
  w.unloaded(image);
  ASSERT_TRUE(w.granted(waiter));
  EXPECT_EQ(w.grants.at(waiter).freed, gpu(50) + host(20));
  EXPECT_EQ(w.state(kept), ModelState::Loaded);
}

TEST(Unloads, OfADemotedModelFreeItsImages) {
  World w(host(100) + gpu(100));
  const SlotId image = w.image("i", 20);
  const SlotId a = w.resident(w.model_of("a", gpu(50), {image}));
  w.unload(a, demote());
  w.unloaded(a);
  const WaiterId waiter = w.unload(a);
  EXPECT_TRUE(w.waits(waiter));
  const WaiterId again = w.ask(a);  // waits until the images are gone, then loads anew
  w.unloaded(image);
  EXPECT_EQ(w.grants.at(waiter).freed, host(20));
  w.load_all();
  EXPECT_TRUE(w.granted(again));
}

TEST(Unloads, JoinedByOneThatKeepsNothingFreeTheImagesToo) {
  World w(host(100) + gpu(100));
  const SlotId image = w.image("i", 20);
  const SlotId a = w.resident(w.model_of("a", gpu(50), {image}));
  const WaiterId keeps = w.unload(a, demote()), frees = w.unload(a);
  w.unloaded(a);
  w.unloaded(image);
  EXPECT_TRUE(w.granted(keeps));
  EXPECT_TRUE(w.granted(frees));
}

TEST(Unloads, ADemotionSavesWhatIsMissing) {
  World w(host(100) + gpu(100));
  const SlotId image = w.image("i", 20);
  const SlotId a = w.resident(w.model_of("a", gpu(50), {image}, false, true));
  w.unload(image);
  w.unloaded(image);
  w.unload(a, demote());
  EXPECT_TRUE(w.unloading.at(a).save_images);
  EXPECT_EQ(w.state(image), ModelState::Loading);
  EXPECT_EQ(w.core.ledger().reserved, gpu(50) + host(20));
  UnloadResult result;
  result.freed = gpu(50);
  result.saved_images = {host(18)};
  w.unloaded(a, result);
  EXPECT_EQ(w.state(image), ModelState::Loaded);
  EXPECT_EQ(w.core.ledger().reserved, host(18));
  EXPECT_EQ(w.core.view(a).tier, Tier::Host);
}

TEST(Unloads, ADemotionThatCouldNotSaveLeavesNothing) {
  World w(host(100) + gpu(100));
  const SlotId image = w.image("i", 20);
  const SlotId a = w.resident(w.model_of("a", gpu(50), {image}, false, true));
  w.unload(image);
  w.unloaded(image);
  const WaiterId waiter = w.unload(a, demote());
  w.unloaded(a);
  EXPECT_TRUE(w.granted(waiter));
  EXPECT_EQ(w.state(image), ModelState::Idle);
  EXPECT_TRUE(w.core.ledger().reserved.empty());
}

TEST(Unloads, WhoWaitsForAnImageThatWasNotSavedGetsItTheOrdinaryWay) {
  World w(host(100) + gpu(100));
  const SlotId image = w.image("i", 20);
  const SlotId a = w.resident(w.model_of("a", gpu(50), {image}, false, true));
  w.unload(image);
  w.unloaded(image);
  w.unload(a, demote());
  const WaiterId waiter = w.ask(image);
  w.unloaded(a);
  EXPECT_TRUE(w.loads(image));
  w.loaded(image);
  EXPECT_TRUE(w.granted(waiter));
}

TEST(Unloads, ADemotionWithoutHostRoomIsRefused) {
  World w(host(30) + gpu(100));
  const SlotId image = w.image("i", 20);
  const SlotId a = w.resident(w.model_of("a", gpu(50), {image}, false, true));
  w.unload(image);
  w.unloaded(image);
  w.resident("b", host(20));
  const WaiterId waiter = w.unload(a, demote());
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
  EXPECT_EQ(w.refusals.at(waiter).short_by, host(10));
  EXPECT_EQ(w.state(a), ModelState::Loaded);
  EXPECT_TRUE(w.gates.at(a)->try_lease());
}

TEST(Unloads, ADemotionOfTheUnusedWithoutHostRoomLeavesItOpen) {
  World w(host(30) + gpu(100));
  const SlotId image = w.image("i", 20);
  const SlotId a = w.resident(w.model_of("a", gpu(50), {image}, false, true));
  w.unload(image);
  w.unloaded(image);
  w.resident("b", host(20));
  UnloadSpec spec = demote();
  spec.only_if_unused = true;
  EXPECT_EQ(w.refused(w.unload(a, spec)), ErrorCode::BudgetExceeded);
  EXPECT_TRUE(w.gates.at(a)->try_lease());
}

TEST(Unloads, ADemotionWhoseRoomWasTakenMeanwhileLeavesItLoaded) {
  World w(host(30) + gpu(100));
  const SlotId image = w.image("i", 20);
  const SlotId a = w.model_of("a", gpu(50), {image}, false, true);
  w.ask(a);
  w.load_all();
  w.unload(image);
  w.unloaded(image);
  const WaiterId waiter = w.unload(a, demote());
  w.resident("b", host(20));
  w.release(a);
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
  EXPECT_TRUE(w.gates.at(a)->try_lease());
}

}  // namespace
}  // namespace roost::pool::test

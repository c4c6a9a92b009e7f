// Bugs that the simulator found, each as small as it can be told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/core/world.h"

namespace roost::pool::test {
namespace {

using testing::HasSubstr;

// Someone who waited for a minimum residency was not looked at again while all load slots were
// taken, but its timer stayed: the core wanted to be ticked for ever.
TEST(FoundBySimulation, ATimerOfOneWhoIsNotLookedAtRests) {
  CoreOptions options = World::with_budget(host(10));
  options.max_concurrent_loads = 1;
  World w(options);
  const SlotId fresh = w.model("fresh", host(8)), big = w.model("big", host(9));
  const SlotId small = w.model("small", host(2));
  w.ask(fresh);
  w.loaded(fresh);
  w.release(fresh);
  w.ask(big);    // waits for the residency of `fresh`
  w.ask(small);  // takes the load slot
  ASSERT_TRUE(w.loads(small));
  w.advance(seconds(1));
  w.loaded(small);
  w.release(small);
  w.advance(seconds(1));
  EXPECT_TRUE(w.unloads(fresh));
}

// An unload that was asked for while the remains of a broken copy waited for a call took the copy
// for gone, and it stayed for ever.
TEST(FoundBySimulation, UnloadingABrokenCopyWaitsForItsCalls) {
  World w(host(10));
  const SlotId a = w.model("a", host(8));
  w.ask(a);
  w.loaded(a);
  ASSERT_TRUE(w.gates.at(a)->try_call());
  w.in(
      [&](Core& core, Instant now, Actions& out) { core.became_unusable(a, "it died", now, out); });
  const WaiterId waiter = w.unload(a);
  EXPECT_TRUE(w.waits(waiter));
  w.gates.at(a)->end_call();
  w.in([&](Core& core, Instant now, Actions& out) { core.lease_returned(a, now, out); });
  w.unloaded(a);
  EXPECT_TRUE(w.granted(waiter));
  EXPECT_TRUE(w.core.ledger().reserved.empty());
}

// An image that makes room for itself is loaded by a model that needs it first: it was listed as
// making room while it loaded.
TEST(FoundBySimulation, AModelOvertakesAnImageThatMakesRoom) {
  World w(host(60) + gpu(10));
  const SlotId a = w.resident("a", host(30)), b = w.resident("b", host(20));
  const SlotId in_the_way = w.resident("in the way", gpu(10));
  const SlotId image = w.image("i", 25);
  const SlotId model = w.model_of("m", gpu(5), {image});
  const WaiterId for_model = w.ask(model);
  const WaiterId for_image = w.ask(image);
  EXPECT_TRUE(w.core.view(model).making_room);
  EXPECT_TRUE(w.core.view(image).making_room);
  w.unloaded(in_the_way);
  w.unloaded(w.unloads(a) ? a : b);
  w.load_all();
  EXPECT_TRUE(w.granted(for_image));
  EXPECT_TRUE(w.granted(for_model));
}

// Two need the same image; when one begins to load it, the claim of the other, which still makes
// room, counted it until the next input.
TEST(FoundBySimulation, AClaimShrinksWhenAnotherLoadsItsImage) {
  CoreOptions options = World::with_budget(host(100) + gpu(10) + gpu(10, 1));
  options.max_concurrent_loads = 8;
  World w(options);
  const SlotId image = w.image("i", 40);
  const SlotId in_the_way = w.resident("in the way", gpu(10));
  const SlotId slow = w.model_of("slow", gpu(10), {image});
  const SlotId quick = w.model_of("quick", gpu(10, 1), {image});
  w.ask(slow);  // waits for the device, with a claim on the image's bytes
  EXPECT_EQ(w.core.ledger().claimed, host(40) + gpu(10));
  w.ask(quick);
  EXPECT_TRUE(w.loads(image));
  w.advance({});
  EXPECT_EQ(w.core.ledger().claimed, gpu(10));
  EXPECT_EQ(w.core.plan(w.model("third", host(60)), {}, w.now).verdict, Verdict::Admit);
  w.unloaded(in_the_way);
}

// The same, when it is a demotion that fills the image.
TEST(FoundBySimulation, AClaimShrinksWhenADemotionFillsItsImage) {
  World w(host(100) + gpu(10) + gpu(10, 1));
  const SlotId image = w.image("i", 40);
  const SlotId old = w.model_of("old", gpu(10, 1), {image}, false, true);
  w.resident(old);
  w.unload(image);
  w.unloaded(image);
  w.resident("in the way", gpu(10));
  w.ask(w.model_of("slow", gpu(10), {image}));
  ASSERT_EQ(w.core.ledger().claimed, host(40) + gpu(10));
  UnloadSpec demote;
  demote.keep = Tier::Host;
  w.unload(old, demote);
  EXPECT_EQ(w.state(image), ModelState::Loading);
  EXPECT_EQ(w.core.ledger().claimed, gpu(10));
}

// An image fails while a model makes room: the model was told only some time later, or, when its
// one caller who insisted had gone, by chance.
TEST(FoundBySimulation, AFailedImageIsToldToThoseWhoMakeRoom) {
  World w(host(100) + gpu(10));
  const SlotId image = w.image("i", 40);
  w.resident("in the way", gpu(10));
  const SlotId model = w.model_of("m", gpu(10), {image});
  RequestSpec ready;
  ready.lease = false;
  w.ask(image, ready);
  const WaiterId waiter = w.ask(model);
  EXPECT_TRUE(w.core.view(model).making_room);
  w.load_failed(image, ErrorCode::IoError);
  EXPECT_EQ(w.refused(waiter), ErrorCode::IoError);
  EXPECT_TRUE(w.core.ledger().claimed.empty());
}

// One caller insists on another try and takes the others along; once it has gone they were refused
// only when something else happened.
TEST(FoundBySimulation, WhoInsistsOnARetryTakesTheOthersAlong) {
  World w(host(100) + gpu(10));
  const SlotId leased = w.model("leased", gpu(8)), image = w.image("i", 10);
  const SlotId m = w.model_of("m", gpu(8), {image});
  w.ask(leased);
  w.loaded(leased);
  RequestSpec retry;
  retry.retry_now = true;
  const WaiterId waits = w.ask(m), insists = w.ask(m, retry);
  w.ask(image);
  w.load_failed(image);
  EXPECT_TRUE(w.waits(waits));
  w.in([&](Core& core, Instant now, Actions& out) {
    core.give_up(insists, ErrorCode::Cancelled, "no longer wanted", now, out);
  });
  EXPECT_EQ(w.refused(waits), ErrorCode::LoadBackoff);
}

// A broken copy whose remains are being unloaded is in its back-off: the plan said "wait".
TEST(FoundBySimulation, ThePlanForABrokenCopyIsItsBackOff) {
  World w(host(10));
  const SlotId a = w.resident("a", host(8));
  w.in(
      [&](Core& core, Instant now, Actions& out) { core.became_unusable(a, "it died", now, out); });
  EXPECT_EQ(w.core.plan(a, {}, w.now).verdict, Verdict::Refuse);
  EXPECT_THAT(w.core.plan(a, {}, w.now).explanation, HasSubstr("it died"));
}

// Far back in a queue that was not gone through yet, fail_fast was told of load slots.
TEST(FoundBySimulation, FailFastBehindALongQueueIsToldTheReason) {
  World w(host(100));
  const SlotId leased = w.model("leased", host(60));
  w.ask(leased);
  w.loaded(leased);
  for (int i = 0; i < 80; ++i) w.ask(w.model("big" + std::to_string(i), host(50)));
  w.in([&](Core& core, Instant now, Actions& out) { core.observe(host(90), {}, now, out); });
  RequestSpec spec;
  spec.fail_fast = true;
  spec.priority = LoadPriority::Low;
  const WaiterId waiter = w.ask(w.model("too big", host(45)), spec);
  EXPECT_EQ(w.refused(waiter), ErrorCode::QueueFull);
  EXPECT_THAT(w.refusals.at(waiter).message, HasSubstr("earlier requests"));
}

// Whether an image counts as pinned was not looked at when a drain of the pinned model that holds it
// began, nor when it was called off: what could never fit waited for ever.
TEST(FoundBySimulation, AnImageIsPinnedAgainWhenTheDrainOfItsModelIsCalledOff) {
  World w(host(100));
  const SlotId image = w.image("i", 60);
  SlotPolicy pinned;
  pinned.pinned = true;
  const SlotId model = w.model_of("m", host(0), {image}, true);
  w.in([&](Core& core, Instant now, Actions& out) { core.set_policy(model, pinned, now, out); });
  w.ask(model);
  w.load_all();
  const WaiterId unload = w.unload(model);
  const WaiterId big = w.ask(w.model("big", host(50)));
  EXPECT_TRUE(w.waits(big));  // for the drain
  w.in([&](Core& core, Instant now, Actions& out) {
    core.give_up(unload, ErrorCode::Cancelled, "no longer wanted", now, out);
  });
  EXPECT_EQ(w.refused(big), ErrorCode::BudgetExceeded);
}

// `first` waits for a lease, `second` behind it, until the order of their turns is another: nobody
// was looked at again.
struct TwoInTheQueue : World {
  TwoInTheQueue() : World(host(100)) {
    leased = model("leased", host(50));
    ask(leased);
    loaded(leased);
    idle = resident("idle", host(40));
    first = model("first", host(80));
    second = model("second", host(40));
  }
  WaiterId ask_with(SlotId slot, LoadPriority priority) {
    RequestSpec spec;
    spec.priority = priority;
    return ask(slot, spec);
  }
  SlotId leased{}, idle{}, first{}, second{};
};

TEST(FoundBySimulation, WhoFallsBackInTheQueueLetsOthersPass) {
  TwoInTheQueue w;
  w.ask(w.first);
  const WaiterId in_a_hurry = w.ask_with(w.first, LoadPriority::Critical);
  w.ask_with(w.second, LoadPriority::High);
  EXPECT_FALSE(w.unloads(w.idle));
  w.in([&](Core& core, Instant now, Actions& out) {
    core.give_up(in_a_hurry, ErrorCode::Cancelled, "no longer wanted", now, out);
  });
  EXPECT_TRUE(w.unloads(w.idle));
}

TEST(FoundBySimulation, WhoPassesOthersInTheQueueIsLookedAtAgain) {
  TwoInTheQueue w;
  w.ask(w.first);
  w.ask(w.second);
  EXPECT_FALSE(w.unloads(w.idle));
  w.ask_with(w.second, LoadPriority::Critical);
  EXPECT_TRUE(w.unloads(w.idle));
}

// Nobody may pass one who has waited for so long; but the one who had waited has gone.
TEST(FoundBySimulation, WhoIsNoLongerOverdueLetsOthersPass) {
  TwoInTheQueue w;
  const WaiterId oldest = w.ask_with(w.first, LoadPriority::Low);
  w.advance(seconds(60));
  w.ask_with(w.first, LoadPriority::Critical);
  const SlotId small = w.model("small", host(5));
  w.ask_with(small, LoadPriority::Low);
  EXPECT_FALSE(w.loads(small));
  w.in([&](Core& core, Instant now, Actions& out) {
    core.give_up(oldest, ErrorCode::Cancelled, "no longer wanted", now, out);
  });
  EXPECT_TRUE(w.loads(small));
}

}  // namespace
}  // namespace roost::pool::test

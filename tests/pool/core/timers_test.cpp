// What comes with time: idle models, idle images.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/core/world.h"

namespace roost::pool::test {
namespace {

using testing::HasSubstr;

SlotSpec with_ttl(const std::string& name, Duration ttl) {
  SlotSpec spec;
  spec.key = name;
  spec.estimate = host(10);
  spec.policy.ttl = ttl;
  return spec;
}

TEST(Timers, AnIdleModelExpires) {
  World w(host(100));
  const SlotId a = w.resident(w.model(with_ttl("a", seconds(60))));  // a second ago
  w.advance(milliseconds(58999));
  EXPECT_FALSE(w.unloads(a));
  w.advance(milliseconds(1));
  EXPECT_TRUE(w.unloads(a));
  EXPECT_THAT(w.all<Evicted>().back().why, HasSubstr("idle for 60 s"));
  w.unloaded(a);
  EXPECT_EQ(w.core.next_timer(), Instant::max());
}

TEST(Timers, IdleTimeCountsFromTheLastReturn) {
  World w(host(100));
  const SlotId a = w.model(with_ttl("a", seconds(60)));
  w.ask(a);
  w.loaded(a);
  w.advance(seconds(50));
  w.release(a);  // nobody watches: the gate remembers
  w.advance(seconds(59));
  EXPECT_FALSE(w.unloads(a));
  w.advance(seconds(1));
  EXPECT_TRUE(w.unloads(a));
}

TEST(Timers, ALeaseThatOutlivesTheTimeIsHeardOf) {
  World w(host(100));
  const SlotId a = w.model(with_ttl("a", seconds(60)));
  w.ask(a);
  w.loaded(a);
  w.advance(std::chrono::hours(1));
  EXPECT_EQ(w.state(a), ModelState::Loaded);
  w.release(a);
  w.advance(seconds(59));
  EXPECT_FALSE(w.unloads(a));
  w.advance(seconds(1));
  EXPECT_TRUE(w.unloads(a));
}

TEST(Timers, LooksAreNoUses) {
  World w(host(100));
  const SlotId a = w.resident(w.model(with_ttl("a", seconds(60))));
  w.advance(seconds(58));
  w.core.view(a);
  w.core.slots();
  w.core.plan(a, {}, w.now);
  RequestSpec ready;
  ready.lease = false;
  w.ask(a, ready);
  w.advance(seconds(1));
  EXPECT_TRUE(w.unloads(a));
}

TEST(Timers, PinnedNeverExpires) {
  World w(host(100));
  SlotSpec spec = with_ttl("a", seconds(60));
  spec.policy.pinned = true;
  const SlotId a = w.resident(w.model(spec));
  w.advance(std::chrono::hours(1));
  EXPECT_EQ(w.state(a), ModelState::Loaded);
  spec.policy.pinned = false;
  w.in([&](Core& core, Instant now, Actions& out) { core.set_policy(a, spec.policy, now, out); });
  w.advance({});
  EXPECT_TRUE(w.unloads(a));
}

TEST(Timers, ATimeSetLaterCounts) {
  World w(host(100));
  const SlotId a = w.resident("a", host(10));
  w.advance(seconds(30));
  SlotPolicy policy;
  policy.ttl = seconds(60);
  w.in([&](Core& core, Instant now, Actions& out) { core.set_policy(a, policy, now, out); });
  w.advance(seconds(29));
  EXPECT_TRUE(w.unloads(a));
}

TEST(Timers, ADrainThatCameToNothingDoesNotMakeItImmortal) {
  World w(host(30) + gpu(100));
  const SlotId image = w.image("i", 20);
  SlotSpec spec = with_ttl("a", seconds(60));
  spec.estimate = gpu(10);
  spec.images = {image};
  spec.can_save_images = true;
  const SlotId a = w.model(spec);
  w.ask(a);
  w.load_all();
  w.unload(image);
  w.unloaded(image);
  UnloadSpec demote;
  demote.keep = Tier::Host;
  const WaiterId waiter = w.unload(a, demote);
  w.resident("b", host(20));
  w.advance(seconds(100));  // its time passes while it drains
  w.release(a);
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
  w.advance(seconds(60));
  EXPECT_TRUE(w.unloads(a));
}

TEST(Timers, AnExpiredModelTakesItsImagesAlong) {
  World w(host(100));
  const SlotId image = w.image("i", 10);
  SlotSpec spec = with_ttl("a", seconds(60));
  spec.images = {image};
  spec.in_place = true;
  const SlotId a = w.resident(w.model(spec));
  w.advance(seconds(60));
  w.unloaded(a);
  EXPECT_TRUE(w.unloads(image));
}

TEST(Timers, AnIdleImageExpiresWhenNobodyHoldsIt) {
  World w(host(100));
  SlotSpec spec = with_ttl("i", seconds(60));
  spec.kind = SlotKind::Image;
  const SlotId image = w.model(spec);
  const SlotId a = w.resident(w.model_of("a", host(5), {image}, true));
  w.advance(seconds(100));
  EXPECT_EQ(w.state(image), ModelState::Loaded);
  UnloadSpec demote;
  demote.keep = Tier::Host;
  w.unload(a, demote);
  w.unloaded(a);
  w.advance(seconds(59));
  EXPECT_FALSE(w.unloads(image));
  w.advance(seconds(1));
  EXPECT_TRUE(w.unloads(image));
}

}  // namespace
}  // namespace roost::pool::test

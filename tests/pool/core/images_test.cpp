// Images: staging, sharing, holding, the cache and its limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/core/world.h"

namespace roost::pool::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

RequestSpec to_cache() {
  RequestSpec spec;
  spec.lease = false;
  return spec;
}

TEST(Images, AreLoadedBeforeTheirModel) {
  World w(host(100) + gpu(100));
  const SlotId i = w.image("i", 10), j = w.image("j", 20);
  const SlotId a = w.model_of("a", gpu(50), {i, j});
  const WaiterId waiter = w.ask(a);
  EXPECT_EQ(w.state(a), ModelState::Loading);
  EXPECT_EQ(w.core.ledger().reserved, gpu(50) + host(30));
  EXPECT_TRUE(w.loads(i));
  EXPECT_TRUE(w.loads(j));
  EXPECT_FALSE(w.loads(a));
  EXPECT_EQ(w.core.loading(), 3u);
  EXPECT_THAT(w.core.loading_from(i), ElementsAre(a));
  w.loaded(j);
  EXPECT_FALSE(w.loads(a));
  w.loaded(i);
  EXPECT_TRUE(w.loads(a));
  EXPECT_EQ(w.core.view(i).holds, 1u);
  w.loaded(a);
  EXPECT_TRUE(w.granted(waiter));
  EXPECT_EQ(w.core.view(i).holds, 0u);  // placed: the device has its own copy
  EXPECT_EQ(w.core.cache_counters().misses, 2u);
}

TEST(Images, ThatAreThereAreHitsAndHeld) {
  World w(host(100) + gpu(100));
  const SlotId i = w.image("i", 60);
  w.ask(i, to_cache());
  w.loaded(i);
  w.advance(seconds(1));
  const SlotId a = w.model_of("a", gpu(50), {i});
  w.ask(a);
  EXPECT_TRUE(w.loads(a));
  EXPECT_EQ(w.core.cache_counters().hits, 1u);
  const WaiterId other = w.ask(w.model("b", host(50)));
  EXPECT_TRUE(w.waits(other));
  EXPECT_THAT(w.evicted(), IsEmpty());  // held: what would need its room waits
  w.loaded(a);
  EXPECT_THAT(w.evicted(), ElementsAre("i"));
}

TEST(Images, CountTowardsWhatTheModelNeeds) {
  World w(host(10) + gpu(100));
  const SlotId a = w.model_of("a", gpu(50), {w.image("i", 11)});
  const WaiterId waiter = w.ask(a);
  EXPECT_EQ(w.refused(waiter), ErrorCode::BudgetExceeded);
  EXPECT_EQ(w.refusals.at(waiter).need, gpu(50) + host(11));
}

TEST(Images, OfAnInPlaceModelAreHeldWhileItIsLoaded) {
  World w(host(100));
  const SlotId i = w.image("i", 60);
  const SlotId a = w.resident(w.model_of("a", host(5), {i}, true));
  EXPECT_EQ(w.core.view(i).holds, 1u);
  w.ask(w.model("b", host(50)));
  EXPECT_THAT(w.evicted(), ElementsAre("a", "i"));
  EXPECT_TRUE(w.unloads(a));
  EXPECT_FALSE(w.unloads(i));  // not while the model may still run from it
  w.unloaded(a);
  EXPECT_TRUE(w.unloads(i));
}

TEST(Images, AreSharedByWhoeverLoadsThem) {
  World w(host(100) + gpu(100) + gpu(100, 1));
  const SlotId i = w.image("i", 10);
  const SlotId a = w.model_of("a", gpu(50), {i}), b = w.model_of("b", gpu(50, 1), {i});
  w.ask(a);
  w.ask(b);
  EXPECT_EQ(w.all<StartLoad>().size(), 1u);
  EXPECT_EQ(w.core.ledger().reserved[MemoryId::Host], 10u);
  w.loaded(i);
  EXPECT_TRUE(w.loads(a));
  EXPECT_TRUE(w.loads(b));
}

TEST(Images, FailForAllWhoWaitForThem) {
  World w(host(100) + gpu(100) + gpu(100, 1));
  const SlotId i = w.image("i", 10), j = w.image("j", 10);
  const SlotId a = w.model_of("a", gpu(50), {i, j}), b = w.model_of("b", gpu(50, 1), {i});
  const WaiterId for_a = w.ask(a), for_b = w.ask(b), for_i = w.ask(i, to_cache());
  w.loaded(j);
  w.load_failed(i, ErrorCode::IoError);
  for (const WaiterId waiter : {for_a, for_b, for_i})
    EXPECT_EQ(w.refused(waiter), ErrorCode::IoError);
  EXPECT_EQ(w.state(a), ModelState::Error);
  EXPECT_EQ(w.state(b), ModelState::Error);
  EXPECT_TRUE(w.unloads(j));  // leaves nothing behind
  w.unloaded(j);
  EXPECT_TRUE(w.core.ledger().reserved.empty());
  // A third model needs it too: told at once.
  const WaiterId third = w.ask(w.model_of("c", gpu(50), {i}));
  EXPECT_EQ(w.refused(third), ErrorCode::LoadBackoff);
  EXPECT_THAT(w.refusals.at(third).message, testing::HasSubstr("it broke"));
}

TEST(Images, AreResetWithTheirModel) {
  World w(host(100) + gpu(100));
  const SlotId i = w.image("i", 10);
  const SlotId a = w.model_of("a", gpu(50), {i});
  w.ask(a);
  w.load_failed(i, ErrorCode::IoError);
  EXPECT_EQ(w.refused(w.ask(a)), ErrorCode::LoadBackoff);
  w.in([a](Core& core, Instant now, Actions& out) { core.reset(a, now, out); });
  EXPECT_EQ(w.state(a), ModelState::Idle);
  EXPECT_EQ(w.state(i), ModelState::Idle);
  w.ask(a);
  EXPECT_TRUE(w.loads(i));
}

TEST(Images, StopWithTheLastWhoWantsThem) {
  World w(host(100) + gpu(100) + gpu(100, 1));
  const SlotId i = w.image("i", 10), j = w.image("j", 10);
  const SlotId a = w.model_of("a", gpu(50), {i, j}), b = w.model_of("b", gpu(50, 1), {i});
  w.ask(a);
  w.ask(b);
  w.in([&](Core& core, Instant now, Actions& out) { core.cancel_load(a, "by hand", now, out); });
  EXPECT_EQ(w.state(a), ModelState::Idle);  // nothing of it ran yet
  EXPECT_EQ(w.stops.count(j), 1u);
  EXPECT_EQ(w.stops.count(i), 0u);
  w.load_failed(j, ErrorCode::Cancelled);
  w.loaded(i);
  EXPECT_TRUE(w.loads(b));
}

TEST(Images, ThatNobodyWantsAnyMoreGoAtOnce) {
  World w(host(100) + gpu(100));
  const SlotId i = w.image("i", 10);
  const SlotId a = w.model_of("a", gpu(50), {i});
  w.ask(a);
  w.in([&](Core& core, Instant now, Actions& out) { core.cancel_load(a, "by hand", now, out); });
  w.loaded(i);
  EXPECT_TRUE(w.unloads(i));
}

TEST(Images, ThatWereThereBeforeAFailedLoadStay) {
  World w(host(100) + gpu(100));
  const SlotId i = w.image("i", 10);
  w.ask(i, to_cache());
  w.loaded(i);
  const SlotId a = w.model_of("a", gpu(50), {i});
  w.ask(a);
  w.load_failed(a);
  EXPECT_EQ(w.state(i), ModelState::Loaded);
}

TEST(Images, OnTheirWayOutAreLoadedAgain) {
  World w(host(100) + gpu(100));
  const SlotId i = w.image("i", 10);
  w.ask(i, to_cache());
  w.loaded(i);
  w.unload(i);
  const SlotId a = w.model_of("a", gpu(50), {i});
  w.ask(a);
  EXPECT_TRUE(w.core.view(a).making_room);
  w.unloaded(i);
  EXPECT_TRUE(w.loads(i));
  w.loaded(i);
  EXPECT_TRUE(w.loads(a));
}

TEST(Images, ThatAreUsedCannotBeUnloaded) {
  World w(host(100));
  const SlotId i = w.image("i", 10);
  w.resident(w.model_of("a", host(5), {i}, true));
  EXPECT_EQ(w.refused(w.unload(i)), ErrorCode::InUse);
}

// A model on two devices is unloaded from both at once; its image is freed once.
TEST(Images, ThatSeveralUnloadsWaitForAreToldOfOnce) {
  World w(host(100) + gpu(100) + gpu(100, 1));
  const SlotId i = w.image("i", 60);
  const SlotId a = w.resident(w.model_of("a", gpu(50), {i}));
  const SlotId b = w.resident(w.model_of("b", gpu(50, 1), {i}));
  const WaiterId one = w.unload(a), other = w.unload(b);
  w.unloaded(a);
  w.unloaded(b);
  EXPECT_TRUE(w.waits(one));
  EXPECT_TRUE(w.waits(other));
  w.unloaded(i);
  EXPECT_EQ(w.grants.at(one).freed + w.grants.at(other).freed, gpu(50) + gpu(50, 1) + host(60));
}

TEST(Images, AreDemotedToByEviction) {
  World w(host(100) + gpu(100));
  const SlotId i = w.image("i", 10);
  const SlotId a = w.resident(w.model_of("a", gpu(60), {i}));
  w.ask(w.model("b", gpu(60)));
  EXPECT_THAT(w.evicted(), ElementsAre("demote a"));
  w.unloaded(a);
  EXPECT_EQ(w.core.view(a).tier, Tier::Host);
}

TEST(Images, AreSavedByEvictionWhileTheHostHasRoom) {
  World w(host(100) + gpu(100));
  const SlotId i = w.image("i", 10);
  const SlotId a = w.resident(w.model_of("a", gpu(60), {i}, false, true));
  w.unload(i);
  w.unloaded(i);
  w.ask(w.model("b", gpu(60)));
  EXPECT_THAT(w.evicted(), ElementsAre("demote a"));
  EXPECT_TRUE(w.unloading.at(a).save_images);
  EXPECT_EQ(w.core.ledger().reserved[MemoryId::Host], 10u);
  UnloadResult result;
  result.freed = gpu(60);
  result.saved_images = {host(10)};
  w.unloaded(a, result);
  EXPECT_EQ(w.core.view(a).tier, Tier::Host);
}

TEST(Images, SharedByTwoInPlaceModelsGoWithBoth) {
  World w(host(100));
  const SlotId i = w.image("i", 60);
  const SlotId a = w.resident(w.model_of("a", host(5), {i}, true));
  const SlotId b = w.resident(w.model_of("b", host(5), {i}, true));
  const SlotId c = w.model("c", host(90));
  const WaiterId waiter = w.ask(c);
  EXPECT_EQ(w.evicted().size(), 3u);
  w.unloaded(a);
  EXPECT_FALSE(w.unloads(i));
  w.unloaded(b);
  w.unloaded(i);
  w.loaded(c);
  EXPECT_TRUE(w.granted(waiter));
}

CoreOptions cache_of(std::uint64_t bytes, std::size_t entries) {
  CoreOptions options = World::with_budget(host(100) + gpu(100));
  options.cache_bytes = bytes;
  options.cache_entries = entries;
  options.max_concurrent_loads = 8;
  return options;
}

TEST(Images, TheLeastRecentlyUsedGoOverTheEntryLimit) {
  World w(cache_of(UINT64_MAX, 2));
  const SlotId i = w.image("i", 10), j = w.image("j", 10), k = w.image("k", 10, true);
  for (const SlotId image : {i, j}) {
    w.ask(image, to_cache());
    w.loaded(image);
    w.advance(seconds(1));
  }
  w.ask(i, to_cache());  // used again
  w.ask(k, to_cache());
  w.loaded(k);
  EXPECT_THAT(w.evicted(), ElementsAre("j"));
  EXPECT_EQ(w.core.cache_counters().evictions, 1u);
}

TEST(Images, KeptOnesGoOverTheByteLimitToo) {
  World w(cache_of(25, SIZE_MAX));
  for (const char* name : {"i", "j", "k"}) {
    const SlotId image = w.image(name, 10, true);
    w.ask(image, to_cache());
    w.loaded(image);
    w.advance(seconds(1));
  }
  EXPECT_THAT(w.evicted(), ElementsAre("i"));
}

TEST(Images, HeldOnesAreNotInTheCache) {
  World w(cache_of(0, 0));
  const SlotId i = w.image("i", 10);
  const SlotId a = w.model_of("a", gpu(50), {i});
  w.ask(a);
  w.loaded(i);
  EXPECT_THAT(w.evicted(), IsEmpty());
  w.loaded(a);
  EXPECT_THAT(w.evicted(), ElementsAre("i"));
  w.unloaded(i);
  EXPECT_EQ(w.state(a), ModelState::Loaded);
}

// Two models on two devices from one image; the pair (cache, device) is consistent throughout.
TEST(Images, ALoadFromTheCacheReadsNothingAgain) {
  World w(host(100) + gpu(100) + gpu(100, 1));
  const SlotId i = w.image("i", 10);
  w.resident(w.model_of("a", gpu(50), {i}));
  const std::size_t reads = w.all<StartLoad>().size();
  w.ask(w.model_of("b", gpu(50, 1), {i}));
  EXPECT_EQ(w.all<StartLoad>().size(), reads + 1);  // the placement only
  EXPECT_EQ(w.core.cache_counters().hits, 1u);
}

}  // namespace
}  // namespace roost::pool::test

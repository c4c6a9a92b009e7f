// One model's life through the engine: loaded once, used, kept, given back.
#include "engine/fixture.h"

#include <memory>
#include <thread>

namespace roost::test {
namespace {

class LifecycleTest : public EngineTest {};

TEST_F(LifecycleTest, TheBuiltInModelEmbedsAndRanksOffline) {
  const Embedder embedder = engine().embedder("builtin:lexical");
  const Vector cat = embedder.embed("the cat sleeps");
  const Vector sleeping = embedder.embed("a sleeping cat");
  const Vector rates = embedder.embed("interest rates rose");
  EXPECT_GT(cosine_similarity(cat, sleeping), cosine_similarity(cat, rates));
  const std::vector<std::string> documents = {"bread dough", "memory is given back"};
  const auto ranked = engine().reranker("builtin:lexical").rerank("give memory back", documents);
  ASSERT_EQ(ranked.size(), 2u);
  EXPECT_EQ(ranked.front().index, 1u);
}

TEST_F(LifecycleTest, HoweverManyAskThereIsOneLoad) {
  FakeScript& script = add("a", kMiB);
  script.gate(FakeStep::Load).shut();
  std::vector<std::future<ModelHandle>> waiting;
  for (int i = 0; i < 100; ++i) waiting.push_back(engine().model_async("a"));
  script.gate(FakeStep::Load).open();
  for (auto& one : waiting) EXPECT_TRUE(one.get());
  EXPECT_EQ(script.count(FakeStep::Load), 1u);
}

TEST_F(LifecycleTest, UnloadGivesBackWhatWasMeasured) {
  add("a", 3 * kMiB);
  engine().ready("a");
  EXPECT_EQ(reserved(), 3 * kMiB);
  const UnloadReport report = engine().unload("a");
  EXPECT_TRUE(report.was_loaded);
  EXPECT_EQ(report.freed, MemoryVector::host(3 * kMiB));
  EXPECT_TRUE(report.lost.empty());
  EXPECT_EQ(reserved(), 0u);
  EXPECT_EQ(simulated_host(machine).live_bytes(), 0u);
}

TEST_F(LifecycleTest, ALoadFromHostMemoryIsTold) {
  FakeScript& script = add("a", fake_with_image(kMiB));
  engine().cache("a");
  engine().ready("a");
  EXPECT_EQ(script.count(FakeStep::Read), 1u);
  ASSERT_EQ(events_of("a", EventKind::Restore).size(), 1u);
  engine().unload("a");
  engine().uncache("a");
  engine().ready("a");
  EXPECT_EQ(script.count(FakeStep::Read), 2u);
  EXPECT_EQ(events_of("a", EventKind::Restore).size(), 1u) << "it was read";
}

TEST_F(LifecycleTest, AFailedLoadTellsItsCode) {
  add("a", kMiB).fail(FakeStep::Load, 1, [] {
    throw RoostError(ErrorCode::OutOfMemory, "a test took it all");
  });
  EXPECT_EQ(code_of([&] { engine().ready("a"); }), ErrorCode::OutOfMemory);
  ASSERT_EQ(events_of("a", EventKind::LoadError).size(), 1u);
  EXPECT_EQ(events_of("a", EventKind::LoadError)[0].data["code"].as_string(), "out_of_memory");
}

TEST_F(LifecycleTest, MemoryThatNobodyAccountsForIsTold) {
  options.pressure_interval = std::chrono::milliseconds(1);
  engine();
  constexpr std::size_t kLeaked = 300 * kMiB;
  const auto leaked = std::make_unique<volatile char[]>(kLeaked);  // volatile: really written
  for (std::size_t i = 0; i < kLeaked; i += 4'096) leaked[i] = 'x';
  while (events_of("", EventKind::Drift).empty()) std::this_thread::yield();
  EXPECT_GT(events_of("", EventKind::Drift)[0].data["bytes"].as_int(), 200 * 1'000'000);
}

TEST_F(LifecycleTest, UnloadingTwiceIsHarmless) {
  add("a", kMiB);
  EXPECT_FALSE(engine().unload("a").was_loaded);
  engine().ready("a");
  engine().unload("a");
  const UnloadReport again = engine().unload("a");
  EXPECT_FALSE(again.was_loaded);
  EXPECT_TRUE(again.freed.empty());
}

TEST_F(LifecycleTest, WhatIsLeasedIsNotUnloaded) {
  add("a", kMiB);
  const ModelHandle lease = engine().model("a");
  UnloadOptions at_once;
  at_once.wait_for_leases = false;
  EXPECT_EQ(code_of([&] { engine().unload("a", at_once); }), ErrorCode::InUse);
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
  EXPECT_EQ(lease.width(Task::Embed), 4u);
}

TEST_F(LifecycleTest, ADrainWaitsForTheLastLease) {
  add("a", kMiB);
  ModelHandle lease = engine().model("a");
  auto unloading = engine().unload_async("a");
  while (!engine().status("a").draining) std::this_thread::yield();
  EXPECT_EQ(lease.width(Task::Embed), 4u);
  lease.close();
  EXPECT_EQ(unloading.get().freed, MemoryVector::host(kMiB));
}

TEST_F(LifecycleTest, ForceRevokesLeases) {
  add("a", kMiB);
  const ModelHandle lease = engine().model("a");
  UnloadOptions force;
  force.force = true;
  EXPECT_EQ(engine().unload("a", force).freed, MemoryVector::host(kMiB));
  EXPECT_EQ(code_of([&] { lease.width(Task::Embed); }), ErrorCode::LeaseRevoked);
  const ModelHandle fresh = engine().model("a");
  EXPECT_EQ(fresh.width(Task::Embed), 4u);
  EXPECT_EQ(code_of([&] { lease.width(Task::Embed); }), ErrorCode::LeaseRevoked);
}

TEST_F(LifecycleTest, HandlesMayOutliveTheEngine) {
  add("a", kMiB);
  const ModelHandle lease = engine().model("a");
  destroy_engine();
  EXPECT_EQ(code_of([&] { lease.width(Task::Embed); }), ErrorCode::EngineClosed);
  EXPECT_EQ(simulated_host(machine).live_bytes(), 0u);
}

TEST_F(LifecycleTest, AClosedHandleSaysSo) {
  add("a", kMiB);
  ModelHandle lease = engine().model("a");
  lease.close();
  lease.close();
  EXPECT_EQ(code_of([&] { lease.info(); }), ErrorCode::NotLoaded);
}

TEST_F(LifecycleTest, RefusedBeforeAnyoneIsEvicted) {
  options.host_budget_bytes = 10 * kMiB;
  add("idle", 6 * kMiB);
  add("big", 11 * kMiB);
  engine().ready("idle");
  try {
    engine().model("big");
    FAIL() << "taken";
  } catch (const BudgetExceededException& error) {
    EXPECT_EQ(error.need(), MemoryVector::host(11 * kMiB));
    EXPECT_EQ(error.short_by(), MemoryVector::host(kMiB));
  }
  EXPECT_EQ(engine().status("idle").state, ModelState::Loaded);
}

TEST_F(LifecycleTest, TheOneLongestIdleMakesRoom) {
  options.host_budget_bytes = 10 * kMiB;
  options.eviction = EvictionPolicy::Lru;
  ManualClock clock;
  options.clock = &clock;
  for (const char* name : {"old", "new", "third"}) add(name, 4 * kMiB);
  engine().model("old");
  clock.advance(std::chrono::seconds(1));
  engine().model("new");
  clock.advance(std::chrono::seconds(1));
  engine().model("third");
  EXPECT_EQ(engine().status("old").state, ModelState::Idle);
  EXPECT_EQ(engine().status("new").state, ModelState::Loaded);
  EXPECT_EQ(engine().evictions().size(), 1u);
  destroy_engine();
}

TEST_F(LifecycleTest, EachStepIsToldOnceAndInOrder) {
  add("a", kMiB);
  std::vector<int> steps;
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (steps.empty() || steps.back() != progress.step) steps.push_back(progress.step);
  };
  engine().ready("a", load);
  EXPECT_EQ(steps, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(LifecycleTest, ADemotedModelComesBackWithoutBeingReadAgain) {
  FakeScript& script = add("a", fake_with_image(2 * kMiB));
  engine().ready("a");
  engine().demote("a");
  EXPECT_EQ(engine().status("a").tier, Tier::Host);
  engine().ready("a");
  EXPECT_EQ(engine().status("a").tier, Tier::Device);
  EXPECT_EQ(script.count(FakeStep::Read), 1u);
  engine().unload("a");
  EXPECT_EQ(reserved(), 0u);
}

}  // namespace
}  // namespace roost::test

#include <gtest/gtest.h>

#include "engine/fixture.h"

namespace roost {
namespace {

using test::FakeScript;
using test::FakeStep;
using test::kMiB;

class UnloadIfUnusedTest : public test::EngineTest {
 protected:
  UnloadReport unload_if_unused() { return engine().unload("m", {.only_if_unused = true}); }
};

TEST_F(UnloadIfUnusedTest, WhatNobodyUsesGoes) {
  FakeScript& script = add("m", kMiB);
  engine().ready("m");
  EXPECT_EQ(unload_if_unused().freed, MemoryVector::host(kMiB));
  EXPECT_EQ(script.alive(), 0u);
}

TEST_F(UnloadIfUnusedTest, WhatIsLeasedOrPinnedStays) {
  add("m", kMiB);
  auto lease = engine().model("m");
  EXPECT_TRUE(unload_if_unused().freed.empty());
  EXPECT_EQ(engine().embedder("m").embed("text").size(), 4u);
  lease.close();
  engine().pin("m");
  EXPECT_TRUE(unload_if_unused().freed.empty());
  EXPECT_EQ(engine().status("m").state, ModelState::Loaded);
}

TEST_F(UnloadIfUnusedTest, WhatIsBeingLoadedForSomebodyIsNotCancelled) {
  FakeScript& script = add("m", kMiB);
  script.gate(FakeStep::Load).shut();
  auto asked = engine().model_async("m");
  script.gate(FakeStep::Load).await_arrivals();
  EXPECT_FALSE(unload_if_unused().was_loaded);
  script.gate(FakeStep::Load).open();
  EXPECT_TRUE(asked.get());
}

TEST_F(UnloadIfUnusedTest, ACallThatOutlivedItsLeaseIsWaitedFor) {
  FakeScript& script = add("m", kMiB);
  Embedder embedder = engine().embedder("m");
  script.gate(FakeStep::Run).shut();
  auto call = embedder.embed_async("text");
  script.gate(FakeStep::Run).await_arrivals();
  embedder.close();
  auto unload = engine().unload_async("m", {.only_if_unused = true});
  EXPECT_EQ(script.alive(), 1u);
  script.gate(FakeStep::Run).open();
  EXPECT_EQ(call.get().size(), 4u);
  EXPECT_EQ(unload.get().freed, MemoryVector::host(kMiB));
}

TEST_F(UnloadIfUnusedTest, CannotBeForced) {
  add("m", kMiB);
  EXPECT_EQ(code_of([&] { engine().unload("m", {.force = true, .only_if_unused = true}); }),
            ErrorCode::InvalidArgument);
}

TEST_F(UnloadIfUnusedTest, AnIsolatedInstanceTellsWhenItsMemoryIsBack) {
  FakeScript& script = add("m", kMiB);
  const std::uint64_t before = reserved();
  ModelHandle isolated = engine().model("m", {.isolated = true});
  EXPECT_EQ(reserved(), before + kMiB);
  EXPECT_EQ(engine().status("m").state, ModelState::Idle);  // it is nobody else's
  isolated.close_async().get();
  EXPECT_EQ(script.alive(), 0u);
  EXPECT_EQ(reserved(), before);
}

}  // namespace
}  // namespace roost

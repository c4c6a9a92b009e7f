// close() called from what it would have to wait for, and by two at once.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "engine/fixture.h"

namespace roost::test {
namespace {

class ClosingTest : public EngineTest {
 protected:
  void expect_refused_and_open() {
    EXPECT_FALSE(engine().may_close());
    EXPECT_EQ(code_of([this] { engine().close(); }), ErrorCode::InvalidArgument);
    EXPECT_THAT(last_message(), testing::HasSubstr("from another thread"));
    engine().check_health("builtin:lexical");  // would throw EngineClosed
    ++asked;
  }
  int asked = 0;
};

TEST_F(ClosingTest, AnEventListenerIsRefused) {
  const Subscription listening = engine().subscribe([this](const Event& event) {
    if (event.kind == EventKind::LoadComplete) expect_refused_and_open();
  });
  add("a", kMiB);
  engine().ready("a");
  engine().wait_for_listeners();
  EXPECT_EQ(asked, 1);
}

TEST_F(ClosingTest, ALoadIsRefused) {
  add("a", kMiB);
  LoadOptions load;
  load.progress = [this](const LoadProgress& progress) {
    if (progress.step == 1) expect_refused_and_open();
  };
  engine().ready("a", load);
  EXPECT_EQ(asked, 1);
}

TEST_F(ClosingTest, AUseOfAModelIsRefused) {
  add("a", kMiB).on_run([this](const Batch&) { expect_refused_and_open(); });
  const Embedder embedder = engine().embedder("a");
  embedder.embed("something");
  EXPECT_EQ(asked, 1);
  engine().model("a").with([this](Model&) { expect_refused_and_open(); });
  EXPECT_EQ(asked, 2);
}

TEST_F(ClosingTest, AFetchIsRefused) {
  add_remote("a", kMiB);
  engine().fetch("a", [this](const FetchProgress& progress) {
    if (progress.fraction == 1) expect_refused_and_open();
  });
  EXPECT_EQ(asked, 1);
}

TEST_F(ClosingTest, WhatBelongsToAnotherEngineMayCloseThisOne) {
  Engine other;
  add("a", kMiB).on_run([&](const Batch&) { other.close(); });
  engine().embedder("a").embed("something");
  EXPECT_EQ(code_of([&] { other.ready("builtin:lexical"); }), ErrorCode::EngineClosed);
}

TEST_F(ClosingTest, TheSecondToCloseWaitsForTheFirst) {
  FakeScript& script = add("a", kMiB);
  engine().ready("a");
  script.gate(FakeStep::Unload).shut();
  script.ignore_stop(FakeStep::Unload);
  std::thread first([this] { engine().close(); });
  script.gate(FakeStep::Unload).await_arrivals();
  std::atomic<bool> closed{false};
  std::thread second([&] {
    engine().close();
    closed = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(closed);
  script.gate(FakeStep::Unload).open();
  first.join();
  second.join();
  destroy_engine();
}

TEST_F(ClosingTest, AHandleTellsThatItWasTakenAway) {
  add("a", kMiB);
  ModelHandle handle = engine().model("a");
  EXPECT_FALSE(handle.is_revoked());
  engine().unload("a", {.force = true});
  EXPECT_TRUE(handle.is_revoked());
  EXPECT_FALSE(engine().model("a").is_revoked()) << "another copy";
  handle.close();
  EXPECT_FALSE(handle.is_revoked());
  EXPECT_FALSE(ModelHandle().is_revoked());
}

}  // namespace
}  // namespace roost::test

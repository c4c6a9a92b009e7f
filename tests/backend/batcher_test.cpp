#include "backend/batcher.h"

#include <gmock/gmock.h>

#include <atomic>
#include <random>

#include "backend/batcher_fixture.h"

namespace roost::backend {
namespace {

using test::BatcherTest;
using test::FakeLane;
using testing::ElementsAre;

// The sizes of the runs so far.
struct Sizes {
  explicit Sizes(FakeLane& lane) {
    lane.script->on_run([this](const Batch& batch) { sizes.push_back(batch.sequences.size()); });
  }
  std::vector<std::size_t> sizes;  // written by one pass at a time
};

TEST_F(BatcherTest, ALoneRequestRunsAtOnceOnItsOwnThread) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  std::thread::id ran_on;
  lane.script->on_run([&](const Batch&) { ran_on = std::this_thread::get_id(); });
  const Sequence sequence{{1, 2}, {}};
  std::vector<float> output(4);
  lane.lane->submit(Task::Embed, {&sequence, 1}, output);
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_EQ(output[3], test::fake_output(Task::Embed, sequence, 3));
}

TEST_F(BatcherTest, WhatWaitsSharesAPass) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  const Sizes runs(lane);
  hold(lane);
  auto b = submit(lane, 2, 2);
  auto c = submit(lane, 3, 3);
  lane.await_waiting(2);
  release(lane);
  b.get();
  c.get();
  EXPECT_THAT(runs.sizes, ElementsAre(1, 5));
}

TEST_F(BatcherTest, OnlyOneTaskAPass) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  const Sizes runs(lane);
  hold(lane);
  auto first = submit(lane, 2, 2);
  lane.await_waiting(1);
  auto other = submit(lane, 1, 3, 1, Task::Rerank);
  lane.await_waiting(2);
  auto last = submit(lane, 4, 4);
  lane.await_waiting(3);
  release(lane);
  for (auto* call : {&first, &other, &last}) call->get();
  EXPECT_THAT(runs.sizes, ElementsAre(1, 6, 1));
}

TEST_F(BatcherTest, ALargeRequestIsCutByTokens) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.first_tokens = 100});
  const Sizes runs(lane);
  submit(lane, 7, 5, 30).get();
  EXPECT_THAT(runs.sizes, ElementsAre(3, 3, 1));
}

TEST_F(BatcherTest, AndBySequences) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.max_sequences = 4});
  const Sizes runs(lane);
  submit(lane, 9, 5).get();
  EXPECT_THAT(runs.sizes, ElementsAre(4, 4, 1));
}

TEST_F(BatcherTest, ASequenceOverTheBudgetRunsAlone) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.first_tokens = 100});
  const Sizes runs(lane);
  submit(lane, 2, 5, 1000).get();
  EXPECT_THAT(runs.sizes, ElementsAre(1, 1));
}

TEST_F(BatcherTest, TheRestOfALargeRequestGoesBeforeLaterOnes) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.max_sequences = 4});
  const Sizes runs(lane);
  hold(lane);
  auto large = submit(lane, 6, 2);
  lane.await_waiting(1);
  auto later = submit(lane, 1, 3);
  lane.await_waiting(2);
  release(lane);
  large.get();
  later.get();
  EXPECT_THAT(runs.sizes, ElementsAre(1, 4, 3));
}

TEST_F(BatcherTest, LanesTakeTurns) {
  FakeLane a(executor_, fakes_, machine_, "a", {.max_sequences = 1});
  FakeLane b(executor_, fakes_, machine_, "b", {.max_sequences = 1});
  std::string order;
  a.script->on_run([&](const Batch&) { order += 'a'; });
  b.script->on_run([&](const Batch&) { order += 'b'; });
  hold(a);
  auto of_a = submit(a, 3, 2);
  a.await_waiting(1);
  auto of_b = submit(b, 3, 2);
  b.await_waiting(1);
  release(a);
  of_a.get();
  of_b.get();
  EXPECT_TRUE(order == "abababa" || order == "aababab") << order;
}

TEST_F(BatcherTest, LearnsHowManyTokensTakeTheTargetTime) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.pass_target = std::chrono::milliseconds(100)});
  lane.script->on_run([&](const Batch& batch) {
    clock_.advance(std::chrono::milliseconds(batch.sequences.size()));  // a token a ms
  });
  for (int i = 0; i < 10; ++i) submit(lane, 200, 5).get();
  EXPECT_EQ(lane.lane->stats().token_budget, 100u);
}

TEST_F(BatcherTest, CountsWhatItDid) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.max_sequences = 2});
  lane.script->on_run([&](const Batch&) { clock_.advance(std::chrono::milliseconds(10)); });
  submit(lane, 5, 2, 7).get();
  const LaneStats stats = lane.lane->stats();
  EXPECT_EQ(stats.passes, 3u);
  EXPECT_EQ(stats.sequences, 5u);
  EXPECT_EQ(stats.tokens, 35u);
  EXPECT_EQ(stats.waiting, 0u);
  EXPECT_EQ(stats.out_of_memory, 0u);
  EXPECT_EQ(stats.sequence_limit, 2u);
  EXPECT_EQ(stats.pass_times.count(), 3u);
  EXPECT_GE(stats.pass_times.percentile(0.5), std::chrono::milliseconds(10));
}

TEST_F(BatcherTest, NothingToDoIsDone) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  lane.lane->submit(Task::Embed, {}, {});
  EXPECT_EQ(lane.runs(), 0u);
}

TEST_F(BatcherTest, OutputsOfTheWrongSizeAndUnsupportedTasksAreRefused) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  const Sequence sequence{{1}, {}};
  std::vector<float> output(5);
  try {
    lane.lane->submit(Task::Embed, {&sequence, 1}, output);
    FAIL() << "ran";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
  }
  EXPECT_THROW(lane.lane->submit(Task::Classify, {&sequence, 1}, output), RoostError);
  EXPECT_EQ(lane.runs(), 0u);
}

TEST_F(BatcherTest, ExclusiveWorkWaitsForThePassAndGoesBeforeTheNext) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  std::vector<std::string> order;
  lane.script->on_run([&](const Batch&) { order.push_back("run"); });
  hold(lane);
  auto waiting = submit(lane, 1, 2);
  lane.await_waiting(1);
  auto exclusive = std::async(std::launch::async, [&] {
    lane.lane->exclusively([&](Model&) { order.push_back("exclusive"); });
  });
  lane.await_waiting(2);
  release(lane);
  exclusive.get();
  waiting.get();
  EXPECT_THAT(order, ElementsAre("run", "exclusive", "run"));
}

TEST_F(BatcherTest, ExclusiveWorkMayThrow) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  EXPECT_THROW(lane.lane->exclusively([](Model&) { throw std::logic_error("mine"); }),
               std::logic_error);
  submit(lane, 1, 2).get();
}

TEST_F(BatcherTest, OneRunAtATimeOverAllLanesWhateverTheCallersDo) {
  constexpr std::size_t kThreads = 8;
  FakeLane a(executor_, fakes_, machine_, "a", {.first_tokens = 64});
  FakeLane b(executor_, fakes_, machine_, "b", {.max_sequences = 3});
  std::atomic<int> inside = 0;
  std::atomic<bool> overlapped = false;
  for (FakeLane* lane : {&a, &b}) {
    lane->script->on_run([&](const Batch& batch) {
      if (inside.fetch_add(1) != 0) overlapped = true;
      std::this_thread::yield();
      --inside;
      if (batch.sequences.front()->ids.size() == 9) {
        throw RoostError(ErrorCode::OutOfMemory, "scripted");
      }
    });
  }
  std::vector<std::future<void>> callers;
  for (std::size_t t = 0; t < kThreads; ++t) {
    callers.push_back(std::async(std::launch::async, [&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int call = 0; call < 50; ++call) {
        FakeLane& lane = random() % 2 == 0 ? a : b;
        std::stop_source stop;
        std::jthread canceller;
        if (random() % 4 == 0) canceller = std::jthread([&] { stop.request_stop(); });
        const Task task = random() % 3 == 0 ? Task::Rerank : Task::Embed;
        auto answer = submit(lane, 1 + random() % 10, static_cast<std::uint32_t>(t),
                             1 + random() % 10, task, stop.get_token());
        try {
          answer.get();
        } catch (const RoostError& error) {
          EXPECT_TRUE(error.code() == ErrorCode::Cancelled ||
                      error.code() == ErrorCode::OutOfMemory);
        }
      }
    }));
  }
  for (auto& caller : callers) caller.get();
  EXPECT_FALSE(overlapped);
  EXPECT_EQ(a.lane->stats().waiting + b.lane->stats().waiting, 0u);
}

}  // namespace
}  // namespace roost::backend

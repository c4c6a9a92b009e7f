#include <gmock/gmock.h>

#include <new>

#include "backend/batcher.h"
#include "backend/batcher_fixture.h"

namespace roost::backend {
namespace {

using test::BatcherTest;
using test::closed_by_test;
using test::FakeLane;

constexpr std::uint32_t kPoison = 666;

void throw_on_poison(const Batch& batch) {
  for (const Sequence* sequence : batch.sequences) {
    if (sequence->ids.front() == kPoison) throw InferenceException("a", "poisoned");
  }
}

// Throws while a run has more than `most` sequences.
std::function<void(const Batch&)> memory_for(std::size_t most) {
  return [most](const Batch& batch) {
    if (batch.sequences.size() > most) throw RoostError(ErrorCode::OutOfMemory, "scripted");
  };
}

TEST_F(BatcherTest, APoisonedRequestFailsAlone) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  lane.script->on_run(throw_on_poison);
  hold(lane);
  auto good = submit(lane, 2, 2);
  auto bad = submit(lane, 1, kPoison);
  auto fine = submit(lane, 3, 3);
  lane.await_waiting(3);
  release(lane);
  good.get();
  fine.get();
  EXPECT_EQ(code_of(bad), ErrorCode::InferenceFailed);
  EXPECT_EQ(lane.runs(), 1u + 1u + 3u);
}

TEST_F(BatcherTest, AFailedRequestDoesNotRunOn) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.max_sequences = 2});
  lane.script->on_run(throw_on_poison);
  auto bad = submit(lane, 10, kPoison);
  EXPECT_EQ(code_of(bad), ErrorCode::InferenceFailed);
  EXPECT_EQ(lane.runs(), 1u);
  submit(lane, 1, 2).get();
}

TEST_F(BatcherTest, OutOfMemoryHalvesAndRetriesWhatFailed) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  lane.script->on_run(memory_for(5));
  submit(lane, 16, 2).get();
  EXPECT_EQ(lane.lane->stats().sequence_limit, 4u);
  EXPECT_EQ(lane.lane->stats().out_of_memory, 2u);  // 16, 8
  EXPECT_EQ(lane.runs(), 2u + 4u);
  EXPECT_EQ(lane.lane->stats().sequences, 16u);
}

TEST_F(BatcherTest, ItGrowsBackAfterTenSuccesses) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.max_sequences = 16});
  lane.script->on_run(memory_for(4));
  submit(lane, 16, 2).get();  // four successes
  lane.script->on_run({});
  for (int i = 0; i < 5; ++i) submit(lane, 1, 2).get();
  EXPECT_EQ(lane.lane->stats().sequence_limit, 4u);
  submit(lane, 1, 2).get();
  EXPECT_EQ(lane.lane->stats().sequence_limit, 8u);
  for (int i = 0; i < 10; ++i) submit(lane, 1, 2).get();
  EXPECT_EQ(lane.lane->stats().sequence_limit, 16u);
}

TEST_F(BatcherTest, PlainBadAllocCountsAsOutOfMemory) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  lane.script->on_run([](const Batch& batch) {
    if (batch.sequences.size() > 1) throw std::bad_alloc();
  });
  submit(lane, 4, 2).get();
  EXPECT_EQ(lane.lane->stats().sequence_limit, 1u);
}

TEST_F(BatcherTest, OutOfMemoryForOneSequenceReachesItsOwnerAlone) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  lane.script->on_run([](const Batch& batch) {
    for (const Sequence* sequence : batch.sequences) {
      if (sequence->ids.size() > 50) throw RoostError(ErrorCode::OutOfMemory, "scripted");
    }
  });
  hold(lane);
  auto good = submit(lane, 2, 2);
  auto too_large = submit(lane, 1, 3, 100);
  lane.await_waiting(2);
  release(lane);
  good.get();
  EXPECT_EQ(code_of(too_large), ErrorCode::OutOfMemory);
}

TEST_F(BatcherTest, WithoutAdaptingOutOfMemoryIsTheAnswer) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.adapt_to_memory = false});
  lane.script->on_run(memory_for(5));
  auto call = submit(lane, 6, 2);
  EXPECT_EQ(code_of(call), ErrorCode::OutOfMemory);
  EXPECT_EQ(lane.runs(), 1u);
  EXPECT_EQ(lane.lane->stats().sequence_limit, 256u);
}

TEST_F(BatcherTest, ACancelledRequestThatWaitsGoesAtOnce) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  hold(lane);
  std::stop_source stop;
  auto cancelled = submit(lane, 1, 2, 1, Task::Embed, stop.get_token());
  auto stays = submit(lane, 1, 3);
  lane.await_waiting(2);
  stop.request_stop();
  EXPECT_EQ(code_of(cancelled), ErrorCode::Cancelled);  // while the device is held
  EXPECT_EQ(lane.lane->stats().waiting, 1u);
  release(lane);
  stays.get();
  EXPECT_EQ(lane.runs(), 2u);
}

TEST_F(BatcherTest, TheLastWaiterOfALaneThatGoesLeavesNoPassBehind) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  hold(lane);
  std::stop_source stop;
  auto cancelled = submit(lane, 1, 2, 1, Task::Embed, stop.get_token());
  lane.await_waiting(1);
  stop.request_stop();
  EXPECT_EQ(code_of(cancelled), ErrorCode::Cancelled);
  release(lane);
  submit(lane, 1, 3).get();
  EXPECT_EQ(lane.runs(), 2u);
}

TEST_F(BatcherTest, ALargeRequestIsCancelledBetweenItsPasses) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.max_sequences = 2});
  hold(lane);
  std::stop_source stop;
  auto large = submit(lane, 10, 2, 1, Task::Embed, stop.get_token());
  lane.await_waiting(1);
  auto shares = submit(lane, 1, 3);  // shares none of the full passes
  lane.await_waiting(2);
  lane.script->on_run([&](const Batch& batch) {
    if (batch.sequences.size() == 2) stop.request_stop();
  });
  release(lane);
  EXPECT_EQ(code_of(large), ErrorCode::Cancelled);
  shares.get();
  EXPECT_EQ(lane.runs(), 3u);
}

TEST_F(BatcherTest, ARunOfOneRequestSeesItsStopToken) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  lane.gate().shut();
  std::stop_source stop;
  auto call = submit(lane, 1, 2, 1, Task::Embed, stop.get_token());
  lane.gate().await_arrivals();
  stop.request_stop();
  EXPECT_EQ(code_of(call), ErrorCode::Cancelled);
}

TEST_F(BatcherTest, CancelledBeforeItStartsItRunsNothing) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  std::stop_source stop;
  stop.request_stop();
  auto call = submit(lane, 1, 2, 1, Task::Embed, stop.get_token());
  EXPECT_EQ(code_of(call), ErrorCode::Cancelled);
  EXPECT_EQ(lane.runs(), 0u);
}

TEST_F(BatcherTest, ClosingWaitsForThePassAndFailsTheRest) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.max_sequences = 2});
  lane.gate().shut();
  auto large = submit(lane, 4, 2);
  lane.gate().await_arrivals();
  auto waits = submit(lane, 1, 3, 1, Task::Rerank);
  lane.await_waiting(1);
  auto close = std::async(std::launch::async, [&] { lane.lane->close(closed_by_test); });
  EXPECT_EQ(code_of(waits), ErrorCode::LeaseRevoked);  // at once
  lane.gate().open();
  EXPECT_EQ(code_of(large), ErrorCode::LeaseRevoked);  // two of its four ran
  close.get();
  EXPECT_EQ(lane.runs(), 1u);
  auto later = submit(lane, 1, 4);
  EXPECT_EQ(code_of(later), ErrorCode::LeaseRevoked);
  lane.lane->close(closed_by_test);
}

TEST_F(BatcherTest, ClosingALaneLeavesTheOthers) {
  auto a = std::make_unique<FakeLane>(executor_, fakes_, machine_, "a");
  FakeLane b(executor_, fakes_, machine_, "b");
  hold(b);
  auto gone = submit(*a, 1, 2);
  a->await_waiting(1);
  a->lane->close(closed_by_test);
  EXPECT_EQ(code_of(gone), ErrorCode::LeaseRevoked);
  a.reset();
  release(b);
  submit(b, 1, 3).get();
}

TEST_F(BatcherTest, StoppingTheExecutorFailsWhatWaits) {
  FakeLane lane(executor_, fakes_, machine_, "a", {.max_sequences = 2});
  hold(lane);
  auto large = submit(lane, 4, 2);
  lane.await_waiting(1);
  auto other_task = submit(lane, 1, 3, 1, Task::Rerank);
  lane.await_waiting(2);
  lane.gate().let_one_through();
  lane.await_runs(2);  // the first pass of `large`
  auto stop = std::async(std::launch::async, [&] { executor_.stop(); });
  lane.await_refusal();
  release(lane);
  EXPECT_EQ(code_of(large), ErrorCode::EngineClosed);
  EXPECT_EQ(code_of(other_task), ErrorCode::EngineClosed);
  stop.get();
  EXPECT_EQ(lane.runs(), 2u);
  auto later = submit(lane, 1, 4);
  EXPECT_EQ(code_of(later), ErrorCode::EngineClosed);
  EXPECT_THROW(lane.lane->exclusively([](Model&) {}), EngineClosedException);
  executor_.stop();
}

TEST_F(BatcherTest, ExclusiveWorkCanBeCancelledWhileItWaits) {
  FakeLane lane(executor_, fakes_, machine_, "a");
  hold(lane);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(lane.lane->exclusively([](Model&) { FAIL(); }, stop.get_token()),
               CancelledException);
  auto next = submit(lane, 1, 2);
  lane.await_waiting(1);
  release(lane);
  next.get();
}

}  // namespace
}  // namespace roost::backend

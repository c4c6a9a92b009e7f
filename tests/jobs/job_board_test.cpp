#include "jobs/job_board.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/mutex.h"
#include "support/manual_clock.h"

namespace roost::jobs {
namespace {

using std::chrono::seconds;

// What reached the journal, as "<id> <state>".
class MemoryJournal final : public JobJournal {
 public:
  void record(const JobRecord& job) override {
    MutexLock lock(mutex_);
    if (refuse_) throw RoostError(ErrorCode::IoError, "disk full");
    lines_.push_back(job.id + " " + std::string(to_string(job.state)));
  }
  void refuse(bool on) {
    MutexLock lock(mutex_);
    refuse_ = on;
  }
  std::vector<std::string> lines() const {
    MutexLock lock(mutex_);
    return lines_;
  }

 private:
  mutable Mutex mutex_;
  bool refuse_ ROOST_GUARDED_BY(mutex_) = false;
  std::vector<std::string> lines_ ROOST_GUARDED_BY(mutex_);
};

Value nothing(JobContext&) {
  return {};
}

ErrorCode code_of_wait(const JobBoard& board, const JobId& id, Instant deadline = Instant::max(),
                       std::stop_token stop = {}) {
  try {
    board.wait(id, deadline, std::move(stop));
  } catch (const RoostError& error) {
    EXPECT_FALSE(std::string(error.what()).empty());
    return error.code();
  }
  ADD_FAILURE() << "the wait for " << id << " did not throw";
  return ErrorCode::Internal;
}

// Work that says when it runs and ends when told to, by its stop token or by release().
struct Gate {
  std::promise<void> entered, released;
  JobWork until_stopped() {
    return [this](JobContext& job) -> Value {
      entered.set_value();
      Mutex mutex;
      std::condition_variable_any wake;
      MutexLock lock(mutex);
      wake.wait(mutex, job.stop_token(), [] { return false; });
      job.check_cancelled();
      return "not told";
    };
  }
  JobWork until_released() {
    return [this](JobContext&) -> Value {
      entered.set_value();
      released.get_future().wait();
      return "released";
    };
  }
  void wait_entered() { entered.get_future().wait(); }
};

class JobBoardTest : public testing::Test {
 protected:
  JobBoardOptions by_hand() { return {.journal = &journal_}; }
  JobBoardOptions pooled() { return {.pool = &pool_, .journal = &journal_}; }
  LogSink log() {
    return [this](LogLevel, std::string_view) { ++warnings_; };
  }

  test::ManualClock clock_;
  MemoryJournal journal_;
  std::atomic<int> warnings_ = 0;
  ThreadPool pool_{"jobs-test", 3, ThreadPriority::Normal};
};

TEST_F(JobBoardTest, AJobRunsAndKeepsItsResult) {
  JobBoard board(by_hand(), clock_, log());
  const WallTime before = clock_.wall();
  const JobId id = board.submit("ready", "m", [&](JobContext& job) -> Value {
    EXPECT_EQ(job.id(), "job-1");
    EXPECT_EQ(board.get(job.id())->state, JobState::Running);
    job.progress(0.5, "reading", "half");
    EXPECT_EQ(board.get(job.id())->progress.phase, "reading");
    clock_.advance(seconds(2));
    return 42;
  });
  EXPECT_EQ(id, "job-1");
  EXPECT_EQ(board.get(id)->state, JobState::Queued);
  clock_.advance(seconds(1));
  EXPECT_TRUE(board.run_next());
  EXPECT_FALSE(board.run_next());

  const JobRecord job = board.wait(id);
  EXPECT_EQ(job.state, JobState::Done);
  EXPECT_EQ(job.kind, "ready");
  EXPECT_EQ(job.subject, "m");
  EXPECT_EQ(job.result, Value(42));
  EXPECT_EQ(job.progress.fraction, 1.0);
  EXPECT_EQ(job.progress.message, "half");
  EXPECT_FALSE(job.error);
  EXPECT_EQ(job.submitted_at, before);
  EXPECT_EQ(job.started_at, before + seconds(1));
  EXPECT_EQ(job.finished_at, before + seconds(3));
  EXPECT_EQ(journal_.lines(),
            (std::vector<std::string>{"job-1 queued", "job-1 running", "job-1 done"}));
}

struct EndCase {
  const char* name;
  JobWork work;
  JobState state;
  std::optional<ErrorCode> code;
  std::string message;
};

class JobEndTest : public testing::TestWithParam<EndCase> {};

TEST_P(JobEndTest, IsRecordedAndThrownAtWaiters) {
  test::ManualClock clock;
  JobBoard board({}, clock, nullptr);
  const JobId id = board.submit("k", "s", GetParam().work);
  board.run_next();
  const JobRecord job = *board.get(id);
  EXPECT_EQ(job.state, GetParam().state);
  ASSERT_EQ(job.error.has_value(), GetParam().code.has_value());
  if (!job.error) {
    EXPECT_NO_THROW(board.wait(id));
    return;
  }
  EXPECT_EQ(job.error->code, *GetParam().code);
  EXPECT_EQ(job.error->message, GetParam().message);
  EXPECT_ANY_THROW(board.wait(id));
  EXPECT_ANY_THROW(board.wait(id));  // every waiter gets it
}

INSTANTIATE_TEST_SUITE_P(
    Ends, JobEndTest,
    testing::Values(
        EndCase{"Returns", nothing, JobState::Done, std::nullopt, ""},
        EndCase{"Typed",
                [](JobContext&) -> Value { throw RoostError(ErrorCode::IoError, "disk gone"); },
                JobState::Failed, ErrorCode::IoError, "disk gone"},
        EndCase{"Std", [](JobContext&) -> Value { throw std::runtime_error("odd"); },
                JobState::Failed, ErrorCode::Internal, "odd"},
        EndCase{"Unknown", [](JobContext&) -> Value { throw 7; }, JobState::Failed,
                ErrorCode::Internal, "an unknown exception"},
        EndCase{"CancelsItself", [](JobContext&) -> Value { throw CancelledException("no more"); },
                JobState::Cancelled, ErrorCode::Cancelled, "no more"}),
    [](const auto& test) { return test.param.name; });

TEST_F(JobBoardTest, WaitersGetTheExceptionThatWasThrown) {
  JobBoard board(by_hand(), clock_, log());
  const JobId id = board.submit(
      "k", "s", [](JobContext&) -> Value { throw ModelNotFoundException("m", "gone", {"n"}); });
  board.run_next();
  try {
    board.wait(id);
    FAIL() << "did not throw";
  } catch (const ModelNotFoundException& error) {
    EXPECT_EQ(error.suggestions(), std::vector<std::string>{"n"});
  }
}

TEST_F(JobBoardTest, StartsInTheOrderOfSubmission) {
  JobBoard board(by_hand(), clock_, log());
  std::string order;
  for (const char c : {'a', 'b', 'c'}) {
    board.submit("k", "s", [&order, c](JobContext&) -> Value {
      order += c;
      return {};
    });
  }
  while (board.run_next()) {
  }
  EXPECT_EQ(order, "abc");
}

TEST_F(JobBoardTest, AQueuedJobIsCancelledAtOnceAndNeverRuns) {
  JobBoard board(by_hand(), clock_, log());
  const auto alive = std::make_shared<int>(1);
  const JobId id = board.submit("k", "s", [alive](JobContext&) -> Value {
    ADD_FAILURE() << "ran";
    return {};
  });
  EXPECT_TRUE(board.cancel(id));
  EXPECT_EQ(board.get(id)->state, JobState::Cancelled);
  EXPECT_TRUE(board.get(id)->cancel_requested);
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_FALSE(board.run_next());
  EXPECT_FALSE(board.cancel(id));
  EXPECT_EQ(code_of_wait(board, id), ErrorCode::Cancelled);
  EXPECT_EQ(journal_.lines(), (std::vector<std::string>{"job-1 queued", "job-1 cancelled"}));
}

TEST_F(JobBoardTest, ARunningJobIsCancelledThroughItsStopToken) {
  JobBoard board(pooled(), clock_, log());
  Gate gate;
  const JobId id = board.submit("k", "s", gate.until_stopped());
  gate.wait_entered();
  EXPECT_TRUE(board.cancel(id));
  EXPECT_EQ(code_of_wait(board, id), ErrorCode::Cancelled);
  EXPECT_EQ(board.get(id)->state, JobState::Cancelled);
}

TEST_F(JobBoardTest, WorkThatEndsInSpiteOfACancelIsDone) {
  JobBoard board(pooled(), clock_, log());
  Gate gate;
  const JobId id = board.submit("k", "s", gate.until_released());
  gate.wait_entered();
  EXPECT_TRUE(board.cancel(id));
  gate.released.set_value();
  EXPECT_EQ(board.wait(id).result, Value("released"));
  EXPECT_TRUE(board.get(id)->cancel_requested);
}

TEST_F(JobBoardTest, ADeadlineStopsARunningJob) {
  JobBoard board(pooled(), clock_, log());
  Gate gate;
  const JobId id = board.submit("k", "s", gate.until_stopped(), clock_.now() + seconds(10));
  gate.wait_entered();
  clock_.advance(seconds(9));
  EXPECT_EQ(code_of_wait(board, id, clock_.now()), ErrorCode::DeadlineExceeded);  // the wait's own
  EXPECT_EQ(board.get(id)->state, JobState::Running);
  clock_.advance(seconds(1));
  EXPECT_EQ(code_of_wait(board, id), ErrorCode::DeadlineExceeded);
  const JobRecord job = *board.get(id);
  EXPECT_EQ(job.state, JobState::Failed);
  EXPECT_EQ(job.error->code, ErrorCode::DeadlineExceeded);
  EXPECT_FALSE(job.cancel_requested);
}

TEST_F(JobBoardTest, ADeadlineEndsAQueuedJob) {
  JobBoard board(by_hand(), clock_, log());
  const JobId late = board.submit("k", "late", nothing, clock_.now() + seconds(20));
  const JobId soon = board.submit("k", "soon", nothing, clock_.now() + seconds(10));
  clock_.advance(seconds(10));
  EXPECT_EQ(code_of_wait(board, soon), ErrorCode::DeadlineExceeded);
  EXPECT_EQ(board.get(soon)->state, JobState::Failed);
  EXPECT_EQ(board.get(late)->state, JobState::Queued);
  EXPECT_TRUE(board.run_next());
  EXPECT_EQ(board.get(late)->state, JobState::Done);
  EXPECT_FALSE(board.run_next());
}

TEST_F(JobBoardTest, AnEarlierDeadlineSubmittedLaterIsSeen) {
  JobBoard board(by_hand(), clock_, log());
  const JobId last = board.submit("k", "s", nothing, clock_.now() + std::chrono::hours(1));
  for (int i = 0; i < 20; ++i) {  // the watcher waits for the hour, or is about to
    const JobId id = board.submit("k", "s", nothing, clock_.now() + seconds(10));
    clock_.advance(seconds(10));
    EXPECT_EQ(code_of_wait(board, id), ErrorCode::DeadlineExceeded);
  }
  EXPECT_EQ(board.get(last)->state, JobState::Queued);
}

TEST_F(JobBoardTest, WhatCameFirstNamesTheEnd) {
  for (const bool cancel_first : {true, false}) {
    JobBoard board(by_hand(), clock_, log());
    Gate gate;
    const Instant deadline = clock_.now() + seconds(10);
    const JobId id = board.submit(
        "k", "s",
        [&](JobContext& job) -> Value {
          gate.entered.set_value();
          gate.released.get_future().wait();
          job.check_cancelled();
          return {};
        },
        deadline);
    std::jthread runner([&] { board.run_next(); });
    gate.wait_entered();
    // Queued and due after the job above, so its end says that both deadlines were seen to.
    const JobId probe = board.submit("k", "probe", nothing, deadline);
    if (cancel_first) board.cancel(id);
    clock_.advance(seconds(10));
    EXPECT_EQ(code_of_wait(board, probe), ErrorCode::DeadlineExceeded);
    if (!cancel_first) board.cancel(id);
    gate.released.set_value();
    EXPECT_EQ(code_of_wait(board, id),
              cancel_first ? ErrorCode::Cancelled : ErrorCode::DeadlineExceeded);
  }
}

TEST_F(JobBoardTest, APausedJobStopsAtItsNextCheckAndGoesOnWhenResumed) {
  JobBoard board(pooled(), clock_, log());
  Gate gate;
  const JobId id = board.submit("k", "s", [&](JobContext& job) -> Value {
    gate.entered.set_value();
    gate.released.get_future().wait();
    job.check_cancelled();
    return "went on";
  });
  gate.wait_entered();
  EXPECT_TRUE(board.pause(id));
  EXPECT_EQ(board.get(id)->state, JobState::Running);
  EXPECT_TRUE(board.get(id)->pause_requested);
  gate.released.set_value();
  while (board.get(id)->state != JobState::Paused) std::this_thread::yield();
  EXPECT_TRUE(board.resume(id));
  EXPECT_EQ(board.wait(id).result, Value("went on"));
  EXPECT_FALSE(board.pause(id));
  board.stop();  // waits for the journal too
  EXPECT_EQ(journal_.lines(),
            (std::vector<std::string>{"job-1 queued", "job-1 running", "job-1 paused",
                                      "job-1 running", "job-1 done"}));
}

TEST_F(JobBoardTest, APausedJobCanBeCancelled) {
  JobBoard board(pooled(), clock_, log());
  const JobId id = board.submit("k", "s", [&](JobContext& job) -> Value {
    board.pause(job.id());
    job.check_cancelled();
    return "went on";
  });
  while (board.get(id)->state != JobState::Paused) std::this_thread::yield();
  EXPECT_TRUE(board.cancel(id));
  EXPECT_EQ(code_of_wait(board, id), ErrorCode::Cancelled);
}

TEST_F(JobBoardTest, WaitingHasItsOwnDeadlineAndStop) {
  JobBoard board(by_hand(), clock_, log());
  const JobId id = board.submit("k", "s", nothing);
  EXPECT_EQ(code_of_wait(board, id, clock_.now()), ErrorCode::DeadlineExceeded);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of_wait(board, id, Instant::max(), stop.get_token()), ErrorCode::Cancelled);
  EXPECT_EQ(code_of_wait(board, "job-7"), ErrorCode::InvalidArgument);
  EXPECT_EQ(board.get(id)->state, JobState::Queued);
}

TEST_F(JobBoardTest, ProgressNeverFallsAndStaysInBounds) {
  JobBoard board(by_hand(), clock_, log());
  const JobId id = board.submit("k", "s", [&](JobContext& job) -> Value {
    const auto fraction = [&] { return board.get(job.id())->progress.fraction; };
    job.progress(-1, "a");
    EXPECT_EQ(fraction(), 0);
    job.progress(0.6, "b");
    job.progress(0.2, "c");
    EXPECT_EQ(fraction(), 0.6);
    job.progress(std::numeric_limits<double>::quiet_NaN(), "d");
    EXPECT_EQ(fraction(), 0.6);
    EXPECT_EQ(board.get(job.id())->progress.phase, "d");
    job.progress(7, "e");
    EXPECT_EQ(fraction(), 1);
    return {};
  });
  board.run_next();
  EXPECT_EQ(board.wait(id).state, JobState::Done);
}

TEST_F(JobBoardTest, KeepsTheNewestFinishedJobsOnly) {
  JobBoard board({.keep_finished = 2}, clock_, log());
  for (int i = 0; i < 4; ++i) board.submit("k", "s", nothing);
  const JobId waiting = board.submit("k", "s", nothing);
  for (int i = 0; i < 4; ++i) board.run_next();
  std::vector<JobId> ids;
  for (const JobRecord& job : board.list()) ids.push_back(job.id);
  EXPECT_EQ(ids, (std::vector<JobId>{"job-3", "job-4", "job-5"}));
  EXPECT_EQ(board.get("job-1"), std::nullopt);
}

TEST_F(JobBoardTest, IdsCarryTheInstanceAndNothingElseIsFound) {
  JobBoard board({.instance = "e1"}, clock_, log());
  EXPECT_EQ(board.submit("k", "s", nothing), "e1.job-1");
  EXPECT_TRUE(board.get("e1.job-1"));
  for (const char* id : {"job-1", "e2.job-1", "e1.job-01", "e1.job-", "e1.job-1x", "e1.job-2", "",
                         "e1.job-99999999999999999999999"}) {
    EXPECT_FALSE(board.get(id)) << id;
    EXPECT_FALSE(board.cancel(id)) << id;
  }
}

TEST_F(JobBoardTest, StopCancelsWhatIsLeftAndWaitsForWhatRuns) {
  JobBoard board({.pool = &pool_, .journal = &journal_}, clock_, log());
  std::array<Gate, 3> gates;
  std::vector<JobId> running;
  for (Gate& gate : gates) running.push_back(board.submit("k", "s", gate.until_stopped()));
  for (Gate& gate : gates) gate.wait_entered();
  const JobId queued = board.submit("k", "s", nothing);
  board.stop();
  for (const JobId& id : running) EXPECT_EQ(board.get(id)->state, JobState::Cancelled);
  EXPECT_EQ(board.get(queued)->state, JobState::Cancelled);
  EXPECT_EQ(journal_.lines().size(), 3u * 3u + 2u);
  board.stop();
  EXPECT_THROW(board.submit("k", "s", nothing), EngineClosedException);
  EXPECT_FALSE(board.run_next());
}

TEST_F(JobBoardTest, TasksLeftInThePoolOutliveTheBoard) {
  ThreadPool one("jobs-test", 1, ThreadPriority::Normal);
  std::promise<void> entered, go_on;
  one.post([&] {
    entered.set_value();
    go_on.get_future().wait();
  });
  entered.get_future().wait();
  {
    JobBoard board({.pool = &one}, clock_, log());
    board.submit("k", "s", nothing);
  }
  go_on.set_value();
  one.stop();  // runs the task that was posted for the job
}

TEST_F(JobBoardTest, AStoppedPoolCancelsTheJob) {
  pool_.stop();
  JobBoard board(pooled(), clock_, log());
  const JobId id = board.submit("k", "s", nothing);
  EXPECT_EQ(board.get(id)->state, JobState::Cancelled);
}

TEST_F(JobBoardTest, WithoutItsFirstRecordThereIsNoJobAndLaterFailuresAreLogged) {
  JobBoard board(by_hand(), clock_, log());
  journal_.refuse(true);
  EXPECT_THROW(board.submit("k", "s", nothing), RoostError);
  EXPECT_TRUE(board.list().empty());
  journal_.refuse(false);
  const JobId id = board.submit("k", "s", nothing);
  journal_.refuse(true);
  board.run_next();
  EXPECT_EQ(board.wait(id).state, JobState::Done);
  EXPECT_EQ(warnings_, 2);
}

TEST_F(JobBoardTest, WorkMustBeGiven) {
  JobBoard board(by_hand(), clock_, log());
  EXPECT_THROW(board.submit("k", "s", nullptr), RoostError);
}

// Submitters, cancellers, pausers and waiters at once: every job ends, every waiter is answered.
TEST_F(JobBoardTest, ManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kJobs = 100;
  JobBoard board({.keep_finished = 10000, .pool = &pool_, .journal = &journal_}, clock_, log());
  std::atomic<int> answers = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kJobs; ++i) {
          const JobId id = board.submit(
              "k", "s",
              [i](JobContext& job) -> Value {
                job.progress(0.5, "half");
                job.check_cancelled();
                if (i % 3 == 0) throw RoostError(ErrorCode::LoadFailed, "every third");
                return i;
              },
              i % 5 == 0 ? clock_.now() + seconds(i) : Instant::max());
          if (i % 4 == t) board.cancel(id);
          board.pause(id);
          if (i % 7 == 0) clock_.advance(seconds(1));
          board.resume(id);
          std::jthread other([&] { EXPECT_NE(board.list().size(), 0u); });
          try {
            board.wait(id);
          } catch (const RoostError&) {
          }
          ++answers;
        }
      });
    }
  }
  EXPECT_EQ(answers, kThreads * kJobs);
  for (const JobRecord& job : board.list()) EXPECT_TRUE(is_final(job.state)) << job.id;
}

// Many waiters of one failing job share its exception.
TEST_F(JobBoardTest, ManyWaitersOfOneFailure) {
  JobBoard board(pooled(), clock_, log());
  Gate gate;
  const JobId id = board.submit("k", "s", [&](JobContext&) -> Value {
    gate.entered.set_value();
    gate.released.get_future().wait();
    throw ModelLoadException("m", "it broke");
  });
  gate.wait_entered();
  std::atomic<int> told = 0;
  {
    std::vector<std::jthread> waiters;
    for (int i = 0; i < 8; ++i) {
      waiters.emplace_back([&] {
        try {
          board.wait(id);
        } catch (const ModelLoadException& error) {
          if (error.model_id() == "m") ++told;
        }
      });
    }
    gate.released.set_value();
  }
  EXPECT_EQ(told, 8);
}

}  // namespace
}  // namespace roost::jobs

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "jobs/job.h"
#include "jobs/job_journal.h"
#include "roost/log.h"

namespace roost::jobs {

class JobContext;

// Returns the job's result. A CancelledException ends the job as Cancelled, or as Failed with
// DeadlineExceeded when its deadline is what stopped it; any other exception as Failed with that.
// Work that returns is Done even when it was asked to stop: what it did has happened.
using JobWork = std::function<Value(JobContext&)>;

struct JobBoardOptions {
  std::string instance = {};  // put before ids, so that those of another life are not ours
  std::size_t keep_finished = 1000;
  ThreadPool* pool = nullptr;     // runs the jobs; without one run_next() does. Outlives the board
  JobJournal* journal = nullptr;  // outlives the board
};

// Runs long work that has an id. Jobs start in the order they came, as threads are free.
// Thread-safe. Nothing is called with a lock held.
class JobBoard {
 public:
  JobBoard(JobBoardOptions options, Clock& clock, LogSink log);
  ~JobBoard();  // stop()
  JobBoard(const JobBoard&) = delete;
  JobBoard& operator=(const JobBoard&) = delete;

  // Throws EngineClosed once stopped, and whatever the journal throws.
  JobId submit(std::string kind, std::string subject, JobWork work,
               Instant deadline = Instant::max());

  // Runs the job that waits longest on this thread. False when none waits.
  bool run_next();

  // nullopt when the id was never given out here, or the job ended so long ago that it is gone.
  std::optional<JobRecord> get(std::string_view id) const;
  std::vector<JobRecord> list() const;  // in the order they were submitted

  // Returns the job once it is Done; throws what ended it when it Failed or was Cancelled. Throws
  // InvalidArgument for an unknown id, DeadlineExceeded when `deadline` comes first and Cancelled
  // when `stop` fires: the job itself goes on then.
  JobRecord wait(std::string_view id, Instant deadline = Instant::max(),
                 const std::stop_token& stop = {}) const;

  // A queued job ends at once, one that runs is told through its stop token. False when the job
  // is unknown or has ended.
  bool cancel(std::string_view id);

  // The job stops at its next check_cancelled(), keeping its thread, until it is resumed or told
  // to stop. Its deadline runs on. False when the job is unknown or has ended.
  bool pause(std::string_view id);
  bool resume(std::string_view id);

  // Refuses new jobs, cancels the rest and waits for those that run. Not from a job. Idempotent.
  void stop();

 private:
  friend class JobContext;
  class Core;
  struct Job;
  std::shared_ptr<Core> core_;  // what the pool holds of us, weakly, while a job is queued there
};

// What a job's work sees of its board. Valid while the work runs; any thread may use it.
class JobContext {
 public:
  const JobId& id() const;
  std::stop_token stop_token() const;
  void progress(double fraction, std::string_view phase, std::string_view message = {});

  // Waits here while the job is paused. Throws CancelledException when the job was told to stop.
  void check_cancelled();

 private:
  friend class JobBoard;
  JobContext(JobBoard::Core& core, JobBoard::Job& job) : core_(core), job_(job) {}
  JobBoard::Core& core_;
  JobBoard::Job& job_;
};

}  // namespace roost::jobs

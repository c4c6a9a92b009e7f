#include "jobs/job_board.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "roost/ids.h"
#include "base/mutex.h"
#include "jobs/job_outcome.h"

namespace roost::jobs {

// What is not const or atomic is guarded by the board's mutex, `work` excepted: it belongs to the
// thread that took the job out of the queue.
struct JobBoard::Job {
  Job(std::uint64_t n, Instant d, JobWork w) : number(n), deadline(d), work(std::move(w)) {}

  const std::uint64_t number;
  const Instant deadline;
  JobWork work;
  std::stop_source stop;
  std::atomic<bool> pause_wanted = false;  // read by the work without the lock
  JobRecord record;
  StopCause cause = StopCause::None;
  std::exception_ptr failure;
};

class JobBoard::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(JobBoardOptions options, Clock& clock, LogSink log)
      : options_(std::move(options)),
        prefix_(options_.instance.empty() ? "job-" : options_.instance + ".job-"),
        clock_(clock),
        log_(std::move(log)) {}

  JobId submit(std::string kind, std::string subject, JobWork work, Instant deadline);
  bool run_next();
  std::optional<JobRecord> get(std::string_view id) const;
  std::vector<JobRecord> list() const;
  JobRecord wait(std::string_view id, Instant deadline, const std::stop_token& stop) const;
  bool cancel(std::string_view id);
  bool set_paused(std::string_view id, bool paused);
  void stop();

  void progress(Job& job, double fraction, std::string_view phase, std::string_view message);
  void hold(Job& job);

 private:
  using JobRef = std::shared_ptr<Job>;

  void enqueue(const JobRef& job);
  void run(Job& job);
  void watch_deadlines();
  std::vector<JobRef> take_due() ROOST_REQUIRES(mutex_);
  void tell_to_stop(const std::vector<JobRef>& jobs, StopCause cause);
  JobRef find(std::string_view id) const ROOST_REQUIRES(mutex_);
  void move_on(Job& job, JobEvent event) ROOST_REQUIRES(mutex_);
  void conclude(Job& job, Outcome outcome) ROOST_REQUIRES(mutex_);
  void journal(const JobRecord& record) const;
  void warn_unwritten(const JobRecord& record, const std::string& why) const;

  const JobBoardOptions options_;
  const std::string prefix_;
  Clock& clock_;
  const LogSink log_;

  mutable std::condition_variable_any changed_;   // some job's state or pause, or running_
  std::condition_variable_any deadline_changed_;  // for the thread that watches deadlines

  mutable Mutex mutex_;
  std::uint64_t last_number_ ROOST_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, JobRef> jobs_ ROOST_GUARDED_BY(mutex_);  // by number
  std::deque<JobRef> queue_ ROOST_GUARDED_BY(mutex_);
  std::deque<std::uint64_t> finished_ ROOST_GUARDED_BY(mutex_);  // oldest first
  std::set<std::pair<Instant, std::uint64_t>> deadlines_ ROOST_GUARDED_BY(mutex_);
  std::size_t running_ ROOST_GUARDED_BY(mutex_) = 0;  // threads inside run()
  bool stopping_ ROOST_GUARDED_BY(mutex_) = false;
  std::jthread watcher_ ROOST_GUARDED_BY(mutex_);  // started with the first deadline
};

JobId JobBoard::Core::submit(std::string kind, std::string subject, JobWork work,
                             Instant deadline) {
  if (!work)
    throw RoostError(ErrorCode::InvalidArgument, "a job of kind '" + kind + "' has no work");
  JobRef job;
  {
    MutexLock lock(mutex_);
    if (stopping_) throw EngineClosedException();
    job = std::make_shared<Job>(++last_number_, deadline, std::move(work));
  }
  job->record.id = prefix_ + std::to_string(job->number);
  job->record.kind = std::move(kind);
  job->record.subject = std::move(subject);
  job->record.submitted_at = clock_.wall();
  JobId id = job->record.id;
  if (options_.journal != nullptr) options_.journal->record(job->record);
  enqueue(job);
  return id;
}

void JobBoard::Core::enqueue(const JobRef& job) {
  bool refused = false;
  {
    MutexLock lock(mutex_);
    refused = stopping_;
    jobs_.emplace(job->number, job);
    queue_.push_back(job);
    if (!refused && job->deadline != Instant::max()) {
      deadlines_.emplace(job->deadline, job->number);
      if (!watcher_.joinable()) watcher_ = std::jthread([this] { watch_deadlines(); });
    }
  }
  deadline_changed_.notify_all();
  if (!refused && options_.pool != nullptr) {
    refused = !options_.pool->post([weak = weak_from_this()] {
      if (const auto core = weak.lock()) core->run_next();
    });
  }
  if (refused) tell_to_stop({job}, StopCause::Cancel);
}

bool JobBoard::Core::run_next() {
  JobRef job;
  JobRecord started;
  {
    MutexLock lock(mutex_);
    if (stopping_ || queue_.empty()) return false;
    job = std::move(queue_.front());
    queue_.pop_front();
    move_on(*job, JobEvent::Started);
    job->record.started_at = clock_.wall();
    ++running_;
    started = job->record;
  }
  changed_.notify_all();
  journal(started);
  run(*job);
  return true;
}

void JobBoard::Core::run(Job& job) {
  Outcome outcome;
  std::exception_ptr failure;
  try {
    JobContext context(*this, job);
    outcome.result = job.work(context);
  } catch (...) {
    failure = std::current_exception();
  }
  job.work = nullptr;  // what it captured is gone when the job is seen to have ended
  JobRecord ended;
  {
    MutexLock lock(mutex_);
    if (failure) outcome = outcome_of(std::move(failure), job.cause, job.record);
    conclude(job, std::move(outcome));
    ended = job.record;
  }
  changed_.notify_all();
  journal(ended);
  {
    MutexLock lock(mutex_);
    --running_;  // last, so that stop() waits for the journal too
  }
  changed_.notify_all();
}

void JobBoard::Core::watch_deadlines() {
  set_up_thread("roost-jobs", ThreadPriority::Normal);
  for (;;) {
    std::vector<JobRef> due;
    {
      MutexLock lock(mutex_);
      const Instant next = deadlines_.empty() ? Instant::max() : deadlines_.begin()->first;
      clock_.wait_until(deadline_changed_, mutex_, {}, next, [&]() ROOST_REQUIRES(mutex_) {
        return stopping_ || (!deadlines_.empty() && deadlines_.begin()->first < next);
      });
      if (stopping_) return;
      due = take_due();
    }
    tell_to_stop(due, StopCause::Deadline);
  }
}

std::vector<JobBoard::Core::JobRef> JobBoard::Core::take_due() {
  std::vector<JobRef> due;
  const Instant now = clock_.now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    due.push_back(jobs_.at(deadlines_.begin()->second));
    deadlines_.erase(deadlines_.begin());
  }
  return due;
}

// Ends those that are queued, tells the others through their stop tokens. The first cause counts.
void JobBoard::Core::tell_to_stop(const std::vector<JobRef>& jobs, StopCause cause) {
  std::vector<JobRecord> ended;
  std::vector<JobWork> dropped;  // destroyed without the lock
  std::vector<JobRef> running;
  {
    MutexLock lock(mutex_);
    for (const JobRef& job : jobs) {
      if (is_final(job->record.state)) continue;
      if (job->cause == StopCause::None) job->cause = cause;
      if (cause == StopCause::Cancel) job->record.cancel_requested = true;
      if (job->record.state != JobState::Queued) {
        running.push_back(job);
        continue;
      }
      queue_.erase(std::find(queue_.begin(), queue_.end(), job));
      dropped.push_back(std::move(job->work));
      conclude(*job, cause == StopCause::Deadline ? past_deadline(job->record)
                                                  : cancelled_early(job->record));
      ended.push_back(job->record);
    }
  }
  changed_.notify_all();
  for (const JobRef& job : running) job->stop.request_stop();
  for (const JobRecord& record : ended) journal(record);
}

std::optional<JobRecord> JobBoard::Core::get(std::string_view id) const {
  MutexLock lock(mutex_);
  const JobRef job = find(id);
  if (!job) return std::nullopt;
  return job->record;
}

std::vector<JobRecord> JobBoard::Core::list() const {
  std::vector<JobRecord> records;
  MutexLock lock(mutex_);
  records.reserve(jobs_.size());
  for (const auto& [number, job] : jobs_) records.push_back(job->record);
  return records;
}

JobRecord JobBoard::Core::wait(std::string_view id, Instant deadline,
                               const std::stop_token& stop) const {
  MutexLock lock(mutex_);
  const JobRef job = find(id);
  if (!job) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "waiting for job '" + printable(id) +
                         "': no such job, or it ended too long ago to be kept");
  }
  clock_.wait_until(changed_, mutex_, stop, deadline,
                    [&]() ROOST_REQUIRES(mutex_) { return is_final(job->record.state); });
  if (is_final(job->record.state)) {
    if (job->failure) std::rethrow_exception(job->failure);
    return job->record;
  }
  const std::string waiting = "waiting for " + name_of(job->record);
  if (stop.stop_requested()) throw CancelledException(waiting + ": cancelled; the job goes on");
  throw DeadlineExceededException(waiting + ": it has not ended in time; the job goes on");
}

bool JobBoard::Core::cancel(std::string_view id) {
  JobRef job;
  {
    MutexLock lock(mutex_);
    job = find(id);
    if (!job || is_final(job->record.state)) return false;
  }
  tell_to_stop({job}, StopCause::Cancel);
  return true;
}

bool JobBoard::Core::set_paused(std::string_view id, bool paused) {
  {
    MutexLock lock(mutex_);
    const JobRef job = find(id);
    if (!job || is_final(job->record.state)) return false;
    job->record.pause_requested = paused;
    job->pause_wanted = paused;
  }
  changed_.notify_all();
  return true;
}

void JobBoard::Core::stop() {
  std::vector<JobRef> left;
  std::jthread watcher;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    watcher.swap(watcher_);
    for (const auto& [number, job] : jobs_) {
      if (!is_final(job->record.state)) left.push_back(job);
    }
  }
  deadline_changed_.notify_all();
  tell_to_stop(left, StopCause::Cancel);
  MutexLock lock(mutex_);
  changed_.wait(mutex_, [this]() ROOST_REQUIRES(mutex_) { return running_ == 0; });
}

void JobBoard::Core::progress(Job& job, double fraction, std::string_view phase,
                              std::string_view message) {
  MutexLock lock(mutex_);
  JobProgress& progress = job.record.progress;
  if (fraction > progress.fraction) progress.fraction = std::min(fraction, 1.0);
  progress.phase = phase;
  progress.message = message;
}

void JobBoard::Core::hold(Job& job) {
  JobRecord record;
  const std::stop_token stop = job.stop.get_token();
  {
    MutexLock lock(mutex_);
    if (!job.pause_wanted || stop.stop_requested()) return;
    move_on(job, JobEvent::Paused);
    record = job.record;
  }
  changed_.notify_all();
  journal(record);
  {
    MutexLock lock(mutex_);
    changed_.wait(mutex_, stop, [&]() { return !job.pause_wanted; });
    move_on(job, JobEvent::Resumed);
    record = job.record;
  }
  changed_.notify_all();
  journal(record);
}

JobBoard::Core::JobRef JobBoard::Core::find(std::string_view id) const {
  if (!id.starts_with(prefix_)) return nullptr;
  std::uint64_t number = 0;
  std::from_chars(id.data() + prefix_.size(), id.data() + id.size(), number);
  const auto it = jobs_.find(number);
  return it != jobs_.end() && it->second->record.id == id ? it->second : nullptr;
}

void JobBoard::Core::move_on(Job& job, JobEvent event) {
  const std::optional<JobState> to = next_state(job.record.state, event);
  ROOST_ASSERT(to.has_value());
  job.record.state = *to;
}

void JobBoard::Core::conclude(Job& job, Outcome outcome) {
  move_on(job, outcome.event);
  if (outcome.event == JobEvent::Completed) job.record.progress.fraction = 1;
  job.record.result = std::move(outcome.result);
  job.record.error = std::move(outcome.error);
  job.failure = std::move(outcome.failure);
  job.record.finished_at = clock_.wall();
  deadlines_.erase({job.deadline, job.number});
  finished_.push_back(job.number);
  while (finished_.size() > options_.keep_finished) {
    jobs_.erase(finished_.front());
    finished_.pop_front();
  }
}

void JobBoard::Core::journal(const JobRecord& record) const {
  if (options_.journal == nullptr) return;
  try {
    options_.journal->record(record);
  } catch (const std::exception& error) {
    warn_unwritten(record, printable(error.what()));
  } catch (...) {
    warn_unwritten(record, "an unknown exception");
  }
}

void JobBoard::Core::warn_unwritten(const JobRecord& record, const std::string& why) const {
  if (!log_) return;
  log_(LogLevel::Warning, name_of(record) + ": its state '" + std::string(to_string(record.state)) +
                              "' was not journalled: " + why);
}

JobBoard::JobBoard(JobBoardOptions options, Clock& clock, LogSink log)
    : core_(std::make_shared<Core>(std::move(options), clock, std::move(log))) {}

JobBoard::~JobBoard() {
  stop();
}

JobId JobBoard::submit(std::string kind, std::string subject, JobWork work, Instant deadline) {
  return core_->submit(std::move(kind), std::move(subject), std::move(work), deadline);
}
bool JobBoard::run_next() {
  return core_->run_next();
}
std::optional<JobRecord> JobBoard::get(std::string_view id) const {
  return core_->get(id);
}
std::vector<JobRecord> JobBoard::list() const {
  return core_->list();
}
JobRecord JobBoard::wait(std::string_view id, Instant deadline, const std::stop_token& stop) const {
  const auto core = core_;  // a waiter may still be here when the board ends
  return core->wait(id, deadline, stop);
}
bool JobBoard::cancel(std::string_view id) {
  return core_->cancel(id);
}
bool JobBoard::pause(std::string_view id) {
  return core_->set_paused(id, true);
}
bool JobBoard::resume(std::string_view id) {
  return core_->set_paused(id, false);
}
void JobBoard::stop() {
  core_->stop();
}

const JobId& JobContext::id() const {
  return job_.record.id;
}
std::stop_token JobContext::stop_token() const {
  return job_.stop.get_token();
}
void JobContext::progress(double fraction, std::string_view phase, std::string_view message) {
  core_.progress(job_, fraction, phase, message);
}
void JobContext::check_cancelled() {
  if (job_.pause_wanted) core_.hold(job_);
  if (job_.stop.stop_requested()) throw CancelledException("job " + id() + " was told to stop");
}

}  // namespace roost::jobs

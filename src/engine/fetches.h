#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/thread_pool.h"
#include "events/event_hub.h"
#include "pool/core/failure_memory.h"
#include "roost/engine.h"

namespace roost {

// The fetches that run: one a model, however many ask. No thread waits for another's fetch, and
// one whose askers have all gone is stopped. After a failure, which a cancel is not, the next try
// is held back as that of a load is. Thread-safe; calls out without a lock held.
class Fetches {
 public:
  struct Limits {
    std::size_t at_once = 1;
    Duration timeout{};  // of one fetch's work; zero: none
    Duration backoff_first{}, backoff_most{};
  };
  using Done = std::function<void(std::exception_ptr)>;  // null: the files are there
  struct Request {
    std::string model;
    std::shared_ptr<ModelSource> files;
    std::function<void(const FetchProgress&)> progress = {};  // not called once `done` was
    Instant deadline = Instant::max();
    std::stop_token stop = {};
    bool for_load = false;
    bool retry_now = false;  // do not honour the back-off
    Done done = {};  // once, on any thread, perhaps inside ask()
  };

  Fetches(const Limits& limits, events::EventHub& events, Clock& clock);
  ~Fetches();
  Fetches(const Fetches&) = delete;
  Fetches& operator=(const Fetches&) = delete;

  void ask(Request request);
  // Who cancels last, by name or by token, is answered when the fetch has ended.
  bool cancel(const std::string& model);        // for all who asked; false: nobody had
  bool cancel_loads(const std::string& model);  // for those who asked in order to load
  bool is_running(const std::string& model) const;
  bool is_working_here(const std::string& model) const;  // is this thread part of its fetch?
  std::size_t count() const;
  // Nothing when its last fetch went well.
  std::optional<pool::FailureMemory> failure(const std::string& model) const;
  void forget_failure(const std::string& model);

  // Answers everyone EngineClosed, stops what runs and waits for it. Idempotent.
  void stop();

 private:
  struct Waiter;
  struct Fetch;
  struct Answers;

  // Why it may not be asked now; null: it may.
  std::exception_ptr held_back(const Request& request) const ROOST_REQUIRES(mutex_);
  void remember(const std::string& model, const std::exception_ptr& error) ROOST_REQUIRES(mutex_);
  bool is_current(const Fetch& fetch) const ROOST_REQUIRES(mutex_);  // not of an old registration
  std::shared_ptr<Waiter> join(Request& request) ROOST_REQUIRES(mutex_);
  void run(const std::shared_ptr<Fetch>& fetch);
  std::exception_ptr work(Fetch& fetch);
  void report(Fetch& fetch, std::uint64_t done, std::uint64_t total);
  void tell_whole(Fetch& fetch, std::uint64_t estimate);
  void tell(Fetch& fetch, const FetchProgress& progress);
  void end(const std::shared_ptr<Fetch>& fetch, const std::exception_ptr& error);
  // Takes those waiters into `answers`. The last to go stops the fetch.
  template <class Which>
  void take(Fetch& fetch, const Which& which, const std::exception_ptr& error, Answers& answers)
      ROOST_REQUIRES(mutex_);
  template <class Which>
  bool give_up(const std::string& model, const Which& which, const std::exception_ptr& error);
  static void give(Answers&& answers);
  void watch(const std::stop_token& stop);
  Instant next_deadline() const ROOST_REQUIRES(mutex_);
  void end_overdue();
  std::string time_limit() const;

  const Limits limits_;
  events::EventHub& events_;
  Clock& clock_;
  ThreadPool threads_;

  std::condition_variable_any changed_;  // a deadline that may be earlier than all others
  mutable Mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Fetch>> fetches_ ROOST_GUARDED_BY(mutex_);
  std::unordered_map<std::string, pool::FailureMemory> failures_ ROOST_GUARDED_BY(mutex_);
  bool stopped_ ROOST_GUARDED_BY(mutex_) = false;
  std::jthread watch_ ROOST_GUARDED_BY(mutex_);  // of deadlines, from the first one on
};

}  // namespace roost

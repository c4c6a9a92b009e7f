#pragma once

#include <condition_variable>
#include <cstddef>
#include <stop_token>

#include "base/mutex.h"
#include "roost/error.h"

namespace roost::test {

// A point where threads wait while the test holds it shut. Open at first. Thread-safe.
class Gate {
 public:
  void shut() {
    MutexLock lock(mutex_);
    open_ = false;
  }

  void open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  // Lets one waiting thread through and stays shut.
  void let_one_through() {
    MutexLock lock(mutex_);
    ++tickets_;
    changed_.notify_all();
  }

  // Throws CancelledException when `stop` fires while the gate is shut.
  void pass(std::stop_token stop = {}) {
    MutexLock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    const bool through = changed_.wait(
        mutex_, stop, [this]() ROOST_REQUIRES(mutex_) { return open_ || tickets_ > 0; });
    --waiting_;
    if (!through) throw CancelledException("stopped while a test held a gate shut");
    if (!open_) --tickets_;
  }

  // Returns when at least `threads` wait at the gate.
  void await_arrivals(std::size_t threads = 1) {
    MutexLock lock(mutex_);
    changed_.wait(mutex_, [&]() ROOST_REQUIRES(mutex_) { return waiting_ >= threads; });
  }

 private:
  std::condition_variable_any changed_;
  Mutex mutex_;
  bool open_ ROOST_GUARDED_BY(mutex_) = true;
  std::size_t tickets_ ROOST_GUARDED_BY(mutex_) = 0;
  std::size_t waiting_ ROOST_GUARDED_BY(mutex_) = 0;
};

}  // namespace roost::test

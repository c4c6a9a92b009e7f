#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace roost {

// Stands between those who make progress and one caller's callback. The callback gets everything
// that was added, in that order and one at a time, however many threads add; once what follows the
// end is called it is not running and will not be called. One that throws is not called again.
// Thread-safe; the callback is never called with a lock held.
template <class T>
class Teller {
 public:
  using Callback = std::function<void(const T&)>;
  explicit Teller(Callback callback) : callback_(std::move(callback)) {}

  void add(T what) {  // quick: for use under a lock that decides the order
    MutexLock lock(mutex_);
    if (!ended_) waiting_.push_back(std::move(what));
  }

  // Calls out what waits, unless another thread is at it: that one goes on.
  void tell() {
    MutexLock lock(mutex_);
    if (caller_ == std::thread::id()) call_out();
  }

  // The rest is told first, by the thread that calls out if one does, and then `then` is called;
  // never waits for another thread. From inside the callback that call is the last.
  void end(std::function<void()> then) {
    {
      MutexLock lock(mutex_);
      ended_ = true;
      if (caller_ == std::this_thread::get_id()) waiting_.clear();
      if (caller_ != std::thread::id()) {
        then_ = std::move(then);
        return;
      }
      call_out();
    }
    then();
  }

 private:
  void call_out() ROOST_REQUIRES(mutex_) {
    caller_ = std::this_thread::get_id();
    while (!waiting_.empty()) {
      const T next = std::move(waiting_.front());
      waiting_.pop_front();
      mutex_.unlock();
      const bool fine = call(next);
      mutex_.lock();
      if (fine) continue;
      ended_ = true;
      waiting_.clear();
    }
    caller_ = {};
    if (const auto then = std::exchange(then_, nullptr)) {
      mutex_.unlock();
      then();
      mutex_.lock();
    }
  }

  bool call(const T& what) const noexcept {
    try {
      callback_(what);
      return true;
    } catch (...) {  // a caller's own code harms nobody but its caller
      return false;
    }
  }

  const Callback callback_;
  Mutex mutex_;
  std::deque<T> waiting_ ROOST_GUARDED_BY(mutex_);
  std::thread::id caller_ ROOST_GUARDED_BY(mutex_);  // who is calling out
  bool ended_ ROOST_GUARDED_BY(mutex_) = false;
  std::function<void()> then_ ROOST_GUARDED_BY(mutex_);  // of an end() while one calls out
};

}  // namespace roost

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace roost {

// Stands between those who make progress and one caller's callback. The callback gets everything
// that was added, in that order and one at a time, however many threads add; once end() has
// returned it is not running and will not be called. One that throws is not called again.
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

  // The rest is told first, and `then` is called last. From inside the callback that call is the
  // last, and `then` is called when it has returned.
  void end(std::function<void()> then = [] {}) {
    {
      MutexLock lock(mutex_);
      const bool inside = caller_ == std::this_thread::get_id();
      if (!inside) {
        idle_.wait(mutex_, [this]() ROOST_REQUIRES(mutex_) { return caller_ == std::thread::id(); });
        call_out();
      }
      ended_ = true;
      waiting_.clear();
      if (inside) then_ = std::exchange(then, [] {});
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
      ended_ = ended_ || !fine;
      if (ended_) waiting_.clear();
    }
    caller_ = {};
    idle_.notify_all();
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
  std::condition_variable_any idle_;
  Mutex mutex_;
  std::deque<T> waiting_ ROOST_GUARDED_BY(mutex_);
  std::thread::id caller_ ROOST_GUARDED_BY(mutex_);  // who is calling out
  bool ended_ ROOST_GUARDED_BY(mutex_) = false;
  std::function<void()> then_ ROOST_GUARDED_BY(mutex_);  // of an end() from inside the callback
};

}  // namespace roost

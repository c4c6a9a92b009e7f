#pragma once

#include <condition_variable>
#include <mutex>

namespace roost::faces {

// Stands before a caller's callback, which must not run once the caller's call has ended: close()
// lets none begin and waits for the one that runs. One call at a time; a second one meanwhile is
// left out. Thread-safe.
class CallbackGate {
 public:
  template <class F>
  void call(F&& f) {
    if (!enter()) return;
    f();  // does not throw
    leave();
  }

  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    idle_.wait(lock, [this] { return !running_; });
  }

 private:
  bool enter() {
    const std::lock_guard lock(mutex_);
    if (closed_ || running_) return false;
    return running_ = true;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    running_ = false;
    idle_.notify_all();
  }

  std::mutex mutex_;  // guards both below
  std::condition_variable idle_;
  bool running_ = false;
  bool closed_ = false;
};

}  // namespace roost::faces

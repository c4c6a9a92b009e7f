#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace roost::faces {

// Stands before a caller's callback, which must not run once the caller's call has ended: close()
// lets none begin and waits for the one that runs. One call at a time; a second one meanwhile is
// left out. Thread-safe.
class CallbackGate {
 public:
  template <class F>
  void call(F&& f) {
    if (!enter()) return;
    const Leaving leaving{*this};
    f();
  }

  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    idle_.wait(lock, [this] { return caller_ == std::thread::id(); });
  }

  // Is this thread in the callback?
  bool is_calling() const {
    const std::lock_guard lock(mutex_);
    return caller_ == std::this_thread::get_id();
  }

 private:
  struct Leaving {
    CallbackGate& gate;
    ~Leaving() { gate.leave(); }
  };
  bool enter() {
    const std::lock_guard lock(mutex_);
    if (closed_ || caller_ != std::thread::id()) return false;
    caller_ = std::this_thread::get_id();
    return true;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    caller_ = {};
    idle_.notify_all();
  }

  mutable std::mutex mutex_;  // guards the two below
  std::condition_variable idle_;
  std::thread::id caller_;  // who is in the callback
  bool closed_ = false;
};

}  // namespace roost::faces

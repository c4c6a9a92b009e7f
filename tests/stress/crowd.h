#pragma once

#include <functional>
#include <latch>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "roost/error.h"

namespace roost::test {

// What went wrong in a crowd of threads. Thread-safe.
class Complaints {
 public:
  void add(const std::string& text) {
    const MutexLock lock(mutex_);
    ++count_;
    if (first_.size() < kKept) first_.push_back(text);
  }
  std::size_t count() const {
    const MutexLock lock(mutex_);
    return count_;
  }
  std::string text() const {
    const MutexLock lock(mutex_);
    std::string all;
    for (const std::string& one : first_) all += one + "\n";
    return all;
  }

 private:
  static constexpr std::size_t kKept = 10;
  mutable Mutex mutex_;
  std::size_t count_ ROOST_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> first_ ROOST_GUARDED_BY(mutex_);
};

// Runs f(thread) on so many threads that begin together, and joins them. What one throws ends it
// and is a complaint.
inline void in_a_crowd(unsigned threads, Complaints& complaints,
                       const std::function<void(unsigned)>& f) {
  std::latch start(threads);
  std::vector<std::jthread> crowd;
  for (unsigned i = 0; i < threads; ++i) {
    crowd.emplace_back([&, i] {
      start.arrive_and_wait();
      try {
        f(i);
      } catch (const std::exception& error) {  // thread root
        complaints.add("thread " + std::to_string(i) + ": " + error.what());
      }
    });
  }
}

}  // namespace roost::test

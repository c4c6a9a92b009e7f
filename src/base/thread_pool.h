#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace roost {

// Background threads yield the processor to everyone else's.
enum class ThreadPriority : std::uint8_t { Normal, Background };

// Names the calling thread (cut to 15 bytes) and sets its priority. Never fails loudly: a
// system that refuses leaves the thread as it was.
void set_up_thread(const std::string& name, ThreadPriority priority);

// For long work of background threads, every 50 us or so. Somebody else may have become ready while
// such a thread was chosen all the same; the system looks again only at a tick, milliseconds later.
inline void offer_processor() { std::this_thread::yield(); }

// A fixed number of threads that run tasks in the order they came, all of them WorkingFor `owner`.
// A task must not throw.
// stop() refuses new tasks, runs those queued and joins; it is idempotent and the destructor
// calls it. Thread-safe.
class ThreadPool {
 public:
  ThreadPool(std::string name, std::size_t threads, ThreadPriority priority,
             const void* owner = nullptr);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  bool post(std::function<void()> task);  // false once stopped; the task is then not kept
  void stop();
  std::size_t threads() const { return count_; }

 private:
  void work();

  const std::string name_;
  const std::size_t count_;
  const ThreadPriority priority_;
  const void* const owner_;

  std::condition_variable_any wake_;
  Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ROOST_GUARDED_BY(mutex_);
  bool stopping_ ROOST_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> workers_ ROOST_GUARDED_BY(mutex_);
};

}  // namespace roost

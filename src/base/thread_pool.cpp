#include "base/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <system_error>

#include "base/working_for.h"
#include "roost/error.h"

namespace roost {

void set_up_thread(const std::string& name, ThreadPriority priority) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  if (priority == ThreadPriority::Background) {
    const sched_param none{};
    pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
  }
}

ThreadPool::ThreadPool(std::string name, std::size_t threads, ThreadPriority priority,
                       const void* owner)
    : name_(std::move(name)), count_(threads), priority_(priority), owner_(owner) {
  try {
    MutexLock lock(mutex_);
    for (std::size_t i = 0; i < count_; ++i) {
      workers_.emplace_back([this] {
        set_up_thread(name_, priority_);
        work();
      });
    }
  } catch (const std::system_error& error) {
    stop();  // those that began would wait for ever
    throw RoostError(ErrorCode::OutOfMemory, "the system gives no thread for '" + name_ + "': " +
                                                 error.what());
  }
}

ThreadPool::~ThreadPool() { stop(); }

bool ThreadPool::post(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return false;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

void ThreadPool::stop() {
  std::vector<std::jthread> workers;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    workers.swap(workers_);
  }
  wake_.notify_all();
  workers.clear();  // joins
}

void ThreadPool::work() {
  const WorkingFor mark(owner_);
  for (;;) {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      wake_.wait(mutex_, [this]() ROOST_REQUIRES(mutex_) { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace roost

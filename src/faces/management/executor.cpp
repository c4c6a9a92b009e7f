#include "faces/management/executor.h"

#include "roost/error.h"

namespace roost::faces {

void Executor::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) throw RoostError(ErrorCode::EngineClosed, "the manager's executor is shut down");
  if (tasks_.size() >= idle_ && workers_.size() < max_threads_) {
    workers_.emplace_back([this] { work(); });
  }
  tasks_.push_back(std::move(task));
  wake_.notify_one();
}

void Executor::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    --idle_;
    if (tasks_.empty()) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it holds is given back before the next wait
    lock.lock();
  }
}

void Executor::shutdown() {
  std::vector<std::jthread> workers;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    workers.swap(workers_);
  }
  wake_.notify_all();
}

std::size_t Executor::threads() const {
  const std::lock_guard lock(mutex_);
  return workers_.size();
}

}  // namespace roost::faces

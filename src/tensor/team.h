#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/mutex.h"

namespace roost::tensor {

// A few threads that share one job after another with the thread that brings it. Between jobs that
// follow closely they spin, so handing one over takes about a microsecond; then they sleep.
// One job at a time: run() is not called from two threads at once, nor from within a job.
class Team {
 public:
  explicit Team(unsigned threads);  // with the caller's; at least 1
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  unsigned size() const { return static_cast<unsigned>(workers_.size()) + 1; }

  // Calls job(part, worker) for every part below `parts`, worker being below size() and never
  // shared by two parts that run at once. Returns when all are done; throws what the first part
  // that failed threw, after the others ended.
  template <class Job>
  void run(std::size_t parts, const Job& job) {
    share(parts, &job, [](const void* it, std::size_t part, unsigned worker) {
      (*static_cast<const Job*>(it))(part, worker);
    });
  }

 private:
  using Call = void (*)(const void* job, std::size_t part, unsigned worker);
  // The number of the job in the upper half, its parts that nobody took yet in the lower.
  using Offer = std::uint64_t;

  void share(std::size_t parts, const void* job, Call call);
  void work(unsigned worker);
  void take_parts(std::uint32_t job_number, unsigned worker);
  Offer next_offer(Offer seen);

  // Of the job on offer. Written before it is offered, read by who took a part of it.
  const void* job_ = nullptr;
  Call call_ = nullptr;
  std::size_t parts_ = 0;

  std::atomic<Offer> offer_ = 0;
  std::atomic<std::size_t> unfinished_ = 0;
  std::atomic<unsigned> asleep_ = 0;
  std::atomic<bool> stopping_ = false;

  Mutex mutex_;
  std::exception_ptr error_ ROOST_GUARDED_BY(mutex_);
  std::vector<std::jthread> workers_;
};

}  // namespace roost::tensor

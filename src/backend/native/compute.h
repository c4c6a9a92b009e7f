#pragma once

#include "base/mutex.h"
#include "tensor/team.h"

namespace roost::backend {

// The threads that all native models of an engine compute on, one model at a time.
class Compute {
 public:
  explicit Compute(unsigned threads) : threads_(threads), team_(threads) {}
  unsigned threads() const { return threads_; }

  template <class Work>
  auto alone(const Work& work) {
    MutexLock lock(mutex_);
    return work(team_);
  }

 private:
  const unsigned threads_;
  Mutex mutex_;
  tensor::Team team_ ROOST_GUARDED_BY(mutex_);
};

}  // namespace roost::backend

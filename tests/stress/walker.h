#pragma once

#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "stress/playground.h"

namespace roost::test {

// One walk through a playground: random public calls, one after the other, from one thread. All
// that is random comes from the seed. A call may fail only with a code that its documentation
// names for what others may be doing; anything else is a complaint.
//
// Calls that wait are made only while the walker holds no lease, so that walkers never wait for
// each other in a ring.
class Walker {
 public:
  Walker(Playground& ground, Complaints& complaints, std::uint32_t seed)
      : ground_(ground), complaints_(complaints), random_(seed) {}

  void step();
  void finish() { leases_.clear(); }
  // For messages, from any thread: the step, and what it held when it began.
  std::string last() const {
    const MutexLock lock(mutex_);
    return last_;
  }
  std::string picture() const {
    const MutexLock lock(mutex_);
    return last_ + ", leases:" + holding_;
  }

 private:
  struct Lease {
    std::size_t model;
    unsigned revoked;  // how often before it was asked for
    Embedder embedder;
  };
  using Codes = std::initializer_list<ErrorCode>;

  std::size_t random(std::size_t n) { return random_() % n; }
  LoadOptions some_load();
  UnloadOptions some_unload();
  void begin(const std::string& what);
  void attempt(const std::string& what, Codes allowed, const std::function<void()>& f);

  void load();
  void load_on_all_devices();
  void lease();
  void use();
  void release();
  void unload();
  void demote();
  void cancel();
  void fail_next();
  void options();
  void cache();
  void uncache();
  void look();
  void advance();

  Playground& ground_;
  Complaints& complaints_;
  std::mt19937 random_;
  std::vector<Lease> leases_;
  mutable Mutex mutex_;
  std::string last_ ROOST_GUARDED_BY(mutex_);
  std::string holding_ ROOST_GUARDED_BY(mutex_);
};

}  // namespace roost::test

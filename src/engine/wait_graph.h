#pragma once

#include <list>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "pool/core/slot_id.h"

namespace roost {

// Which slots' code waits for which slots, on all threads, so that those who would wait for each
// other are seen by the last of them. Thread-safe.
class WaitGraph {
 public:
  using Slots = std::vector<pool::SlotId>;
  struct Edge {
    Slots inside, wanted;
  };
  // Ends the wait.
  class End {
   public:
    explicit End(WaitGraph& graph) : graph_(graph) {}
    void operator()(const Edge* edge) const;

   private:
    WaitGraph& graph_;
  };
  using Wait = std::unique_ptr<const Edge, End>;

  // From here on code of `inside` waits for `wanted`. Null: one of those waits for one of `inside`
  // already, itself or through others.
  Wait begin(const Slots& inside, const Slots& wanted);
  Slots waiting() const;  // whose code waits
  Wait none() { return Wait(nullptr, End(*this)); }

 private:
  Slots reached_from(Slots slots) const ROOST_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::list<Edge> edges_ ROOST_GUARDED_BY(mutex_);
};

}  // namespace roost

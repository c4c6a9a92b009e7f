#pragma once

#include "pool/shell/pool.h"

namespace roost::pool {

template <class F>
void Pool::decide(F&& f) {
  Deferred later;
  {
    MutexLock lock(mutex_);
    const Instant now = clock_.now();
    Actions actions;
    f(core_, now, actions);
    apply(actions, later);
    epoch_.reclaim();
    if (core_.next_timer() < wake_at_) changed_.notify_all();
  }
  for (const auto& act : later) act();
}

}  // namespace roost::pool

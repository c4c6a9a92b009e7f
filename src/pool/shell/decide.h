#pragma once

#include <utility>

#include "pool/shell/pool.h"

namespace roost::pool {

template <class F, class G>
void Pool::decide(F&& f, G&& before_it_is_told) {
  Deferred later;
  {
    MutexLock lock(mutex_);
    const Instant now = clock_.now();
    Actions actions;
    f(core_, now, actions);
    apply(actions, later);
    epoch_.reclaim();
    if (core_.next_timer() < wake_at_) sooner_.notify_all();
  }
  before_it_is_told();
  for (const auto& act : later) act();
}

template <class F>
void Pool::decide(F&& f) {
  decide(std::forward<F>(f), [] {});
}

}  // namespace roost::pool

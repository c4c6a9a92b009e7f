#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "base/clock.h"

namespace roost::pool {

// What is due when. Disarming needs the instant it was armed for.
class Timers {
 public:
  enum class Kind : std::uint8_t { Deadline, Idle };  // of a waiter; of a slot
  struct Timer {
    Instant at;
    Kind kind;
    std::uint64_t id;
    friend auto operator<=>(const Timer&, const Timer&) = default;
  };

  void arm(const Timer& timer) {
    if (timer.at != Instant::max()) timers_.insert(timer);
  }
  void disarm(const Timer& timer) { timers_.erase(timer); }
  Instant next() const { return timers_.empty() ? Instant::max() : timers_.begin()->at; }
  std::optional<Timer> pop_due(Instant now) {
    if (next() > now || timers_.empty()) return std::nullopt;
    return timers_.extract(timers_.begin()).value();
  }

 private:
  std::set<Timer> timers_;
};

}  // namespace roost::pool

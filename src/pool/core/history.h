#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/assert.h"
#include "base/clock.h"
#include "roost/lifecycle.h"

namespace roost::pool {

// A slot's state and how it came about. Only the table moves it.
class History {
 public:
  static constexpr std::size_t kKept = 32;

  ModelState state() const { return state_; }

  HistoryEntry move(Reason why, Instant now) {
    const std::optional<ModelState> to = next_state(state_, why);
    ROOST_ASSERT(to.has_value());
    const HistoryEntry entry{state_, why, *to, now};
    if (entries_.size() < kKept) {
      entries_.push_back(entry);
    } else {
      entries_[oldest_] = entry;
      oldest_ = (oldest_ + 1) % kKept;
    }
    state_ = *to;
    return entry;
  }

  std::vector<HistoryEntry> entries() const {  // oldest first
    std::vector<HistoryEntry> ordered(entries_);
    std::rotate(ordered.begin(), ordered.begin() + static_cast<std::ptrdiff_t>(oldest_),
                ordered.end());
    return ordered;
  }

 private:
  ModelState state_ = ModelState::Idle;
  std::size_t oldest_ = 0;
  std::vector<HistoryEntry> entries_;
};

}  // namespace roost::pool

#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

#include "base/clock.h"
#include "pool/core/slot_id.h"
#include "roost/lifecycle.h"

namespace roost::pool {

// A place in the queue. One level of priority is worth one aging step of waiting, so the order of
// two requests never changes while they wait, and an old request of low priority is overtaken
// only by what came less than three steps after it.
struct Turn {
  Instant at{};             // smaller is sooner
  std::uint64_t order = 0;  // first come, first served among equals
  friend auto operator<=>(const Turn&, const Turn&) = default;
};

inline Turn turn_of(Instant asked, LoadPriority priority, std::uint64_t order, Duration step) {
  return {asked - static_cast<Duration::rep>(priority) * step, order};
}

// The slots that somebody waits for and that no load runs for, in order of their best request.
class RequestQueue {
 public:
  struct Entry {
    Turn turn;
    SlotId slot;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  void insert(const Entry& entry) { entries_.insert(entry); }
  void erase(const Entry& entry) { entries_.erase(entry); }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  auto after(const Entry& entry) const { return entries_.upper_bound(entry); }

 private:
  std::set<Entry> entries_;
};

}  // namespace roost::pool

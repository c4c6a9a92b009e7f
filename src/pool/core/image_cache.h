#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "base/clock.h"
#include "pool/core/slot_id.h"

namespace roost::pool {

// The images that are there and that no model holds, least recently used first, with the limits
// on them.
class ImageCache {
 public:
  ImageCache(std::uint64_t most_bytes, std::size_t most_entries)
      : most_bytes_(most_bytes), most_entries_(most_entries) {}

  struct Entry {
    Instant last_used;
    SlotId slot;
    std::uint64_t bytes;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  void insert(const Entry& entry) {
    entries_.insert(entry);
    bytes_ += entry.bytes;
  }
  void erase(const Entry& entry) {
    entries_.erase(entry);
    bytes_ -= entry.bytes;
  }
  bool over_limit() const { return entries_.size() > most_entries_ || bytes_ > most_bytes_; }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t most_bytes() const { return most_bytes_; }
  std::size_t most_entries() const { return most_entries_; }

 private:
  const std::uint64_t most_bytes_;
  const std::size_t most_entries_;
  std::set<Entry> entries_;
  std::uint64_t bytes_ = 0;
};

}  // namespace roost::pool

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "roost/event.h"

namespace roost::events {

using EventRef = std::shared_ptr<const Event>;

// References instead of the events themselves, so that a page is cheap to take under a lock.
struct RingPage {
  std::vector<EventRef> events;
  bool gap = false;
  std::uint64_t next = 0;  // the first sequence that is not in the page
};

// Keeps the newest `capacity` events of one epoch; the first has sequence 1. Not thread-safe.
class EventRing {
 public:
  EventRing(std::string epoch, std::size_t capacity);

  // Gives the event its id and keeps it. Returns the one that had to leave, if any.
  EventRef push(std::shared_ptr<Event> event);

  const std::string& epoch() const { return epoch_; }
  std::uint64_t oldest() const;                 // the first sequence still kept
  std::uint64_t next() const { return next_; }  // the sequence the next event will get

  // At most `max` events from `from` on; nullopt is the first of all. Where that is no longer kept
  // the page starts at the oldest kept, with a gap; so it does when this epoch has not reached
  // `from`, or it is of another.
  RingPage page(const std::optional<EventId>& from, std::size_t max) const;

  bool has_news(const EventId& from) const;  // page(from) would be non-empty or tell of a gap

 private:
  bool knows(const EventId& id) const;

  const std::string epoch_;
  std::vector<EventRef> slots_;  // sequence s is at s % capacity
  std::uint64_t next_ = 1;
};

}  // namespace roost::events

#pragma once

#include <span>

#include "events/event_ring.h"

namespace roost::events {

// Where events go that must outlive the process.
class EventJournal {
 public:
  virtual ~EventJournal() = default;

  // Called from one thread, in order, without a lock held. What it throws is logged and the batch
  // is lost to the journal; so are events that left the ring before the dispatcher came to them.
  virtual void append(std::span<const EventRef> batch) = 0;
};

}  // namespace roost::events

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "events/event_journal.h"
#include "roost/event.h"
#include "roost/log.h"

namespace roost::events {

inline constexpr std::size_t kDefaultRingCapacity = 4096;

struct EventHubOptions {
  std::string epoch = {};  // names this life of the hub; not empty
  std::size_t capacity = kDefaultRingCapacity;
  EventJournal* journal = nullptr;  // outlives the hub
};

// Numbers events, keeps the newest, and hands them to listeners in that order.
//
// The ring is the delivery queue too: publish() never waits, so a listener that falls behind by
// more than the ring makes the oldest undelivered events leave unseen. They are counted in
// dropped() and each such gap is logged as a warning. One thread delivers to all listeners, so a
// slow one delays the others; long work belongs elsewhere.
//
// Thread-safe. Listeners, journal and log are called without a lock held.
class EventHub {
 public:
  EventHub(EventHubOptions options, Clock& clock, LogSink log);
  ~EventHub();  // stop()
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  // `data` is an object, see docs/events.md. Returns the event's sequence.
  std::uint64_t publish(EventKind kind, std::string model, Value data = Value::Object());

  // Calls `listener` with every event published from now on. What it throws is logged. It may
  // publish, subscribe, and end any subscription, its own included; it must not stop the hub. A
  // stopped hub returns a subscription that is never called. Throws InvalidArgument when empty.
  [[nodiscard]] Subscription subscribe(EventListener listener);

  // At most `max` events from `from` on, oldest first; without `from`, from the oldest kept. When
  // events from there on are gone, or the id is not one of this epoch's, starts at the oldest
  // kept and says `gap`.
  EventPage read_from(const std::optional<EventId>& from, std::size_t max) const;

  // Waits until read_from(from) has something to tell. False when the deadline passed, `stop`
  // fired or the hub stopped first.
  bool wait_for(const EventId& from, Instant deadline, std::stop_token stop = {}) const;

  // Returns once everything published before has been delivered or dropped, or the hub stopped.
  // At once when called from a listener.
  void flush();

  // Lets the listener that is running end, delivers no more, journals what is pending. Events
  // published later are still kept for read_from. Idempotent.
  void stop();

  bool is_delivering() const;  // on this thread: it runs a listener

  const std::string& epoch() const;
  EventId next() const;           // the id the next event will get: read_from it for news only
  std::uint64_t dropped() const;  // events that left before they were delivered

 private:
  class Core;
  std::shared_ptr<Core> core_;  // subscriptions hold it weakly, so they may outlive the hub
};

}  // namespace roost::events

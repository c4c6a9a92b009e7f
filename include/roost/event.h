#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "roost/value.h"

namespace roost {

enum class EventKind : std::uint8_t {
  ModelRegistered,
  ModelUnregistered,
  DownloadStart,
  DownloadProgress,
  DownloadComplete,
  DownloadError,
  LoadStart,
  LoadStep,
  LoadComplete,
  LoadError,
  LoadCancelled,
  StateChange,
  Unload,
  Evict,
  Demote,
  Restore,
  LeaseRevoked,
  HealthChange,
  ConfigUpdate,
  Pressure,
  QueueChange,
  MemoryLost,
  Drift,
  ProviderFallback,
};
std::string_view to_string(EventKind kind);  // snake_case
std::optional<EventKind> parse_event_kind(std::string_view name);

// Where an event stands: sequences count up by one within an epoch (one life of a journal).
struct EventId {
  std::string epoch;
  std::uint64_t sequence = 0;
  friend bool operator==(const EventId&, const EventId&) = default;
};
std::string to_string(const EventId& id);  // "epoch-sequence"
std::optional<EventId> parse_event_id(std::string_view text);

struct Event {
  EventId id;
  EventKind kind = EventKind::StateChange;
  std::string model;  // empty when the event is about the machine
  std::chrono::system_clock::time_point at;
  Value data;  // an object; its keys are listed per kind in docs/events.md
};

// A stretch of the ring. `gap`: events between the asked-for place (without one: the first of all)
// and the first one here are no longer kept, or the id was of another epoch.
struct EventPage {
  std::vector<Event> events;
  bool gap = false;
  EventId next;  // pass it to read on
};

using EventListener = std::function<void(const Event&)>;

// Ends the subscription when destroyed. After reset() returns the listener is not running and
// will not be called again, unless reset() is called from the listener itself: then that call
// is the last. Safe to outlive what it subscribed to.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::function<void()> end) : end_(std::move(end)) {}
  Subscription(Subscription&& other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
  Subscription& operator=(Subscription&& other) noexcept {
    if (this != &other) {
      reset();
      end_ = std::exchange(other.end_, nullptr);
    }
    return *this;
  }
  ~Subscription() { reset(); }
  void reset() {
    if (auto end = std::exchange(end_, nullptr)) end();
  }

 private:
  std::function<void()> end_;
};

}  // namespace roost

#include "events/event_ring.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace roost::events {

EventRing::EventRing(std::string epoch, std::size_t capacity)
    : epoch_(std::move(epoch)), slots_(capacity) {
  ROOST_ASSERT(!epoch_.empty());
  ROOST_ASSERT(capacity > 0);
}

EventRef EventRing::push(std::shared_ptr<Event> event) {
  event->id = {epoch_, next_};
  EventRef& slot = slots_[next_ % slots_.size()];
  ++next_;
  return std::exchange(slot, std::move(event));
}

std::uint64_t EventRing::oldest() const {
  return next_ > slots_.size() ? next_ - slots_.size() : 1;
}

bool EventRing::knows(const EventId& id) const {
  return id.epoch == epoch_ && id.sequence <= next_;
}

RingPage EventRing::page(const std::optional<EventId>& from, std::size_t max) const {
  RingPage page;
  std::uint64_t start = oldest();
  if (from && !knows(*from)) {
    page.gap = true;
  } else {
    const std::uint64_t wanted = from ? std::max<std::uint64_t>(from->sequence, 1) : 1;
    page.gap = wanted < start;
    start = std::max(start, wanted);
  }
  const std::uint64_t count = std::min<std::uint64_t>(max, next_ - start);
  page.events.reserve(count);
  for (std::uint64_t s = start; s < start + count; ++s) {
    page.events.push_back(slots_[s % slots_.size()]);
  }
  page.next = start + count;
  return page;
}

bool EventRing::has_news(const EventId& from) const {
  return !knows(from) || std::max<std::uint64_t>(from.sequence, 1) < next_;
}

}  // namespace roost::events

#include "events/event_hub.h"

#include <condition_variable>
#include <exception>
#include <map>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "roost/ids.h"
#include "base/mutex.h"
#include "base/thread_pool.h"
#include "roost/error.h"

namespace roost::events {
namespace {

constexpr std::size_t kBatch = 256;  // events the dispatcher takes at once

struct Listener {
  std::uint64_t id = 0;
  std::uint64_t first = 0;  // the first sequence it is called with
  EventListener call;
};

std::string reason_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return printable(e.what());
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

}  // namespace

class EventHub::Core {
 public:
  Core(EventHubOptions options, Clock& clock, LogSink log)
      : clock_(clock),
        log_(std::move(log)),
        journal_(options.journal),
        epoch_(std::move(options.epoch)),
        ring_(epoch_, options.capacity) {}

  std::uint64_t publish(EventKind kind, std::string model, Value data);
  std::uint64_t add(EventListener listener);
  void remove(std::uint64_t id);
  EventPage read_from(const std::optional<EventId>& from, std::size_t max) const;
  bool wait_for(const EventId& from, Instant deadline, std::stop_token stop) const;
  void flush();
  void stop();
  bool is_delivering() const {
    MutexLock lock(mutex_);
    return std::this_thread::get_id() == dispatcher_id_;
  }
  const std::string& epoch() const { return epoch_; }
  EventId next() const;
  std::uint64_t dropped() const;

 private:
  using Listeners = std::map<std::uint64_t, std::shared_ptr<const Listener>>;  // by age

  void start_dispatcher() ROOST_REQUIRES(mutex_);
  void dispatch();
  std::vector<EventRef> take_batch();
  void journal(const std::vector<EventRef>& batch);
  void deliver(const Event& event);
  std::shared_ptr<const Listener> begin_call(std::uint64_t after, std::uint64_t sequence);
  void end_call();
  void warn(const std::string& text) const {
    if (log_) log_(LogLevel::Warning, text);
  }

  Clock& clock_;
  const LogSink log_;
  EventJournal* const journal_;
  const std::string epoch_;

  mutable std::condition_variable_any published_;  // the dispatcher and wait_for
  std::condition_variable_any progressed_;         // flush and remove

  mutable Mutex mutex_;
  EventRing ring_ ROOST_GUARDED_BY(mutex_);
  Listeners listeners_ ROOST_GUARDED_BY(mutex_);
  std::uint64_t next_listener_ ROOST_GUARDED_BY(mutex_) = 1;
  std::uint64_t running_ ROOST_GUARDED_BY(mutex_) = 0;    // the listener being called, 0 none
  std::uint64_t taken_ ROOST_GUARDED_BY(mutex_) = 1;      // sequences below: in the dispatcher
  std::uint64_t delivered_ ROOST_GUARDED_BY(mutex_) = 1;  // sequences below: done with
  std::uint64_t dropped_ ROOST_GUARDED_BY(mutex_) = 0;
  bool started_ ROOST_GUARDED_BY(mutex_) = false;
  bool stopping_ ROOST_GUARDED_BY(mutex_) = false;
  std::jthread dispatcher_ ROOST_GUARDED_BY(mutex_);
  std::thread::id dispatcher_id_ ROOST_GUARDED_BY(mutex_);
};

std::uint64_t EventHub::Core::publish(EventKind kind, std::string model, Value data) {
  ROOST_ASSERT(data.is_object());
  auto event = std::make_shared<Event>();
  event->kind = kind;
  event->model = std::move(model);
  event->at = clock_.wall();
  event->data = std::move(data);
  EventRef left;  // destroyed after the lock is given back
  std::uint64_t sequence = 0;
  {
    MutexLock lock(mutex_);
    sequence = ring_.next();
    left = ring_.push(std::move(event));
    if (journal_ != nullptr && !started_ && !stopping_) start_dispatcher();
  }
  published_.notify_all();
  return sequence;
}

std::uint64_t EventHub::Core::add(EventListener listener) {
  auto added = std::make_shared<Listener>();
  added->call = std::move(listener);
  MutexLock lock(mutex_);
  if (stopping_) return 0;
  if (!started_) {
    taken_ = delivered_ = ring_.next();
    start_dispatcher();
  }
  added->id = next_listener_++;
  added->first = ring_.next();
  listeners_.emplace(added->id, added);
  return added->id;
}

void EventHub::Core::remove(std::uint64_t id) {
  std::shared_ptr<const Listener> removed;  // destroyed after the lock is given back
  MutexLock lock(mutex_);
  const auto it = listeners_.find(id);
  if (it != listeners_.end()) {
    removed = std::move(it->second);
    listeners_.erase(it);
  }
  if (std::this_thread::get_id() == dispatcher_id_) return;
  progressed_.wait(mutex_, [&]() ROOST_REQUIRES(mutex_) { return running_ != id; });
}

EventPage EventHub::Core::read_from(const std::optional<EventId>& from, std::size_t max) const {
  RingPage found;
  EventPage page;
  {
    MutexLock lock(mutex_);
    found = ring_.page(from, max);
    page.next = {epoch_, found.next};
  }
  page.gap = found.gap;
  page.events.reserve(found.events.size());
  for (const EventRef& event : found.events) page.events.push_back(*event);
  return page;
}

bool EventHub::Core::wait_for(const EventId& from, Instant deadline, std::stop_token stop) const {
  MutexLock lock(mutex_);
  clock_.wait_until(published_, mutex_, std::move(stop), deadline,
                    [&]() ROOST_REQUIRES(mutex_) { return stopping_ || ring_.has_news(from); });
  return ring_.has_news(from);
}

void EventHub::Core::flush() {
  MutexLock lock(mutex_);
  if (!started_ || std::this_thread::get_id() == dispatcher_id_) return;
  const std::uint64_t target = ring_.next();
  progressed_.wait(mutex_,
                   [&]() ROOST_REQUIRES(mutex_) { return stopping_ || delivered_ >= target; });
}

void EventHub::Core::stop() {
  std::jthread dispatcher;
  Listeners listeners;  // destroyed last, without the lock
  {
    MutexLock lock(mutex_);
    ROOST_ASSERT(std::this_thread::get_id() != dispatcher_id_);
    stopping_ = true;
    dispatcher.swap(dispatcher_);
  }
  published_.notify_all();
  progressed_.notify_all();
  if (dispatcher.joinable()) dispatcher.join();
  MutexLock lock(mutex_);
  dispatcher_id_ = {};  // the system may give it to another thread now
  listeners.swap(listeners_);
}

EventId EventHub::Core::next() const {
  MutexLock lock(mutex_);
  return {epoch_, ring_.next()};
}

std::uint64_t EventHub::Core::dropped() const {
  MutexLock lock(mutex_);
  return dropped_;
}

void EventHub::Core::start_dispatcher() {
  dispatcher_ = std::jthread([this] {
    set_up_thread("roost-events", ThreadPriority::Normal);
    dispatch();
  });
  started_ = true;  // not before the system gave the thread
  dispatcher_id_ = dispatcher_.get_id();
}

void EventHub::Core::dispatch() {
  for (;;) {
    const std::vector<EventRef> batch = take_batch();
    if (batch.empty()) return;
    journal(batch);
    for (const EventRef& event : batch) deliver(*event);
  }
}

// What is next to deliver; empty when the hub stops and the journal, if any, has everything.
std::vector<EventRef> EventHub::Core::take_batch() {
  std::uint64_t lost = 0;
  RingPage page;
  {
    MutexLock lock(mutex_);
    published_.wait(mutex_,
                    [this]() ROOST_REQUIRES(mutex_) { return stopping_ || taken_ < ring_.next(); });
    if (stopping_ && journal_ == nullptr) return {};
    if (taken_ < ring_.oldest()) {
      lost = ring_.oldest() - taken_;
      dropped_ += lost;
      taken_ = ring_.oldest();
    }
    page = ring_.page(EventId{epoch_, taken_}, kBatch);
    taken_ = page.next;
  }
  if (lost != 0) {
    warn("events: " + std::to_string(lost) +
         " events were dropped before delivery, because a listener is slower than what is "
         "published; let it hand long work to a thread of its own");
  }
  return std::move(page.events);
}

void EventHub::Core::journal(const std::vector<EventRef>& batch) {
  if (journal_ == nullptr) return;
  try {
    journal_->append(batch);
  } catch (...) {
    warn("events: " + std::to_string(batch.size()) + " events from " + to_string(batch[0]->id) +
         " on were not journalled: " + reason_of(std::current_exception()));
  }
}

void EventHub::Core::deliver(const Event& event) {
  std::uint64_t last = 0;
  while (auto listener = begin_call(last, event.id.sequence)) {
    last = listener->id;
    try {
      listener->call(event);
    } catch (...) {
      warn("events: a listener threw at " + std::string(to_string(event.kind)) + " " +
           to_string(event.id) + ": " + reason_of(std::current_exception()));
    }
    listener.reset();  // so that what it captured is gone when the end of its subscription returns
    end_call();
  }
}

// The next listener after `after` that takes this event, marked as running. Null marks the event
// as delivered.
std::shared_ptr<const Listener> EventHub::Core::begin_call(std::uint64_t after,
                                                           std::uint64_t sequence) {
  MutexLock lock(mutex_);
  if (!stopping_) {
    for (auto it = listeners_.upper_bound(after); it != listeners_.end(); ++it) {
      if (it->second->first > sequence) continue;
      running_ = it->first;
      return it->second;
    }
  }
  delivered_ = sequence + 1;
  progressed_.notify_all();
  return nullptr;
}

void EventHub::Core::end_call() {
  MutexLock lock(mutex_);
  running_ = 0;
  progressed_.notify_all();
}

EventHub::EventHub(EventHubOptions options, Clock& clock, LogSink log)
    : core_(std::make_shared<Core>(std::move(options), clock, std::move(log))) {}

EventHub::~EventHub() {
  stop();
}

std::uint64_t EventHub::publish(EventKind kind, std::string model, Value data) {
  return core_->publish(kind, std::move(model), std::move(data));
}

Subscription EventHub::subscribe(EventListener listener) {
  if (!listener) throw RoostError(ErrorCode::InvalidArgument, "the event listener is empty");
  const std::uint64_t id = core_->add(std::move(listener));
  if (id == 0) return {};
  return Subscription([weak = std::weak_ptr<Core>(core_), id] {
    if (const auto core = weak.lock()) core->remove(id);
  });
}

EventPage EventHub::read_from(const std::optional<EventId>& from, std::size_t max) const {
  return core_->read_from(from, max);
}

bool EventHub::wait_for(const EventId& from, Instant deadline, std::stop_token stop) const {
  const auto core =
      core_;  // so that a hub that ends meanwhile leaves the waiter something to wake on
  return core->wait_for(from, deadline, std::move(stop));
}

void EventHub::flush() {
  core_->flush();
}
void EventHub::stop() {
  core_->stop();
}
bool EventHub::is_delivering() const {
  return core_->is_delivering();
}
const std::string& EventHub::epoch() const {
  return core_->epoch();
}
EventId EventHub::next() const {
  return core_->next();
}
std::uint64_t EventHub::dropped() const {
  return core_->dropped();
}

}  // namespace roost::events

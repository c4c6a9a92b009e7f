#include "events/event_hub.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "base/mutex.h"
#include "roost/error.h"
#include "support/manual_clock.h"

namespace roost::events {
namespace {

using Sequences = std::vector<std::uint64_t>;

// Warnings the hub wrote, from whichever thread.
class Log {
 public:
  LogSink sink() {
    return [this](LogLevel level, std::string_view text) {
      EXPECT_EQ(level, LogLevel::Warning);
      MutexLock lock(mutex_);
      lines_.emplace_back(text);
    };
  }
  std::vector<std::string> lines() const {
    MutexLock lock(mutex_);
    return lines_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::string> lines_ ROOST_GUARDED_BY(mutex_);
};

class MemoryJournal final : public EventJournal {
 public:
  void append(std::span<const EventRef> batch) override {
    for (const EventRef& event : batch) written.push_back(event->id.sequence);
    if (fail_next) {
      fail_next = false;
      throw RoostError(ErrorCode::IoError, "disk full");
    }
  }
  Sequences written;  // read after stop() only
  bool fail_next = false;
};

class EventHubTest : public testing::Test {
 protected:
  EventHubOptions options(std::size_t capacity = 64, EventJournal* journal = nullptr) {
    return {.epoch = "e", .capacity = capacity, .journal = journal};
  }

  // Holds the dispatcher inside a listener until release() is called.
  struct Block {
    std::promise<void> entered, released;
    Subscription subscription;
    void release() { released.set_value(); }
  };
  std::unique_ptr<Block> block_dispatcher(EventHub& hub) {
    auto block = std::make_unique<Block>();
    block->subscription = hub.subscribe([b = block.get(), first = true](const Event&) mutable {
      if (!std::exchange(first, false)) return;
      b->entered.set_value();
      b->released.get_future().wait();
    });
    hub.publish(EventKind::StateChange, "blocker");
    block->entered.get_future().wait();
    return block;
  }

  test::ManualClock clock_;
  Log log_;
};

TEST_F(EventHubTest, DeliversEverythingInOrderWithItsContents) {
  EventHub hub(options(), clock_, log_.sink());
  std::vector<Event> seen;
  const Subscription subscription = hub.subscribe([&](const Event& e) { seen.push_back(e); });
  Value data;
  data["from"] = "idle";
  EXPECT_EQ(hub.publish(EventKind::StateChange, "m", data), 1u);
  EXPECT_EQ(hub.publish(EventKind::Unload, "m"), 2u);
  hub.flush();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].id, (EventId{"e", 1}));
  EXPECT_EQ(seen[0].kind, EventKind::StateChange);
  EXPECT_EQ(seen[0].model, "m");
  EXPECT_EQ(seen[0].data, data);
  EXPECT_EQ(seen[0].at, clock_.wall());
  EXPECT_EQ(seen[1].kind, EventKind::Unload);
  EXPECT_TRUE(seen[1].data.is_object());
}

TEST_F(EventHubTest, AListenerHearsOnlyWhatComesAfterIt) {
  EventHub hub(options(), clock_, log_.sink());
  Sequences early, late;
  hub.publish(EventKind::Drift, "");
  const Subscription one = hub.subscribe([&](const Event& e) { early.push_back(e.id.sequence); });
  hub.publish(EventKind::Drift, "");
  const Subscription two = hub.subscribe([&](const Event& e) { late.push_back(e.id.sequence); });
  hub.publish(EventKind::Drift, "");
  hub.flush();
  EXPECT_EQ(early, (Sequences{2, 3}));
  EXPECT_EQ(late, (Sequences{3}));
  EXPECT_EQ(hub.read_from(std::nullopt, 10).events.size(), 3u);
}

TEST_F(EventHubTest, AThrowingListenerIsLoggedAndHarmsNobody) {
  EventHub hub(options(), clock_, log_.sink());
  Sequences seen;
  const Subscription bad = hub.subscribe([](const Event& e) {
    if (e.id.sequence == 1) throw std::runtime_error("listener\nbroke");
    throw 7;
  });
  const Subscription good = hub.subscribe([&](const Event& e) { seen.push_back(e.id.sequence); });
  hub.publish(EventKind::LoadStart, "m");
  hub.publish(EventKind::LoadComplete, "m");
  hub.flush();
  EXPECT_EQ(seen, (Sequences{1, 2}));
  const std::vector<std::string> lines = log_.lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "events: a listener threw at load_start e-1: listener\\x0abroke");
  EXPECT_NE(lines[1].find("not a std::exception"), std::string::npos);
}

TEST_F(EventHubTest, AListenerMayEndItsOwnSubscriptionAndOthers) {
  EventHub hub(options(), clock_, log_.sink());
  Sequences once, victim_seen;
  Subscription victim;
  Subscription self;
  self = hub.subscribe([&](const Event& e) {
    once.push_back(e.id.sequence);
    self.reset();
    victim.reset();
  });
  victim = hub.subscribe([&](const Event& e) { victim_seen.push_back(e.id.sequence); });
  hub.publish(EventKind::Drift, "");
  hub.publish(EventKind::Drift, "");
  hub.flush();
  EXPECT_EQ(once, (Sequences{1}));
  EXPECT_TRUE(victim_seen.empty());
}

TEST_F(EventHubTest, AListenerMayPublishSubscribeAndFlush) {
  EventHub hub(options(), clock_, log_.sink());
  Sequences outer, inner;
  Subscription added;
  const Subscription subscription = hub.subscribe([&](const Event& e) {
    outer.push_back(e.id.sequence);
    if (e.id.sequence != 1) return;
    added = hub.subscribe([&](const Event& f) { inner.push_back(f.id.sequence); });
    hub.publish(EventKind::Drift, "");
    hub.flush();  // returns at once: this thread is the one that delivers
  });
  hub.publish(EventKind::Drift, "");
  hub.flush();  // waits for event 1 only; its listener has published event 2 by then
  hub.flush();
  EXPECT_EQ(outer, (Sequences{1, 2}));
  EXPECT_EQ(inner, (Sequences{2}));
}

TEST_F(EventHubTest, ResetWaitsForTheListenerThatRuns) {
  EventHub hub(options(), clock_, log_.sink());
  const auto alive = std::make_shared<int>(1);
  std::promise<void> entered, go_on;
  std::atomic<bool> ended = false;
  Subscription subscription = hub.subscribe([&, alive](const Event&) {
    entered.set_value();
    go_on.get_future().wait();
    ended = true;
  });
  hub.publish(EventKind::Drift, "");
  entered.get_future().wait();
  std::latch resetting(1);
  std::jthread resetter([&] {
    resetting.count_down();
    subscription.reset();
    EXPECT_TRUE(ended);
    EXPECT_EQ(alive.use_count(), 1);  // nothing of the listener is left either
  });
  resetting.wait();
  go_on.set_value();
  resetter.join();
  hub.publish(EventKind::Drift, "");
  hub.flush();
}

TEST_F(EventHubTest, ASubscriptionMayOutliveTheHub) {
  const auto alive = std::make_shared<int>(1);
  Subscription subscription;
  {
    EventHub hub(options(), clock_, log_.sink());
    subscription = hub.subscribe([alive](const Event&) {});
    hub.publish(EventKind::Drift, "");
  }
  EXPECT_EQ(alive.use_count(), 1);  // listeners go with the hub
  subscription.reset();
}

TEST_F(EventHubTest, ASlowListenerMissesTheOldestAndIsToldInTheLog) {
  EventHub hub(options(4), clock_, log_.sink());
  Sequences seen;
  const auto block = block_dispatcher(hub);  // inside event 1
  const Subscription slow = hub.subscribe([&](const Event& e) { seen.push_back(e.id.sequence); });
  for (int i = 0; i < 10; ++i) hub.publish(EventKind::Drift, "");  // 2..11, 8..11 are kept
  block->release();
  hub.flush();
  EXPECT_EQ(seen, (Sequences{8, 9, 10, 11}));
  EXPECT_EQ(hub.dropped(), 6u);
  const std::vector<std::string> lines = log_.lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("6 events were dropped"), std::string::npos);
}

TEST_F(EventHubTest, PublishingDoesNotWaitForListeners) {
  EventHub hub(options(), clock_, log_.sink());
  const auto block = block_dispatcher(hub);
  EXPECT_EQ(hub.publish(EventKind::Drift, ""), 2u);  // would hang here otherwise
  EXPECT_EQ(hub.read_from(EventId{"e", 2}, 1).events.size(), 1u);
  block->release();
}

TEST_F(EventHubTest, StopLetsTheRunningListenerEndAndDeliversNoMore) {
  EventHub hub(options(), clock_, log_.sink());
  std::atomic<int> calls = 0;
  std::promise<void> entered, go_on;
  const Subscription subscription = hub.subscribe([&](const Event&) {
    if (calls++ != 0) return;
    entered.set_value();
    go_on.get_future().wait();
  });
  hub.publish(EventKind::Drift, "");
  hub.publish(EventKind::Drift, "");
  entered.get_future().wait();
  std::jthread stopper([&] { hub.stop(); });
  // The second event is undelivered, so this returns only because the hub stops.
  hub.flush();
  go_on.set_value();
  stopper.join();
  EXPECT_EQ(calls, 1);
  hub.stop();
  EXPECT_EQ(hub.publish(EventKind::Drift, ""), 3u);
  EXPECT_EQ(hub.read_from(std::nullopt, 10).events.size(), 3u);
  const Subscription never = hub.subscribe([&](const Event&) { ++calls; });
  hub.flush();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventHubTest, EmptyListenerIsRefused) {
  EventHub hub(options(), clock_, log_.sink());
  EXPECT_THROW((void)hub.subscribe({}), RoostError);
}

TEST_F(EventHubTest, ReadsPageByPage) {
  EventHub hub(options(), clock_, log_.sink());
  for (int i = 0; i < 5; ++i) hub.publish(EventKind::Drift, std::to_string(i));
  std::optional<EventId> from;
  std::string models;
  for (;;) {
    const EventPage page = hub.read_from(from, 2);
    EXPECT_FALSE(page.gap);
    if (page.events.empty()) break;
    for (const Event& event : page.events) models += event.model;
    from = page.next;
  }
  EXPECT_EQ(models, "01234");
  EXPECT_EQ(from, hub.next());
}

TEST_F(EventHubTest, WaitsForNews) {
  EventHub hub(options(), clock_, log_.sink());
  const EventId next = hub.next();
  EXPECT_FALSE(hub.wait_for(next, clock_.now()));
  EXPECT_TRUE(hub.wait_for({"other", 1}, clock_.now()));  // there is a gap to tell of

  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(hub.wait_for(next, Instant::max(), stop.get_token()));

  std::future<bool> told =
      std::async(std::launch::async, [&] { return hub.wait_for(next, Instant::max()); });
  hub.publish(EventKind::Drift, "");
  EXPECT_TRUE(told.get());

  const EventId later = hub.next();
  const Instant deadline = clock_.now() + std::chrono::seconds(5);
  std::future<bool> late =
      std::async(std::launch::async, [&] { return hub.wait_for(later, deadline); });
  clock_.advance(std::chrono::seconds(5));
  EXPECT_FALSE(late.get());

  std::future<bool> stopped =
      std::async(std::launch::async, [&] { return hub.wait_for(later, Instant::max()); });
  hub.stop();
  EXPECT_FALSE(stopped.get());
}

TEST_F(EventHubTest, TheJournalGetsEverythingOnceAndSurvivesItsFailures) {
  MemoryJournal journal;
  journal.fail_next = true;
  EventHub hub(options(64, &journal), clock_, log_.sink());
  hub.publish(EventKind::Drift, "");  // no subscription is needed
  hub.flush();
  for (int i = 0; i < 9; ++i) hub.publish(EventKind::Drift, "");
  hub.stop();
  EXPECT_EQ(journal.written, (Sequences{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  const std::vector<std::string> lines = log_.lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("from e-1 on were not journalled: disk full"), std::string::npos);
}

// Publishers, subscribers that come and go, readers and a waiter, all at once: each listener
// sees strictly rising sequences and nothing after its subscription ended.
TEST_F(EventHubTest, ManyThreads) {
  constexpr int kPublishers = 4;
  constexpr int kEvents = 500;
  EventHub hub(options(kPublishers * kEvents + 1), clock_, log_.sink());
  std::uint64_t heard = 0, last = 0;
  const Subscription steady = hub.subscribe([&](const Event& e) {
    EXPECT_EQ(e.id.sequence, ++last);
    ++heard;
  });
  {
    std::vector<std::jthread> threads;
    for (int p = 0; p < kPublishers; ++p) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEvents; ++i) hub.publish(EventKind::StateChange, "m");
      });
    }
    for (int s = 0; s < 2; ++s) {
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) {
          auto ended = std::make_shared<std::atomic<bool>>(false);
          std::uint64_t before = 0;
          Subscription passing = hub.subscribe([&before, ended](const Event& e) {
            EXPECT_FALSE(*ended);
            EXPECT_GT(e.id.sequence, before);
            before = e.id.sequence;
          });
          passing.reset();
          *ended = true;
        }
      });
    }
    threads.emplace_back([&] {
      EventId from{"e", 1};
      std::uint64_t count = 0;
      while (count < kPublishers * kEvents) {
        ASSERT_TRUE(hub.wait_for(from, Instant::max()));
        const EventPage page = hub.read_from(from, 100);
        EXPECT_FALSE(page.gap);
        count += page.events.size();
        from = page.next;
      }
    });
  }
  hub.flush();
  EXPECT_EQ(heard, static_cast<std::uint64_t>(kPublishers * kEvents));
  EXPECT_EQ(hub.dropped(), 0u);
}

}  // namespace
}  // namespace roost::events

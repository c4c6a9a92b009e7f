#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"

namespace roost::test {

// A clock that moves only when told to. Waiters look at it every fifth of a millisecond of real
// time, so advance() needs no list of them.
class ManualClock final : public Clock {
 public:
  Instant now() const override { return Instant(Duration(ticks_.load())); }
  WallTime wall() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(Duration(ticks_.load())));
  }
  void advance(Duration by) { ticks_ += by.count(); }

  bool wait_until(std::condition_variable_any& wake, Mutex& mutex, std::stop_token stop,
                  Instant deadline, const std::function<bool()>& done) override {
    while (!done() && !stop.stop_requested() && now() < deadline) {
      wake.wait_for(mutex, stop, std::chrono::microseconds(200), done);
    }
    return done();
  }

 private:
  std::atomic<Duration::rep> ticks_{std::chrono::duration_cast<Duration>(std::chrono::hours(1)).count()};
};

}  // namespace roost::test

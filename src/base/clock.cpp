#include "base/clock.h"

#include <time.h>

namespace roost {
namespace {

class SystemClock final : public Clock {
 public:
  Instant now() const override { return std::chrono::steady_clock::now(); }

  Instant coarse_now() const override {
    timespec ts{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return Instant(std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec));
  }

  WallTime wall() const override { return std::chrono::system_clock::now(); }

  bool wait_until(std::condition_variable_any& wake, Mutex& mutex, std::stop_token stop,
                  Instant deadline, const std::function<bool()>& done) override {
    if (deadline == Instant::max()) return wake.wait(mutex, std::move(stop), done);
    return wake.wait_until(mutex, std::move(stop), deadline, done);
  }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;  // stateless
  return clock;
}

}  // namespace roost

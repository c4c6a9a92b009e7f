#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <stop_token>

#include "base/mutex.h"

namespace roost {

using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;
using WallTime = std::chrono::system_clock::time_point;

// The only source of time in the library; tests inject one they move by hand. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual Instant coarse_now() const { return now(); }  // cheaper; may lag by some milliseconds
  virtual WallTime wall() const = 0;                    // for display only

  // Waits on `wake` until `done()`, a stop request, or this clock reaches `deadline`; the mutex
  // is held on entry, while done() runs, and on return. Returns done().
  virtual bool wait_until(std::condition_variable_any& wake, Mutex& mutex, std::stop_token stop,
                          Instant deadline, const std::function<bool()>& done)
      ROOST_REQUIRES(mutex) = 0;
};

Clock& system_clock();

}  // namespace roost

#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace roost::pool {

// What one loaded copy counts: leases (rights to use it) and calls (uses that run now), in one
// 64-bit word, so that taking a lease is one compare-and-swap and shares nothing between models.
//
//   63 closed   no new lease          61 watched   someone wants to hear of the last return
//   62 revoked  no new call either    59..30 leases                     29..0 calls
//
// Thread-safe and lock-free. 2^30 leases are out of anyone's reach.
class alignas(64) LeaseGate {
 public:
  struct Counts {
    bool closed, revoked, watched;
    std::uint32_t leases, calls;
    bool unused() const { return leases == 0 && calls == 0; }
  };

  // False once closed.
  bool try_lease() {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    do {
      if ((word & kClosed) != 0) return false;
    } while (!word_.compare_exchange_weak(word, word + kOneLease, std::memory_order_acquire,
                                          std::memory_order_relaxed));
    return true;
  }
  // The counts just after this return; the caller acts on `watched`.
  Counts end_lease() { return unpack(word_.fetch_sub(kOneLease, std::memory_order_acq_rel) - kOneLease); }

  // False once revoked. The caller holds a lease.
  bool try_call() {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    do {
      if ((word & kRevoked) != 0) return false;
    } while (!word_.compare_exchange_weak(word, word + kOneCall, std::memory_order_acquire,
                                          std::memory_order_relaxed));
    return true;
  }
  Counts end_call() { return unpack(word_.fetch_sub(kOneCall, std::memory_order_acq_rel) - kOneCall); }

  // Closes and revokes at once, only when nobody holds a lease or calls: the last step before
  // every unload but a forced one. False: in use, or revoked already. Since it revokes too, a
  // call that races with the return of its own lease is refused rather than run on freed memory.
  bool seal_if_unused() {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    do {
      if ((word & kRevoked) != 0 || !unpack(word).unused()) return false;
    } while (!word_.compare_exchange_weak(word, word | kClosed | kRevoked,
                                          std::memory_order_acq_rel, std::memory_order_relaxed));
    return true;
  }
  // Closes, as a drain does, but only when nobody holds a lease; calls may still run.
  bool close_if_unleased() {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    do {
      if ((word & kClosed) != 0 || unpack(word).leases != 0) return false;
    } while (!word_.compare_exchange_weak(word, word | kClosed, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    return true;
  }
  // Each returns the counts just after. close: drain. revoke: close, and refuse calls on leases.
  Counts close() { return set(kClosed); }
  Counts revoke() { return set(kClosed | kRevoked); }
  Counts watch() { return set(kWatched); }
  // After close() or seal_if_unused() that came to nothing; never after revoke(), whose leases
  // would come to life again. A watch stays: at worst it tells of one return too many.
  void reopen() { word_.fetch_and(~(kClosed | kRevoked), std::memory_order_acq_rel); }
  void unwatch() { word_.fetch_and(~kWatched, std::memory_order_acq_rel); }

  Counts counts() const { return unpack(word_.load(std::memory_order_acquire)); }

  // A use begins.
  void touch(Instant now) {
    idle_from(now);
    uses_.fetch_add(1, std::memory_order_relaxed);
  }
  // The last lease came home: idle time counts from here.
  void idle_from(Instant now) {
    last_used_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  Instant last_used() const {
    return Instant(Duration(last_used_.load(std::memory_order_relaxed)));
  }
  std::uint64_t uses() const { return uses_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t kOneCall = 1;
  static constexpr std::uint64_t kOneLease = std::uint64_t{1} << 30;
  static constexpr std::uint64_t kCountMask = kOneLease - 1;
  static constexpr std::uint64_t kWatched = std::uint64_t{1} << 61;
  static constexpr std::uint64_t kRevoked = std::uint64_t{1} << 62;
  static constexpr std::uint64_t kClosed = std::uint64_t{1} << 63;

  static Counts unpack(std::uint64_t word) {
    return {(word & kClosed) != 0,
            (word & kRevoked) != 0,
            (word & kWatched) != 0,
            static_cast<std::uint32_t>((word / kOneLease) & kCountMask),
            static_cast<std::uint32_t>(word & kCountMask)};
  }
  Counts set(std::uint64_t bits) {
    return unpack(word_.fetch_or(bits, std::memory_order_acq_rel) | bits);
  }

  std::atomic<std::uint64_t> word_{0};
  std::atomic<Duration::rep> last_used_{0};
  std::atomic<std::uint64_t> uses_{0};
};

}  // namespace roost::pool

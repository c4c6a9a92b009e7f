#pragma once

#include <cstdint>
#include <limits>

#include "base/clock.h"

namespace roost::pool {

// How often something was used lately: every use counts 1 and halves with each half-life.
//
// Kept as forward decay: instead of the old uses fading, new ones weigh more, 2^(time/half-life)
// measured from the clock's origin, in logarithms so that nothing overflows. All weights fade
// alike, so two of them compare as they are, whatever the time.
class UseRate {
 public:
  // Counts `uses` that lie between the previous call and `last`, taken as evenly spread.
  void add(std::uint64_t uses, Instant last, Duration half_life);
  // Nothing happened up to here: uses told of later lie after it.
  void start(Instant at) { from_ = at; }
  double log2_weight() const { return log2_weight_; }

 private:
  double log2_weight_ = -std::numeric_limits<double>::infinity();
  Instant from_{};
};

// What keeping something is worth per byte that evicting it would free: seconds to reload x use
// rate / bytes, as a logarithm. The smallest goes first.
double log2_worth(double load_seconds, double log2_use_weight, std::uint64_t frees);

}  // namespace roost::pool

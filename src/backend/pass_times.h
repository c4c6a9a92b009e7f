#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace roost::backend {

// How long passes took, in buckets a quarter of an octave wide, from a microsecond to a minute.
class PassTimes {
 public:
  void add(Duration took) {
    ++buckets_[bucket_of(took)];
    ++count_;
  }

  std::uint64_t count() const { return count_; }

  // A time that the share `p` (0..1) of the passes did not exceed, at most a quarter too large;
  // zero when there was no pass.
  Duration percentile(double p) const {
    const auto rank = static_cast<std::uint64_t>(std::ceil(p * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets && count_ != 0; ++i) {
      seen += buckets_[i];
      if (seen >= std::max<std::uint64_t>(rank, 1)) return upper_end(i);
    }
    return Duration::zero();
  }

 private:
  static constexpr std::size_t kBuckets = 104;

  // Microseconds 4 * 2^k .. : the octave, then the two bits below the leading one.
  static std::size_t bucket_of(Duration took) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0)) + 4;
    const auto octave = static_cast<std::size_t>(std::bit_width(value)) - 3;
    return std::min(octave * 4 + (value >> octave) - 4, kBuckets - 1);
  }
  static Duration upper_end(std::size_t bucket) {
    const std::uint64_t end = (bucket % 4 + 5) << (bucket / 4);
    return std::chrono::microseconds(end - 4);
  }

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace roost::backend

#include "pool/core/policy.h"

#include <algorithm>
#include <cmath>

namespace roost::pool {
namespace {

constexpr float kLn2 = 0.693147181F;
constexpr double kLeastSeconds = 1e-6;  // a reload that measured nothing still costs something

double half_lives(Duration d, Duration half_life) {
  return static_cast<double>(d.count()) / static_cast<double>(half_life.count());
}

// log2(2^a + 2^b). Positions need a double's range, differences no more than a float's digits.
double log2_sum(double a, double b) {
  const double high = std::max(a, b);
  if (std::isinf(high)) return high;
  return high + std::log2(1 + std::exp2(static_cast<float>(std::min(a, b) - high)));
}

}  // namespace

void UseRate::add(std::uint64_t uses, Instant last, Duration half_life) {
  if (uses == 0) return;
  const auto span =
      static_cast<float>(half_lives(std::max(last - from_, Duration::zero()), half_life));
  // The mean of 2^x over the last `span` half-lives, next to what it is at their end.
  const float mean = span < 1e-4F ? 1 : (1 - std::exp2(-span)) / (span * kLn2);
  const double added =
      half_lives(last.time_since_epoch(), half_life) + std::log2(static_cast<float>(uses) * mean);
  log2_weight_ = log2_sum(log2_weight_, added);
  from_ = std::max(from_, last);
}

double log2_worth(double load_seconds, double log2_use_weight, std::uint64_t frees) {
  const double per_byte = std::max(load_seconds, kLeastSeconds) /
                          static_cast<double>(std::max<std::uint64_t>(frees, 1));
  return log2_use_weight + std::log2(static_cast<float>(per_byte));
}

}  // namespace roost::pool

#include "backend/pass_limits.h"

#include <algorithm>

namespace roost::backend {
namespace {

constexpr std::uint64_t kFewestTokens = 64;
constexpr std::uint64_t kMostTokens = 1 << 20;
constexpr unsigned kSuccessesToGrow = 10;

}  // namespace

void PassLimits::passed(std::uint64_t tokens, Duration took) {
  if (took <= Duration::zero() || (took <= options_.pass_target && tokens < tokens_ / 2)) return;
  const double ratio =
      static_cast<double>(options_.pass_target.count()) / static_cast<double>(took.count());
  const double fitting = std::min(static_cast<double>(tokens) * ratio, 1e12);
  tokens_ = std::clamp(static_cast<std::uint64_t>(fitting), tokens_ / 2, tokens_ * 2);
  tokens_ = std::clamp(tokens_, kFewestTokens, kMostTokens);
}

void PassLimits::succeeded() {
  if (sequences_ >= options_.max_sequences || ++successes_ < kSuccessesToGrow) return;
  sequences_ = std::min(sequences_ * 2, options_.max_sequences);
  successes_ = 0;
}

bool PassLimits::shrink(std::size_t sequences) {
  if (!options_.adapt_to_memory || sequences <= 1) return false;
  sequences_ = sequences / 2;
  successes_ = 0;
  return true;
}

}  // namespace roost::backend

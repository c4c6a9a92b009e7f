#include "nets/distance_bias.h"

#include <algorithm>
#include <cmath>

namespace roost::nets {
namespace {

constexpr float kFarthest = 128;  // where the last bucket begins at the latest

}  // namespace

std::size_t bucket_of(std::ptrdiff_t key_minus_query, std::size_t buckets) {
  const std::size_t half = buckets / 2, exact = half / 2;
  const std::size_t first = key_minus_query > 0 ? half : 0;
  const auto distance = static_cast<std::size_t>(std::abs(key_minus_query));
  if (distance < exact) return first + distance;
  const auto near = static_cast<float>(exact);
  const float share = std::log(static_cast<float>(distance) / near) / std::log(kFarthest / near);
  const auto beyond = static_cast<std::size_t>(share * static_cast<float>(half - exact));
  return first + std::min(exact + beyond, half - 1);
}

void fill_distance_bias(const float* table, std::size_t buckets, std::size_t heads,
                        std::size_t head, std::size_t longest, std::span<float> to) {
  for (std::size_t i = 0; i + 1 < 2 * longest; ++i) {
    const auto distance = static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(longest) + 1;
    to[i] = table[bucket_of(distance, buckets) * heads + head];
  }
}

}  // namespace roost::nets

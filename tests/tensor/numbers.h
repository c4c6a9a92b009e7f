#pragma once

#include <random>
#include <vector>

namespace roost::tensor::test {

inline std::vector<float> numbers(std::size_t count, unsigned seed, float spread = 1) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> values(count);
  for (float& value : values) value = normal(rng);
  return values;
}

}  // namespace roost::tensor::test

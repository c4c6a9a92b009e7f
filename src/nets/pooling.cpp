#include "nets/pooling.h"

#include <algorithm>
#include <cmath>

#include "tensor/kernels.h"

namespace roost::nets {
namespace {

using formats::Pooling;

// Token i counts weight(i) times.
template <class Weight>
void mean(std::span<const float> states, std::size_t width, std::span<float> to,
          const Weight& weight, float divisor) {
  std::fill(to.begin(), to.end(), 0.0f);
  for (std::size_t i = 0; i * width < states.size(); ++i) {
    const float by = weight(i);
    for (std::size_t k = 0; k < width; ++k) to[k] += by * states[i * width + k];
  }
  for (float& value : to) value /= divisor;
}

void greatest(std::span<const float> states, std::size_t width, std::span<float> to) {
  std::copy_n(states.begin(), width, to.begin());
  for (std::size_t i = width; i < states.size(); ++i) {
    to[i % width] = std::max(to[i % width], states[i]);
  }
}

}  // namespace

void pool(Pooling how, std::span<const float> states, std::size_t width, std::span<float> to) {
  const std::size_t tokens = states.size() / width;
  const auto count = static_cast<float>(tokens);
  const auto once = [](std::size_t) { return 1.0f; };
  const auto place = [](std::size_t i) { return static_cast<float>(i + 1); };
  switch (how) {
    case Pooling::Cls:
      std::copy_n(states.begin(), width, to.begin());
      return;
    case Pooling::LastToken:
      std::copy_n(states.end() - static_cast<std::ptrdiff_t>(width), width, to.begin());
      return;
    case Pooling::Mean:
      return mean(states, width, to, once, count);
    case Pooling::MeanSqrtLength:
      return mean(states, width, to, once, std::sqrt(count));
    case Pooling::WeightedMean:
      return mean(states, width, to, place, count * (count + 1) / 2);
    case Pooling::Max:
      return greatest(states, width, to);
  }
}

void to_unit_length(std::span<float> vector) {
  const float squared = tensor::dot(vector.data(), vector.data(), vector.size());
  if (squared == 0) return;
  const float by = 1 / std::sqrt(squared);
  for (float& value : vector) value *= by;
}

}  // namespace roost::nets

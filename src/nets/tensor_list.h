#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nets/encoder_shape.h"

namespace roost::nets {

struct NamedTensor {
  enum class Kind : std::uint8_t { Weight, Bias, Scale };
  std::string name;
  std::vector<std::uint64_t> shape;
  Kind kind = Kind::Weight;
};

// Every tensor that the weights of such an encoder have, as the family's own models name them.
std::vector<NamedTensor> tensors_of(const EncoderShape& shape);

}  // namespace roost::nets

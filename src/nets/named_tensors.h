#pragma once

#include <span>
#include <string>

#include "nets/encoder_shape.h"
#include "nets/tensor_source.h"

namespace roost::nets {

// What the names of the encoder's tensors begin with in these weights. Throws BadFile when none of
// the family's prefixes fits.
std::string prefix_of(const EncoderShape& shape, const TensorSource& source);

// Throws BadFile unless `source` has such a tensor.
void check_tensor(const TensorSource& source, const std::string& name,
                  std::span<const std::uint64_t> shape, const std::string& family);

}  // namespace roost::nets

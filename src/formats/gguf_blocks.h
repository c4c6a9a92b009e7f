#pragma once

#include <cstddef>
#include <span>

#include "formats/tensors.h"

namespace roost::formats {

// Can dequantize() read it? F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K.
bool can_dequantize(Dtype dtype);

// The elements of whole blocks as floats. `blocks` must be of just the size that `out` needs, which
// is of whole blocks itself: InvalidArgument otherwise. Unsupported for other types. Any bytes give
// some floats, also not finite ones where the file has such scales.
void dequantize(Dtype dtype, std::span<const std::byte> blocks, std::span<float> out);

// IEEE half precision, denormals, infinities and NaN included.
float half_to_float(std::uint16_t half);

}  // namespace roost::formats

#pragma once

#include <cstddef>
#include <span>

#include "formats/sentence.h"

namespace roost::nets {

// One vector of the hidden states of a sequence, tokens x width; there is at least one token.
void pool(formats::Pooling how, std::span<const float> states, std::size_t width,
          std::span<float> to);

// To length 1. A vector of zeros stays what it is.
void to_unit_length(std::span<float> vector);

}  // namespace roost::nets

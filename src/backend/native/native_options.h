#pragma once

#include <cstddef>
#include <optional>

#include "formats/sentence.h"
#include "roost/value.h"
#include "tensor/precision.h"

namespace roost::backend {

// Options of a native model: "precision" (auto, f32, bf16), "pooling" (cls, mean, max,
// mean_sqrt_len, weighted_mean, last_token), "normalize" (true, false), "max_tokens" (2 and more).
struct NativeOptions {
  tensor::Precision precision = tensor::fastest_precision();
  std::optional<formats::Pooling> pooling;  // none: as the model says
  std::optional<bool> normalise;
  std::optional<std::size_t> max_tokens;
};

// Throws UnknownOption, or InvalidArgument for a value that is none of these.
NativeOptions parse_native_options(const Value& options);

}  // namespace roost::backend

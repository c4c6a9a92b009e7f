#pragma once

#include <string>
#include <vector>

#include "formats/config.h"
#include "nets/encoder_shape.h"

namespace roost::nets {

// Names of the tensors of a family. "{}" stands for the number of the layer; an empty name for
// what the family does not have. Weights and biases end in ".weight" and ".bias".
struct TensorNames {
  std::vector<std::string> prefixes;  // of all names; which one a file has is found by the first
  std::string words, positions, types, embedding_norm, projection, relative_bias;
  std::string query, key, value, out, attention_norm, up, down, norm;
};

// The family's `model_type`s that this program can run, sorted.
std::vector<std::string> families();

// Throws Unsupported for another family, or for a variant that cannot be run, naming what can be;
// BadFile for sizes that are absent, out of range, or do not divide.
EncoderShape shape_of(const formats::ModelConfig& config);
const TensorNames& names_of(const EncoderShape& shape);
std::string of_layer(const std::string& pattern, std::size_t layer);  // "{}" is its number

}  // namespace roost::nets

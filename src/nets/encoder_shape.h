#pragma once

#include <cstddef>
#include <string>

#include "tensor/kernels.h"

namespace roost::nets {

// An encoder of the BERT kind: learned positions, each block normalised after its sum.
struct EncoderShape {
  std::string family;  // model_type
  std::size_t vocabulary = 0;
  std::size_t hidden = 0;
  std::size_t embedding = 0;  // width of the token table; another than `hidden` is projected
  std::size_t layers = 0;
  std::size_t heads = 0;
  std::size_t intermediate = 0;
  std::size_t positions = 0;         // rows of the table
  std::size_t position_offset = 0;   // row of the first token's
  std::size_t types = 0;             // 0: no segments
  std::size_t relative_buckets = 0;  // 0: no bias by distance
  tensor::Activation activation = tensor::Activation::Gelu;
  float epsilon = 1e-12f;

  std::size_t head_size() const { return hidden / heads; }
  std::size_t most_tokens() const { return positions - position_offset; }
  friend bool operator==(const EncoderShape&, const EncoderShape&) = default;
};

}  // namespace roost::nets

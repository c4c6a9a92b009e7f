#pragma once

#include <cstddef>

#include "tensor/linear.h"
#include "tensor/precision.h"

namespace roost::tensor {

// One head of one sequence. Token t's query, key and value start `stride` numbers after those of
// the token before, its output `out_stride` numbers.
struct AttentionHead {
  const void* query = nullptr;
  const void* key = nullptr;
  const void* value = nullptr;
  void* out = nullptr;
  std::size_t stride = 0;
  std::size_t out_stride = 0;
  std::size_t tokens = 0;
  std::size_t size = 0;  // numbers of a head
  float scale = 1;
  // Added to the score of key k for query q: by_distance[k - q]; null: nothing. Minus infinity
  // hides a key; no query may have all its keys hidden.
  const float* by_distance = nullptr;
};

// out = softmax(scale * Q K^T + by_distance) V, computed in f32.
void attend(Precision precision, const AttentionHead& head, Scratch scratch);
std::size_t attention_scratch_bytes(std::size_t tokens, std::size_t head_size);

}  // namespace roost::tensor

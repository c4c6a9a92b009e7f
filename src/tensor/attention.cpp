#include "tensor/attention.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "tensor/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tensor/attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace roost::tensor {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

constexpr std::size_t kRows = 6;  // queries at once: with two vectors, twelve running sums
constexpr std::size_t kVectors = 2;

// The head in f32 and padded, so that all loops are over whole tiles.
struct Tiles {
  std::size_t tokens, keys, width;  // keys and width: padded to kVectors vectors
  float* keys_across;               // [width][keys]
  float* values;                    // [tokens][width]
  float* queries;                   // [kRows][width]
  float* scores;                    // [kRows][keys]
  float* sums;                      // [kRows][width]
};

std::size_t padded(std::size_t count) {
  const std::size_t step = kVectors * hn::Lanes(Floats());
  return (count + step - 1) / step * step;
}

Tiles lay_out(const AttentionHead& head, Scratch scratch) {
  Tiles t{};
  t.tokens = head.tokens;
  t.keys = padded(head.tokens);
  t.width = padded(head.size);
  t.keys_across = reinterpret_cast<float*>(scratch.data());
  t.values = t.keys_across + t.width * t.keys;
  t.queries = t.values + t.tokens * t.width;
  t.scores = t.queries + kRows * t.width;
  t.sums = t.scores + kRows * t.keys;
  return t;
}

std::size_t ScratchBytes(std::size_t tokens, std::size_t head_size) {
  const std::size_t keys = padded(tokens), width = padded(head_size);
  return (width * (keys + tokens) + kRows * (2 * width + keys)) * sizeof(float);
}

// to[r][n] = sum over k of from[r][k] * by[k][n], for kRows rows and `columns` whole tiles.
void multiply(const float* from, std::size_t from_stride, const float* by, std::size_t columns,
              std::size_t depth, float* to) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t n = 0; n < columns; n += kVectors * lanes) {
    Vec sums[kRows][kVectors];
    for (auto& row : sums) row[0] = row[1] = hn::Zero(d);
    for (std::size_t k = 0; k < depth; ++k) {
      const float* at = by + k * columns + n;
      const Vec left = hn::LoadU(d, at), right = hn::LoadU(d, at + lanes);
      for (std::size_t r = 0; r < kRows; ++r) {
        const Vec one = hn::Set(d, from[r * from_stride + k]);
        sums[r][0] = hn::MulAdd(one, left, sums[r][0]);
        sums[r][1] = hn::MulAdd(one, right, sums[r][1]);
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      hn::StoreU(sums[r][0], d, to + r * columns + n);
      hn::StoreU(sums[r][1], d, to + r * columns + n + lanes);
    }
  }
}

const void* token(Precision precision, const void* first, std::size_t stride, std::size_t at) {
  return static_cast<const std::byte*>(first) + at * stride * bytes_of(precision);
}

void load_keys_and_values(Precision precision, const AttentionHead& head, const Tiles& t) {
  std::fill_n(t.keys_across, t.width * t.keys, 0.0f);
  std::fill_n(t.values, t.tokens * t.width, 0.0f);
  for (std::size_t i = 0; i < head.tokens; ++i) {
    load(precision, token(precision, head.key, head.stride, i), head.size, t.queries);
    for (std::size_t k = 0; k < head.size; ++k) t.keys_across[k * t.keys + i] = t.queries[k];
    load(precision, token(precision, head.value, head.stride, i), head.size,
         t.values + i * t.width);
  }
}

// Scores to weights that are not divided by their sum yet; returns the sum.
float soften(float* scores, std::size_t tokens, std::size_t keys, float scale, const float* bias) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const float lowest = std::numeric_limits<float>::lowest();
  const float hidden = -std::numeric_limits<float>::infinity();
  std::fill(scores + tokens, scores + keys, hidden);
  Vec most = hn::Set(d, lowest);
  const Vec by = hn::Set(d, scale);
  if (bias != nullptr) {
    for (std::size_t i = 0; i < tokens; ++i) scores[i] = scores[i] * scale + bias[i];
  }
  for (std::size_t i = 0; i < keys; i += lanes) {
    Vec score = hn::LoadU(d, scores + i);
    if (bias == nullptr) hn::StoreU(score = hn::Mul(score, by), d, scores + i);
    most = hn::Max(most, score);
  }
  const Vec top = hn::MaxOfLanes(d, most);
  Vec sum = hn::Zero(d);
  for (std::size_t i = 0; i < keys; i += lanes) {
    const Vec off = hn::Sub(hn::LoadU(d, scores + i), top);
    const Vec weight = hn::IfThenElse(hn::IsNaN(off), off, hn::Exp(d, off));  // else it gives 0
    hn::StoreU(weight, d, scores + i);
    sum = hn::Add(sum, weight);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

void attend_rows(Precision precision, const AttentionHead& head, const Tiles& t,
                 std::size_t first) {
  const std::size_t rows = std::min(kRows, head.tokens - first);
  std::fill_n(t.queries, kRows * t.width, 0.0f);
  for (std::size_t r = 0; r < rows; ++r) {
    load(precision, token(precision, head.query, head.stride, first + r), head.size,
         t.queries + r * t.width);
  }
  multiply(t.queries, t.width, t.keys_across, t.keys, head.size, t.scores);
  float sums[kRows];
  for (std::size_t r = 0; r < kRows; ++r) {
    const float* bias = head.by_distance ? head.by_distance - (first + r) : nullptr;
    sums[r] =
        soften(t.scores + r * t.keys, t.tokens, t.keys, head.scale, r < rows ? bias : nullptr);
  }
  multiply(t.scores, t.keys, t.values, t.width, t.tokens, t.sums);
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = t.sums + r * t.width;
    for (std::size_t k = 0; k < head.size; ++k) row[k] /= sums[r];
    auto* out =
        static_cast<std::byte*>(head.out) + (first + r) * head.out_stride * bytes_of(precision);
    store(precision, row, head.size, out);
  }
}

void Attend(Precision precision, const AttentionHead& head, Scratch scratch) {
  const Tiles t = lay_out(head, scratch);
  load_keys_and_values(precision, head, t);
  for (std::size_t first = 0; first < head.tokens; first += kRows) {
    attend_rows(precision, head, t, first);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace roost::tensor
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace roost::tensor {

HWY_EXPORT(Attend);
HWY_EXPORT(ScratchBytes);

void attend(Precision precision, const AttentionHead& head, Scratch scratch) {
  ROOST_ASSERT(scratch.size() >= attention_scratch_bytes(head.tokens, head.size));
  HWY_DYNAMIC_DISPATCH(Attend)(precision, head, scratch);
}

std::size_t attention_scratch_bytes(std::size_t tokens, std::size_t head_size) {
  return HWY_DYNAMIC_DISPATCH(ScratchBytes)(tokens, head_size);
}

}  // namespace roost::tensor
#endif

#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "tensor/precision.h"

namespace roost::tensor {

inline constexpr std::size_t kRowAlign = 16;     // what rows of a product are padded to
inline constexpr std::size_t kBlockRows = 64;    // most rows of one product
inline constexpr std::size_t kRegionAlign = 64;  // of packed weights

struct LinearShape {
  std::size_t in = 0;
  std::size_t out = 0;
  friend bool operator==(const LinearShape&, const LinearShape&) = default;
};

// A thread's own memory for one call at a time, kRegionAlign aligned. Owns nothing.
using Scratch = std::span<std::byte>;

// y = x W^T + b for weights of one shape, cut into panels: columns of y that one call makes, so
// that several threads can share a product with few rows. Immutable and thread-safe.
class Linear {
 public:
  // Throws Unsupported when this processor has no such product.
  Linear(const LinearShape& shape, Precision precision);
  ~Linear();
  Linear(Linear&&) noexcept;

  const LinearShape& shape() const;
  std::size_t packed_bytes() const;  // of W; a multiple of kRegionAlign
  std::size_t scratch_bytes() const;

  std::size_t panels() const;
  std::size_t first_column(std::size_t panel) const;
  std::size_t columns(std::size_t panel) const;
  static constexpr std::size_t kMostColumns = 192;  // of a panel

  // Lays out one panel's rows of W, columns(panel) x in, at its place in `packed`. `packed` is
  // kRegionAlign aligned.
  void pack(std::size_t panel, std::span<const float> rows, std::byte* packed) const;

  // y[rows x columns(panel)] = x W^T + bias. `x` has rows of shape().in in the weights' precision,
  // without gaps, and `rows` is a multiple of kRowAlign up to kBlockRows. `bias` is the whole
  // layer's, shape().out long.
  void run(std::size_t panel, const std::byte* packed, const void* x, std::size_t rows,
           const float* bias, float* y, Scratch scratch) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

constexpr std::size_t padded_rows(std::size_t rows) {
  return (rows + kRowAlign - 1) / kRowAlign * kRowAlign;
}

}  // namespace roost::tensor

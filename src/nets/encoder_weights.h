#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "nets/encoder_shape.h"
#include "nets/families.h"
#include "nets/tensor_source.h"
#include "tensor/linear.h"

namespace roost::nets {

// Where the weights of an encoder lie in one piece of memory, laid out for this processor, and the
// products that use them. Makes no memory of its own. Immutable and thread-safe.
class EncoderWeights {
 public:
  EncoderWeights(const EncoderShape& shape, tensor::Precision precision);

  const EncoderShape& shape() const { return shape_; }
  tensor::Precision precision() const { return precision_; }
  std::uint64_t bytes() const { return bytes_; }  // of the memory; a multiple of kRegionAlign
  std::size_t scratch_bytes() const;              // of a thread that runs any of the products

  // From 0 to 1, never falling, after every few hundred KiB.
  using Progress = std::function<void(double)>;

  // Fills `memory`, bytes() long and kRegionAlign aligned. Throws BadFile, naming the tensor, when
  // one is absent or of another shape than the config says; CancelledException.
  void fill(const TensorSource& source, std::byte* memory, const Progress& progress,
            const std::stop_token& stop) const;

  // A product and its place in the memory.
  struct Layer {
    const tensor::Linear* linear;
    std::uint64_t weights, bias;
  };
  struct Norm {
    std::uint64_t scale, shift;
  };
  struct Block {
    Layer query_key_value, out, up, down;
    Norm attention_norm, norm;
  };
  // Offsets of tables in the precision of the weights, and of f32 vectors.
  struct Places {
    std::uint64_t words = 0, positions = 0, types = 0, relative_bias = 0;
    Norm embedding_norm{};
    std::optional<Layer> projection = {};
    std::vector<Block> blocks = {};
  };
  const Places& places() const { return places_; }

 private:
  class Filler;
  std::uint64_t reserve(std::uint64_t bytes);
  std::uint64_t reserve_floats(std::size_t count) { return reserve(count * sizeof(float)); }
  std::uint64_t reserve_table(std::size_t rows, std::size_t width);
  Layer reserve_layer(const tensor::Linear& linear);
  Norm reserve_norm();

  const EncoderShape shape_;
  const tensor::Precision precision_;
  const tensor::Linear query_key_value_, out_, up_, down_;
  const std::optional<tensor::Linear> projection_;
  std::uint64_t bytes_ = 0;
  Places places_;
};

}  // namespace roost::nets

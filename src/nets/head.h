#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "formats/config.h"
#include "nets/encoder_shape.h"
#include "nets/tensor_list.h"
#include "nets/tensor_source.h"

namespace roost::nets {

// What makes labels of the first token's state: a layer, an activation, and a layer to the labels.
// Its weights are f32 in memory that is lent to it. Immutable and thread-safe.
class Head {
 public:
  // How numbers become scores from 0 to 1.
  enum class Scores : std::uint8_t { Sigmoid, Softmax };

  // nullopt when the config's architecture has none. Throws Unsupported for a kind of head that
  // cannot be run.
  static std::optional<Head> of(const formats::ModelConfig& config, const EncoderShape& shape);

  std::size_t labels() const { return labels_.size(); }
  const std::vector<std::string>& names() const { return labels_; }
  Scores scores() const { return scores_; }
  std::uint64_t bytes() const;
  // As the weights of the family's own models name them, after the first of its prefixes.
  std::vector<NamedTensor> tensors() const;

  // Fills bytes() of memory; throws as EncoderWeights::fill() does.
  void fill(const TensorSource& source, std::byte* memory, const std::stop_token& stop) const;

  // The scores of a sequence whose first state, `hidden` long, is given; labels() long.
  void run(const std::byte* memory, std::span<const float> state, std::span<float> to) const;

 private:
  struct Names;
  Head(const Names& names, const EncoderShape& shape, std::vector<std::string> labels,
       Scores scores);
  static const Names& names_for(const std::string& family);
  std::vector<NamedTensor> tensors(const std::string& prefix) const;

  const Names* names_;
  EncoderShape shape_;
  std::vector<std::string> labels_;
  Scores scores_;
};

// As Head turns numbers into scores, in place.
void to_scores(Head::Scores how, std::span<float> numbers);

}  // namespace roost::nets

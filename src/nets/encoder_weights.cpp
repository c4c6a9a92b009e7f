#include "nets/encoder_weights.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "nets/named_tensors.h"
#include "roost/error.h"
#include "tensor/kernels.h"

namespace roost::nets {
namespace {

using tensor::Linear;

constexpr std::size_t kFloatsAtOnce = std::size_t{256} << 10;

std::optional<Linear> projection_of(const EncoderShape& shape, tensor::Precision precision) {
  if (shape.embedding == shape.hidden) return std::nullopt;
  return Linear({shape.embedding, shape.hidden}, precision);
}

}  // namespace

EncoderWeights::EncoderWeights(const EncoderShape& shape, tensor::Precision precision)
    : shape_(shape),
      precision_(precision),
      query_key_value_({shape.hidden, 3 * shape.hidden}, precision),
      out_({shape.hidden, shape.hidden}, precision),
      up_({shape.hidden, shape.intermediate}, precision),
      down_({shape.intermediate, shape.hidden}, precision),
      projection_(projection_of(shape, precision)) {
  places_.words = reserve_table(shape.vocabulary, shape.embedding);
  places_.positions = reserve_table(shape.positions, shape.embedding);
  if (shape.types != 0) places_.types = reserve_table(shape.types, shape.embedding);
  places_.embedding_norm = {reserve_floats(shape.embedding), reserve_floats(shape.embedding)};
  if (projection_) places_.projection = reserve_layer(*projection_);
  if (shape.relative_buckets != 0) {
    places_.relative_bias = reserve_floats(shape.relative_buckets * shape.heads);
  }
  for (std::size_t i = 0; i < shape.layers; ++i) {
    Block block{};
    block.query_key_value = reserve_layer(query_key_value_);
    block.out = reserve_layer(out_);
    block.attention_norm = reserve_norm();
    block.up = reserve_layer(up_);
    block.down = reserve_layer(down_);
    block.norm = reserve_norm();
    places_.blocks.push_back(block);
  }
}

std::size_t EncoderWeights::scratch_bytes() const {
  std::size_t most = projection_ ? projection_->scratch_bytes() : 0;
  for (const Linear* linear : {&query_key_value_, &out_, &up_, &down_}) {
    most = std::max(most, linear->scratch_bytes());
  }
  return most;
}

// The sizes were bounded when the config was read: at most 2^24 rows of 2^20 numbers.
std::uint64_t EncoderWeights::reserve(std::uint64_t bytes) {
  const std::uint64_t at = bytes_;
  const auto padded = checked_align_up(bytes, tensor::kRegionAlign);
  const auto end = padded ? checked_add(bytes_, *padded) : std::nullopt;
  if (!end) throw RoostError(ErrorCode::BadFile, "config.json: the weights pass 2^64 bytes");
  bytes_ = *end;
  return at;
}

std::uint64_t EncoderWeights::reserve_table(std::size_t rows, std::size_t width) {
  return reserve(rows * width * tensor::bytes_of(precision_));
}

EncoderWeights::Layer EncoderWeights::reserve_layer(const Linear& linear) {
  return {&linear, reserve(linear.packed_bytes()), reserve_floats(linear.shape().out)};
}

EncoderWeights::Norm EncoderWeights::reserve_norm() {
  return {reserve_floats(shape_.hidden), reserve_floats(shape_.hidden)};
}

// --- filling

// Reads tensors, checks their shapes, lays them out, and tells how far it is.
class EncoderWeights::Filler {
 public:
  Filler(const EncoderWeights& weights, const TensorSource& source, std::byte* memory,
         const Progress& progress, const std::stop_token& stop)
      : weights_(weights),
        names_(names_of(weights.shape())),
        source_(source),
        memory_(memory),
        progress_(progress),
        stop_(stop) {
    prefix_ = prefix_of(weights.shape(), source);
  }

  void embeddings() {
    const EncoderShape& shape = weights_.shape();
    const Places& places = weights_.places();
    table(names_.words, shape.vocabulary, shape.embedding, places.words);
    table(names_.positions, shape.positions, shape.embedding, places.positions);
    if (shape.types != 0) table(names_.types, shape.types, shape.embedding, places.types);
    norm(prefix_ + names_.embedding_norm, shape.embedding, places.embedding_norm);
    if (places.projection) layer({prefix_ + names_.projection}, *places.projection);
    if (shape.relative_buckets != 0) {
      vector(prefix_ + names_.relative_bias + ".weight", {shape.relative_buckets, shape.heads},
             places.relative_bias);
    }
  }

  void block(std::size_t number) {
    const Block& to = weights_.places().blocks[number];
    const std::size_t hidden = weights_.shape().hidden;
    const auto name = [&](const std::string& pattern) {
      return prefix_ + of_layer(pattern, number);
    };
    layer({name(names_.query), name(names_.key), name(names_.value)}, to.query_key_value);
    layer({name(names_.out)}, to.out);
    norm(name(names_.attention_norm), hidden, to.attention_norm);
    layer({name(names_.up)}, to.up);
    layer({name(names_.down)}, to.down);
    norm(name(names_.norm), hidden, to.norm);
  }

 private:
  void check(const std::string& name, std::span<const std::uint64_t> shape) const {
    check_tensor(source_, name, shape, weights_.shape().family);
  }

  void read(const std::string& name, std::uint64_t first, std::span<float> to) {
    if (stop_.stop_requested()) throw CancelledException("the load was cancelled");
    source_.read(name, first, to, stop_);
    done_ += to.size();
    if (!progress_) return;
    const double all = static_cast<double>(weights_.bytes()) /
                       static_cast<double>(tensor::bytes_of(weights_.precision()));
    progress_(std::min(1.0, static_cast<double>(done_) / all));
  }

  void vector(const std::string& name, std::vector<std::uint64_t> shape, std::uint64_t at) {
    check(name, shape);
    std::size_t count = 1;
    for (const std::uint64_t size : shape) count *= size;
    read(name, 0, {reinterpret_cast<float*>(memory_ + at), count});
  }

  void norm(const std::string& name, std::size_t width, const Norm& to) {
    vector(name + ".weight", {width}, to.scale);
    vector(name + ".bias", {width}, to.shift);
  }

  void table(const std::string& name, std::size_t rows, std::size_t width, std::uint64_t at) {
    const std::string full = prefix_ + name + ".weight";
    check(full, std::array<std::uint64_t, 2>{rows, width});
    const std::uint64_t count = std::uint64_t{rows} * width;
    for (std::uint64_t first = 0; first < count; first += kFloatsAtOnce) {
      numbers_.resize(std::min<std::uint64_t>(kFloatsAtOnce, count - first));
      read(full, first, numbers_);
      tensor::store(weights_.precision(), numbers_.data(), numbers_.size(),
                    memory_ + at + first * tensor::bytes_of(weights_.precision()));
    }
  }

  // Several layers of the same width become one, one after the other.
  void layer(const std::vector<std::string>& names, const Layer& to) {
    const Linear& linear = *to.linear;
    const std::size_t in = linear.shape().in, out = linear.shape().out / names.size();
    for (std::size_t i = 0; i < names.size(); ++i) {
      check(names[i] + ".weight", std::array<std::uint64_t, 2>{out, in});
      vector(names[i] + ".bias", {out}, to.bias + i * out * sizeof(float));
    }
    for (std::size_t panel = 0; panel < linear.panels(); ++panel) {
      numbers_.resize(linear.columns(panel) * in);
      rows(names, out, linear.first_column(panel), in, numbers_);
      linear.pack(panel, numbers_, memory_ + to.weights);
    }
  }

  // Rows from `row` on of the layers put one after the other, as many as `to` holds.
  void rows(const std::vector<std::string>& names, std::size_t rows_each, std::size_t row,
            std::size_t width, std::span<float> to) {
    while (!to.empty()) {
      const std::size_t name = row / rows_each, first = row % rows_each;
      const std::size_t count = std::min(rows_each - first, to.size() / width);
      read(names[name] + ".weight", std::uint64_t{first} * width, to.first(count * width));
      to = to.subspan(count * width);
      row += count;
    }
  }

  const EncoderWeights& weights_;
  const TensorNames& names_;
  const TensorSource& source_;
  std::byte* const memory_;
  const Progress& progress_;
  const std::stop_token& stop_;
  std::string prefix_;
  std::vector<float> numbers_;
  std::uint64_t done_ = 0;
};

void EncoderWeights::fill(const TensorSource& source, std::byte* memory, const Progress& progress,
                          const std::stop_token& stop) const {
  Filler filler(*this, source, memory, progress, stop);
  filler.embeddings();
  for (std::size_t i = 0; i < shape_.layers; ++i) filler.block(i);
}

}  // namespace roost::nets

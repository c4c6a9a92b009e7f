#include "nets/head.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "nets/families.h"
#include "nets/named_tensors.h"
#include "roost/error.h"
#include "roost/ids.h"
#include "tensor/kernels.h"

namespace roost::nets {
namespace {

enum class Bend : std::uint8_t { Tanh, Relu, Gelu };

constexpr std::uint64_t kMostLabels = 100'000;

void bend(Bend how, std::span<float> values) {
  switch (how) {
    case Bend::Relu:
      return tensor::activate(tensor::Activation::Relu, values.data(), values.size());
    case Bend::Gelu:
      return tensor::activate(tensor::Activation::Gelu, values.data(), values.size());
    case Bend::Tanh:
      for (float& value : values) value = std::tanh(value);
  }
}

// to = rows x + shift, `rows` having as many rows as `to` is long.
void multiply(const float* rows, const float* shift, std::span<const float> x,
              std::span<float> to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] = tensor::dot(rows + i * x.size(), x.data(), x.size()) + shift[i];
  }
}

std::vector<std::string> labels_of(const formats::ModelConfig& config) {
  std::uint64_t count = config.labels.empty() ? 2 : config.labels.rbegin()->first + 1;
  if (const Value* told = config.raw.find("num_labels");
      told != nullptr && config.labels.empty() && told->is_int()) {
    count = static_cast<std::uint64_t>(told->as_int());
  }
  if (count == 0 || count > kMostLabels) {
    throw RoostError(ErrorCode::BadFile, "config.json: a head has 1 to " +
                                             std::to_string(kMostLabels) + " labels, not " +
                                             std::to_string(count));
  }
  std::vector<std::string> labels;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto named = config.labels.find(i);
    labels.push_back(named != config.labels.end() ? named->second : "LABEL_" + std::to_string(i));
  }
  return labels;
}

}  // namespace

// "*" stands for the prefix of the encoder's names.
struct Head::Names {
  std::string_view dense, out;
  Bend between;
};

const Head::Names& Head::names_for(const std::string& family) {
  static constexpr Names kBert{"*pooler.dense", "classifier", Bend::Tanh};
  static constexpr Names kDistilbert{"pre_classifier", "classifier", Bend::Relu};
  static constexpr Names kElectra{"classifier.dense", "classifier.out_proj", Bend::Gelu};
  static constexpr Names kOthers{"classifier.dense", "classifier.out_proj", Bend::Tanh};
  if (family == "bert") return kBert;
  if (family == "distilbert") return kDistilbert;
  return family == "electra" ? kElectra : kOthers;
}

Head::Head(const Names& names, const EncoderShape& shape, std::vector<std::string> labels,
           Scores scores)
    : names_(&names), shape_(shape), labels_(std::move(labels)), scores_(scores) {}

std::optional<Head> Head::of(const formats::ModelConfig& config, const EncoderShape& shape) {
  const auto has = [&](std::string_view ending) {
    return std::any_of(config.architectures.begin(), config.architectures.end(),
                       [&](const std::string& name) { return name.ends_with(ending); });
  };
  if (has("ForTokenClassification") || has("ForQuestionAnswering") || has("ForMultipleChoice")) {
    throw RoostError(ErrorCode::Unsupported,
                     "config.json: the head of '" + printable(config.architectures.front()) +
                         "' cannot be run; one ForSequenceClassification can");
  }
  if (!has("ForSequenceClassification")) return std::nullopt;
  std::vector<std::string> labels = labels_of(config);
  const bool apart = labels.size() == 1 || config.problem_type == "multi_label_classification";
  return Head(names_for(shape.family), shape, std::move(labels),
              apart ? Scores::Sigmoid : Scores::Softmax);
}

std::uint64_t Head::bytes() const {
  const std::uint64_t hidden = shape_.hidden;
  return (hidden + 1) * (hidden + labels()) * sizeof(float);
}

std::vector<NamedTensor> Head::tensors() const {
  return tensors(names_of(shape_).prefixes.front());
}

std::vector<NamedTensor> Head::tensors(const std::string& prefix) const {
  using Kind = NamedTensor::Kind;
  std::vector<NamedTensor> all;
  const auto layer = [&](std::string_view name, std::size_t out) {
    const bool in_encoder = name.front() == '*';
    const std::string full = in_encoder ? prefix + std::string(name.substr(1)) : std::string(name);
    all.push_back({full + ".weight", {out, shape_.hidden}, Kind::Weight});
    all.push_back({full + ".bias", {out}, Kind::Bias});
  };
  layer(names_->dense, shape_.hidden);
  layer(names_->out, labels());
  return all;
}

void Head::fill(const TensorSource& source, std::byte* memory, const std::stop_token& stop) const {
  auto* to = reinterpret_cast<float*>(memory);
  for (const NamedTensor& tensor : tensors(prefix_of(shape_, source))) {
    check_tensor(source, tensor.name, tensor.shape, shape_.family);
    const std::size_t count = tensor.shape[0] * (tensor.shape.size() == 1 ? 1 : shape_.hidden);
    source.read(tensor.name, 0, {to, count}, stop);
    to += count;
  }
}

void Head::run(const std::byte* memory, std::span<const float> state, std::span<float> to) const {
  const std::size_t hidden = shape_.hidden;
  const auto* dense = reinterpret_cast<const float*>(memory);
  const float* out = dense + hidden * (hidden + 1);
  std::vector<float> between(hidden);
  multiply(dense, dense + hidden * hidden, state, between);
  bend(names_->between, between);
  multiply(out, out + hidden * labels(), between, to);
  to_scores(scores_, to);
}

void to_scores(Head::Scores how, std::span<float> numbers) {
  if (how == Head::Scores::Sigmoid) {
    for (float& number : numbers) number = 1 / (1 + std::exp(-number));
    return;
  }
  const float most = *std::max_element(numbers.begin(), numbers.end());
  float sum = 0;
  for (float& number : numbers) sum += number = std::exp(number - most);
  for (float& number : numbers) number /= sum;
}

}  // namespace roost::nets

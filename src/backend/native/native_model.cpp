#include "backend/native/native_model.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "nets/encoder.h"
#include "nets/pooling.h"
#include "roost/error.h"
#include "roost/ids.h"
#include "tensor/kernels.h"

namespace roost::backend {
namespace {

constexpr std::size_t kPassTokens = 2048;
constexpr std::size_t kMostTextBytes = std::size_t{1} << 20;

bool finite(std::span<const float> numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); });
}

}  // namespace

std::size_t NativeModel::pass_tokens(std::size_t max_tokens) {
  return std::max(kPassTokens, max_tokens);
}

std::uint64_t NativeModel::workspace_bytes(const nets::EncoderWeights& weights, unsigned threads,
                                           std::size_t max_tokens) {
  return nets::workspace_bytes(weights, threads, pass_tokens(max_tokens), max_tokens);
}

NativeModel::NativeModel(const ModelDescription& description, const ModelFolder& folder,
                         const NativeOptions& options, std::shared_ptr<const NativeImage> image,
                         std::shared_ptr<Compute> compute, LoadContext& context)
    : id_(description.id),
      path_(description.path),
      family_(folder.shape().family),
      device_id_(context.device->info().id),
      max_tokens_(folder.max_tokens(options)),
      pooling_(folder.pooling(options)),
      normalises_(folder.normalises(options)),
      image_(std::move(image)),
      tokenizer_(folder.tokenizer()),
      compute_(std::move(compute)),
      workspace_(context.memory->allocate(
          context.host, workspace_bytes(image_->weights(), compute_->threads(), max_tokens_))) {
  if (context.progress) context.progress(1.0);
}

HostImages NativeModel::save_images(LoadContext&, std::stop_token) {
  return {image_};
}

ModelInfo NativeModel::info() const {
  const nets::EncoderShape& shape = image_->weights().shape();
  ModelInfo info;
  info.model_id = id_;
  info.path = path_;
  info.backend = "native";
  info.family = family_;
  const std::optional<nets::Head>& head = image_->head();
  info.description = head
                         ? "an encoder with a head of " + std::to_string(head->labels()) + " labels"
                         : "an encoder; it ranks by the cosine of embeddings";
  for (const Task task : {Task::Embed, Task::Rerank, Task::Classify}) {
    if (can(task)) info.tasks.push_back(task);
  }
  info.dimensions = head ? 0 : shape.hidden;
  info.max_tokens = max_tokens_;
  info.device_id = device_id_;
  info.active_providers = {ExecutionProvider::Cpu};
  info.estimated_memory_bytes = image_->bytes() + workspace_.size();
  info.extra["layers"] = shape.layers;
  info.extra["heads"] = shape.heads;
  if (head) {
    info.extra["labels"] = Value::Array(head->names().begin(), head->names().end());
  } else {
    info.extra["pooling"] = to_string(pooling_);
    info.extra["normalize"] = normalises_;
  }
  info.extra["precision"] = to_string(image_->weights().precision());
  info.extra["threads"] = compute_->threads();
  return info;
}

bool NativeModel::can(Task task) const {
  const std::optional<nets::Head>& head = image_->head();
  switch (task) {
    case Task::Embed:
      return !head;
    case Task::Rerank:
      return !head || head->labels() == 1;
    case Task::Classify:
      return head.has_value();
    case Task::TokenClassify:
    case Task::Tensor:
      return false;
  }
  return false;
}

std::size_t NativeModel::width(Task task) const {
  if (!can(task)) {
    std::string known;
    for (const Task other : info().tasks) {
      if (!known.empty()) known += " and ";
      known += to_string(other);
    }
    throw RoostError(ErrorCode::Unsupported, "'" + printable(id_) + "' (" + family_ + ") cannot " +
                                                 std::string(to_string(task)) + "; it can " +
                                                 known);
  }
  if (task == Task::Embed) return image_->weights().shape().hidden;
  return image_->head() ? image_->head()->labels() : 1;
}

Sequence NativeModel::tokenize(Task task, std::string_view text, std::string_view pair) const {
  width(task);
  if (const std::size_t longer = std::max(text.size(), pair.size()); longer > kMostTextBytes) {
    throw InferenceException(id_,
                             "a text of " + std::to_string(longer) +
                                 " bytes is too long; at most " + std::to_string(kMostTextBytes) +
                                 " are taken, so cut it into parts",
                             ErrorCode::ContextTooLong);
  }
  text::EncodeOptions options;
  options.max_tokens = max_tokens_;
  if (task != Task::Rerank) return {tokenizer_->encode(text, options).ids, {}};
  return tokenize_pair(text, pair);
}

Sequence NativeModel::tokenize_pair(std::string_view text, std::string_view pair) const {
  text::EncodeOptions options;
  options.max_tokens = max_tokens_;
  if (image_->head()) {
    text::Encoding both = tokenizer_->encode(text, pair, options);
    const bool typed = image_->weights().shape().types > 1;
    return {std::move(both.ids), typed ? std::move(both.types) : std::vector<std::uint32_t>()};
  }
  Sequence sequence{tokenizer_->encode(text, options).ids, {}};
  const std::vector<std::uint32_t> second = tokenizer_->encode(pair, options).ids;
  sequence.types.assign(sequence.ids.size(), 0);
  sequence.ids.insert(sequence.ids.end(), second.begin(), second.end());
  sequence.types.resize(sequence.ids.size(), 1);
  return sequence;
}

void NativeModel::run(const Batch& batch, std::stop_token stop) {
  const std::size_t width = this->width(batch.task);
  if (batch.outputs.size() != batch.sequences.size() * width) {
    fail("the outputs have room for " + std::to_string(batch.outputs.size()) + " numbers, not " +
         std::to_string(batch.sequences.size()) + " x " + std::to_string(width));
  }
  if (batch.task == Task::Rerank && !image_->head()) return rank_by_cosine(batch, stop);
  run_all(batch.sequences, width, batch.outputs, stop);
}

// Each sequence is cut into its two texts, which are embedded like any others; a first text that
// follows itself, as a query does, only once.
void NativeModel::rank_by_cosine(const Batch& batch, const std::stop_token& stop) {
  std::vector<Sequence> texts;
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  // in texts
  texts.reserve(2 * batch.sequences.size());
  for (const Sequence* pair : batch.sequences) {
    auto [first, second] = halves_of(*pair);
    const bool again = !pairs.empty() && texts[pairs.back().first].ids == first.ids;
    const std::size_t at = again ? pairs.back().first : texts.size();
    if (!again) texts.push_back(std::move(first));
    pairs.emplace_back(at, texts.size());
    texts.push_back(std::move(second));
  }
  std::vector<const Sequence*> order;
  order.reserve(texts.size());
  for (const Sequence& text : texts) order.push_back(&text);
  const std::size_t width = image_->weights().shape().hidden;
  std::vector<float> vectors(texts.size() * width);
  run_all(order, width, vectors, stop);
  for (std::size_t at = 0; at < texts.size(); ++at) {
    nets::to_unit_length(std::span(vectors.data() + at * width, width));
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const float cosine = tensor::dot(vectors.data() + pairs[i].first * width,
                                     vectors.data() + pairs[i].second * width, width);
    batch.outputs[i] = std::clamp((1 + cosine) / 2, 0.0f, 1.0f);
  }
}

std::pair<Sequence, Sequence> NativeModel::halves_of(const Sequence& pair) const {
  if (pair.types.size() != pair.ids.size()) fail("ids and types differ in number");
  std::pair<Sequence, Sequence> halves;
  for (std::size_t k = 0; k < pair.ids.size(); ++k) {
    if (pair.types[k] > 1) fail("a token is of neither text");
    (pair.types[k] == 0 ? halves.first : halves.second).ids.push_back(pair.ids[k]);
  }
  return halves;
}

void NativeModel::check(const Sequence& sequence) const {
  const nets::EncoderShape& shape = image_->weights().shape();
  if (sequence.ids.empty()) fail("a sequence has no tokens");
  if (sequence.ids.size() > max_tokens_) {
    throw InferenceException(id_,
                             "a sequence has " + std::to_string(sequence.ids.size()) +
                                 " tokens, and the model takes " + std::to_string(max_tokens_),
                             ErrorCode::ContextTooLong);
  }
  for (const std::uint32_t id : sequence.ids) {
    if (id >= shape.vocabulary) {
      fail("token " + std::to_string(id) + " is not below " + std::to_string(shape.vocabulary));
    }
  }
  if (!sequence.types.empty() && sequence.types.size() != sequence.ids.size()) {
    fail("ids and types differ in number");
  }
  for (const std::uint32_t type : sequence.types) {
    if (type >= std::max<std::size_t>(shape.types, 1)) {
      fail("type " + std::to_string(type) + " is none of the model's");
    }
  }
}

void NativeModel::run_all(std::span<const Sequence* const> sequences, std::size_t width,
                          std::span<float> to, const std::stop_token& stop) {
  for (const Sequence* sequence : sequences) check(*sequence);
  const std::size_t most = pass_tokens(max_tokens_);
  nets::PackedTokens tokens;
  float* next = to.data();
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (tokens.tokens() != 0 && tokens.tokens() + sequences[i]->ids.size() > most) {
      run_pass(tokens, width, next, stop);
      next += tokens.sequences() * width;
      tokens.clear();
    }
    tokens.append(sequences[i]->ids, sequences[i]->types);
  }
  if (tokens.tokens() != 0) run_pass(tokens, width, next, stop);
  if (!finite(to)) {
    fail(
        "what came out are not all numbers; the weights in memory are damaged or do not fit "
        "precision " +
        std::string(to_string(image_->weights().precision())) + ", so try f32");
  }
}

void NativeModel::run_pass(const nets::PackedTokens& tokens, std::size_t width, float* to,
                           const std::stop_token& stop) {
  const std::size_t hidden = image_->weights().shape().hidden;
  compute_->alone([&](tensor::Team& team) {
    const std::span<const float> states =
        nets::encode(image_->weights(), image_->data(), tokens, team,
                     {workspace_.data(), workspace_.size()}, stop);
    for (std::size_t i = 0; i < tokens.sequences(); ++i) {
      const std::span<float> row(to + i * width, width);
      const auto own = states.subspan(tokens.starts[i] * hidden, tokens.length(i) * hidden);
      if (image_->head()) {
        image_->head()->run(image_->head_data(), own.first(hidden), row);
        continue;
      }
      nets::pool(pooling_, own, hidden, row);
      if (normalises_) nets::to_unit_length(row);
    }
  });
}

Health NativeModel::probe_health(std::stop_token stop) {
  const Task task = can(Task::Embed) ? Task::Embed : Task::Classify;
  const Sequence text = tokenize(task, "a short text", {});
  const std::array<const Sequence*, 1> sequences = {&text};
  std::vector<float> row(width(task));
  run({task, sequences, row}, std::move(stop));
  const bool zero = std::all_of(row.begin(), row.end(), [](float x) { return x == 0; });
  return zero ? Health::Unhealthy : Health::Healthy;
}

void NativeModel::fail(const std::string& why) const {
  throw InferenceException(id_, why);
}

}  // namespace roost::backend

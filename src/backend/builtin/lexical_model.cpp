#include "backend/builtin/lexical_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "backend/builtin/features.h"
#include "roost/ids.h"
#include "roost/error.h"

namespace roost::backend {
namespace {

constexpr std::uint64_t kPageBytes = 4096;  // what host memory is taken in
constexpr std::uint64_t kCopyStep = 16 << 20;
constexpr std::size_t kRowsBetweenStopChecks = 1024;
constexpr std::uint64_t kRowsPerProbe = 32768;

void throw_if_stopped(const std::stop_token& stop, const std::string& id, const char* what) {
  if (stop.stop_requested()) {
    throw CancelledException(std::string(what) + " '" + printable(id) + "' was cancelled");
  }
}

// Partial sums keep the additions independent of each other, and their order fixed.
float dot(std::span<const float> a, std::span<const float> b) {
  constexpr std::size_t kLanes = 8;
  std::array<float, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < a.size(); ++i) sums[i % kLanes] += a[i] * b[i];
  float sum = 0;
  for (const float partial : sums) sum += partial;
  return sum;
}

}  // namespace

std::uint64_t LexicalModel::workspace_bytes(const TableShape& shape) {
  return (3 * sizeof(float) * shape.dimensions + kPageBytes - 1) / kPageBytes * kPageBytes;
}

LexicalModel::LexicalModel(std::string id, std::shared_ptr<const LexicalImage> image,
                           LoadContext& context, std::stop_token stop)
    : id_(std::move(id)), shape_(image->shape()), device_(context.device) {
  throw_if_stopped(stop, id_, "loading");
  workspace_ = context.memory->allocate(context.host, workspace_bytes(shape_));
  if (device_->info().memory == MemoryId::Host) {
    image_ = std::move(image);
  } else {
    copy_to_device(*image, context, std::move(stop));
  }
  if (context.progress) context.progress(1.0);
}

void LexicalModel::copy_to_device(const LexicalImage& image, LoadContext& context,
                                  std::stop_token stop) {
  table_ = context.memory->allocate(device_, shape_.bytes());
  for (std::uint64_t at = 0; at < shape_.bytes(); at += kCopyStep) {
    throw_if_stopped(stop, id_, "loading");
    device_->write(table_.data() + at, image.data() + at, std::min(kCopyStep, shape_.bytes() - at));
    if (context.progress) {
      context.progress(static_cast<double>(at) / static_cast<double>(shape_.bytes()));
    }
  }
  device_->synchronize();
}

HostImages LexicalModel::save_images(LoadContext& context, std::stop_token stop) {
  if (image_) return {image_};
  Region copy = context.memory->allocate(context.host, shape_.bytes());
  for (std::uint64_t at = 0; at < shape_.bytes(); at += kCopyStep) {
    throw_if_stopped(stop, id_, "saving the weights of");
    device_->read(copy.data() + at, table_.data() + at, std::min(kCopyStep, shape_.bytes() - at));
  }
  return {std::make_shared<LexicalImage>(shape_, std::move(copy))};
}

ModelInfo LexicalModel::info() const {
  ModelInfo info;
  info.model_id = id_;
  info.backend = "builtin";
  info.family = "lexical";
  info.description =
      "lexical, not trained: near means shared words or parts of words, not shared meaning; "
      "scores are (1 + cosine) / 2";
  info.tasks = {Task::Embed, Task::Rerank};
  info.dimensions = shape_.dimensions;
  info.device_id = device_->info().id;
  info.active_providers = {device_->info().provider};
  info.is_gpu_active = device_->info().provider != ExecutionProvider::Cpu;
  info.estimated_memory_bytes = shape_.bytes() + workspace_.size();
  info.extra["rows"] = shape_.rows;
  info.extra["seed"] = shape_.seed;
  info.extra["trained"] = false;
  info.extra["max_text_bytes"] = kMaxTextBytes;
  return info;
}

std::size_t LexicalModel::width(Task task) const {
  if (task == Task::Embed) return shape_.dimensions;
  if (task == Task::Rerank) return 1;
  throw RoostError(ErrorCode::Unsupported, "'" + printable(id_) + "' (builtin:lexical) cannot " +
                                               std::string(to_string(task)) +
                                               "; it can embed and rerank");
}

Sequence LexicalModel::tokenize(Task task, std::string_view text, std::string_view pair) const {
  width(task);
  if (const std::size_t longer = std::max(text.size(), pair.size()); longer > kMaxTextBytes) {
    throw InferenceException(id_,
                             "a text of " + std::to_string(longer) +
                                 " bytes is too long; builtin:lexical takes at most " +
                                 std::to_string(kMaxTextBytes) + " bytes, so cut it into parts",
                             ErrorCode::ContextTooLong);
  }
  Sequence sequence;
  append_features(text, Segment::First, shape_.rows, sequence);
  if (task == Task::Rerank) append_features(pair, Segment::Second, shape_.rows, sequence);
  return sequence;
}

void LexicalModel::run(const Batch& batch, std::stop_token stop) {
  const std::size_t width = this->width(batch.task);
  if (batch.outputs.size() != batch.sequences.size() * width) {
    fail("the outputs have room for " + std::to_string(batch.outputs.size()) + " numbers, not " +
         std::to_string(batch.sequences.size()) + " x " + std::to_string(width));
  }
  for (std::size_t i = 0; i < batch.sequences.size(); ++i) {
    const std::span<float> to = batch.outputs.subspan(i * width, width);
    if (batch.task == Task::Embed) {
      embed(*batch.sequences[i], 0, to, stop);
    } else {
      to[0] = rank(*batch.sequences[i], stop);
    }
  }
}

float LexicalModel::rank(const Sequence& sequence, std::stop_token stop) {
  const std::span<float> query = workspace(0);
  const std::span<float> document = workspace(1);
  embed(sequence, 0, query, stop);
  embed(sequence, 1, document, stop);
  return std::clamp((1 + dot(query, document)) / 2, 0.0f, 1.0f);
}

void LexicalModel::embed(const Sequence& sequence, std::uint32_t segment, std::span<float> to,
                         std::stop_token stop) {
  std::fill(to.begin(), to.end(), 0.0f);
  add_features(sequence, segment, to, std::move(stop));
  const float squared = dot(to, to);
  // One test finds every NaN and infinity among the numbers, and a table that is all zero.
  if (!(squared > 0 && squared < std::numeric_limits<float>::infinity())) {
    fail("the sum of the token vectors has the squared length " + std::to_string(squared) +
         "; the table in memory is damaged, so unload the model and load it again");
  }
  const float scale = 1 / std::sqrt(squared);
  for (float& value : to) value *= scale;
}

void LexicalModel::add_features(const Sequence& sequence, std::uint32_t segment,
                                std::span<float> to, std::stop_token stop) {
  const auto& weights = kind_weights();
  const bool typed = !sequence.types.empty();
  if (typed && sequence.types.size() != sequence.ids.size()) fail("ids and types differ in number");
  for (std::size_t i = 0; i < sequence.ids.size(); ++i) {
    if (i % kRowsBetweenStopChecks == 0) throw_if_stopped(stop, id_, "running");
    const std::uint32_t type = typed ? sequence.types[i] : 0;
    if (segment_of(type) != segment) continue;
    const float* vector = row(sequence.ids[i]);
    const float weight = weights[kind_of(type)];
    for (std::size_t k = 0; k < to.size(); ++k) to[k] += weight * vector[k];
  }
}

const float* LexicalModel::row(std::uint32_t id) {
  if (id >= shape_.rows) {
    fail("token " + std::to_string(id) + " is not below " + std::to_string(shape_.rows));
  }
  const std::uint64_t bytes = sizeof(float) * shape_.dimensions;
  if (image_) return reinterpret_cast<const float*>(image_->data() + id * bytes);
  const std::span<float> fetched = workspace(2);
  device_->read(reinterpret_cast<std::byte*>(fetched.data()), table_.data() + id * bytes, bytes);
  return fetched.data();
}

std::span<float> LexicalModel::workspace(std::size_t part) {
  return {reinterpret_cast<float*>(workspace_.data()) + part * shape_.dimensions,
          shape_.dimensions};
}

// Embeds one text, and everything from the next rows of the table: with the default shape each
// probe sees every row.
Health LexicalModel::probe_health(std::stop_token stop) {
  const Sequence text = tokenize(Task::Embed, "a short text", {});
  Sequence rows;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(kRowsPerProbe, shape_.rows); ++i) {
    rows.ids.push_back(static_cast<std::uint32_t>(next_probed_row_));
    next_probed_row_ = (next_probed_row_ + 1) % shape_.rows;
  }
  const std::array<const Sequence*, 2> sequences = {&text, &rows};
  std::vector<float> outputs(sequences.size() * shape_.dimensions);
  run({Task::Embed, sequences, outputs}, std::move(stop));
  const std::span<const float> embedding(outputs.data(), shape_.dimensions);
  const float length = std::sqrt(dot(embedding, embedding));
  return std::abs(length - 1) < 1e-3f ? Health::Healthy : Health::Unhealthy;
}

void LexicalModel::fail(const std::string& why) const {
  throw InferenceException(id_, why);
}

}  // namespace roost::backend

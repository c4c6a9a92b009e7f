#include "roost/tasks.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "roost/ids.h"
#include "roost/error.h"

namespace roost {
namespace {

constexpr std::size_t kMostTextBytes = std::size_t{1} << 20;

// Any bytes are text but none at all; the model decides what it makes of them.
void check_input(std::string_view what, std::string_view text) {
  if (text.empty()) {
    throw RoostError(ErrorCode::InvalidArgument, "the " + std::string(what) + " is empty");
  }
  if (text.size() > kMostTextBytes) {
    throw RoostError(ErrorCode::ContextTooLong,
                     "the " + std::string(what) + " has " + std::to_string(text.size()) +
                         " bytes, at most " + std::to_string(kMostTextBytes) + " are taken");
  }
}

// A future that is made by running f on a thread of its own, joined by the future.
template <class F>
auto in_background(F f) {
  return std::async(std::launch::async, std::move(f));
}

void check_same_size(std::span<const float> a, std::span<const float> b) {
  if (a.size() == b.size()) return;
  throw RoostError(ErrorCode::InvalidArgument,
                   "the vectors have " + std::to_string(a.size()) + " and " +
                       std::to_string(b.size()) + " dimensions");
}

}  // namespace

TaskModel::TaskModel(ModelHandle handle)
    : handle_(std::make_shared<ModelHandle>(std::move(handle))) {}

const ModelHandle& TaskModel::handle() const {
  if (handle_ == nullptr) throw RoostError(ErrorCode::NotLoaded, "this model was moved from");
  return *handle_;
}

const std::string& TaskModel::id() const { return handle().id(); }
ModelInfo TaskModel::info() const { return handle().info(); }
LatencyReport TaskModel::latency() const { return handle().latency(); }
void TaskModel::warm_up(std::stop_token stop) const { handle().warm_up(std::move(stop)); }
bool TaskModel::is_open() const noexcept { return handle_ != nullptr && *handle_; }

void TaskModel::close() noexcept {
  if (handle_ != nullptr) handle_->close();
}

std::future<void> TaskModel::close_async() {
  if (handle_ != nullptr) return handle_->close_async();
  std::promise<void> done;
  done.set_value();
  return done.get_future();
}

// --- embed

std::size_t Embedder::dimensions() const { return handle().width(Task::Embed); }

Vector Embedder::embed(std::string_view text, std::stop_token stop) const {
  check_input("text", text);
  const Sequence tokens = handle().tokenize(Task::Embed, text);
  Vector vector(dimensions());
  handle().run(Task::Embed, std::span(&tokens, 1), vector, std::move(stop));
  return vector;
}

std::vector<Vector> Embedder::embed(std::span<const std::string> texts,
                                    std::stop_token stop) const {
  std::vector<Sequence> tokens;
  tokens.reserve(texts.size());
  for (const std::string& text : texts) {
    check_input("text", text);
    tokens.push_back(handle().tokenize(Task::Embed, text));
  }
  const std::size_t width = dimensions();
  std::vector<float> rows(texts.size() * width);
  handle().run(Task::Embed, tokens, rows, std::move(stop));
  std::vector<Vector> vectors;
  vectors.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto row = rows.begin() + static_cast<std::ptrdiff_t>(i * width);
    vectors.emplace_back(row, row + static_cast<std::ptrdiff_t>(width));
  }
  return vectors;
}

std::vector<Vector> Embedder::embed(std::initializer_list<std::string> texts,
                                    std::stop_token stop) const {
  return embed(std::span(texts.begin(), texts.size()), std::move(stop));
}

std::future<Vector> Embedder::embed_async(std::string text, std::stop_token stop) const {
  return in_background([self = *this, text = std::move(text), stop = std::move(stop)] {
    return self.embed(text, stop);
  });
}

std::future<std::vector<Vector>> Embedder::embed_async(std::vector<std::string> texts,
                                                       std::stop_token stop) const {
  return in_background([self = *this, texts = std::move(texts), stop = std::move(stop)] {
    return self.embed(texts, stop);
  });
}

std::future<std::vector<Vector>> Embedder::embed_async(std::initializer_list<std::string> texts,
                                                       std::stop_token stop) const {
  return embed_async(std::vector(texts), std::move(stop));
}

// --- rerank

std::vector<double> Reranker::score(std::string_view query,
                                    std::span<const std::string> documents,
                                    std::stop_token stop) const {
  check_input("query", query);
  std::vector<Sequence> pairs;
  pairs.reserve(documents.size());
  for (const std::string& document : documents) {
    check_input("document", document);
    pairs.push_back(handle().tokenize(Task::Rerank, query, document));
  }
  if (const std::size_t width = handle().width(Task::Rerank); width != 1) {
    throw RoostError(ErrorCode::Unsupported, "'" + handle().info().model_id + "' gives " +
                                                 std::to_string(width) +
                                                 " numbers a document; a ranking needs one");
  }
  std::vector<float> rows(documents.size());
  handle().run(Task::Rerank, pairs, rows, std::move(stop));
  return {rows.begin(), rows.end()};
}

std::vector<double> Reranker::score(std::string_view query,
                                    std::initializer_list<std::string> documents,
                                    std::stop_token stop) const {
  return score(query, std::span(documents.begin(), documents.size()), std::move(stop));
}

std::vector<Ranked> Reranker::rerank(std::string_view query,
                                     std::span<const std::string> documents,
                                     const RerankOptions& options, std::stop_token stop) const {
  const std::vector<double> scores = score(query, documents, std::move(stop));
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  if (options.top_k != 0) order.resize(std::min(order.size(), options.top_k));
  std::vector<Ranked> ranked;
  ranked.reserve(order.size());
  for (const std::size_t index : order) ranked.push_back({scores[index], index, documents[index]});
  return ranked;
}

std::vector<Ranked> Reranker::rerank(std::string_view query,
                                     std::initializer_list<std::string> documents,
                                     const RerankOptions& options, std::stop_token stop) const {
  return rerank(query, std::span(documents.begin(), documents.size()), options, std::move(stop));
}

std::future<std::vector<Ranked>> Reranker::rerank_async(std::string query,
                                                        std::vector<std::string> documents,
                                                        const RerankOptions& options,
                                                        std::stop_token stop) const {
  return in_background([self = *this, query = std::move(query), documents = std::move(documents),
                        options, stop = std::move(stop)] {
    return self.rerank(query, documents, options, stop);
  });
}

// --- classify

std::vector<Label> Classifier::classify(std::string_view text, std::stop_token stop) const {
  check_input("text", text);
  const Sequence tokens = handle().tokenize(Task::Classify, text);
  std::vector<float> scores(handle().width(Task::Classify));
  handle().run(Task::Classify, std::span(&tokens, 1), scores, std::move(stop));
  const ModelInfo about = handle().info();
  const Value* names = about.extra.find("labels");
  std::vector<Label> labels;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const bool named = names != nullptr && i < names->as_array().size();
    labels.push_back({named ? names->as_array()[i].as_string() : "LABEL_" + std::to_string(i),
                      scores[i]});
  }
  std::stable_sort(labels.begin(), labels.end(),
                   [](const Label& a, const Label& b) { return a.score > b.score; });
  return labels;
}

std::future<std::vector<Label>> Classifier::classify_async(std::string text,
                                                           std::stop_token stop) const {
  return in_background([self = *this, text = std::move(text), stop = std::move(stop)] {
    return self.classify(text, stop);
  });
}

// --- tensors

std::vector<Vector> TensorModel::run(std::span<const Sequence> inputs,
                                     std::stop_token stop) const {
  const std::size_t width = handle().width(Task::Tensor);
  std::vector<float> rows(inputs.size() * width);
  handle().run(Task::Tensor, inputs, rows, std::move(stop));
  std::vector<Vector> out;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto row = rows.begin() + static_cast<std::ptrdiff_t>(i * width);
    out.emplace_back(row, row + static_cast<std::ptrdiff_t>(width));
  }
  return out;
}

// --- distances

double dot_product(std::span<const float> a, std::span<const float> b) {
  check_same_size(a, b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

double cosine_similarity(std::span<const float> a, std::span<const float> b) {
  const double lengths = std::sqrt(dot_product(a, a)) * std::sqrt(dot_product(b, b));
  return lengths == 0 ? 0 : dot_product(a, b) / lengths;
}

double euclidean_distance(std::span<const float> a, std::span<const float> b) {
  check_same_size(a, b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

}  // namespace roost

#include <cmath>
#include <utility>

#include "faces/local/held_model.h"
#include "roost/local_models.h"

namespace roost {
namespace {

// Leaves a vector alone that is of length 1 already, to the precision of a float.
void to_unit_length(Vector& vector) {
  double sum = 0;
  for (const float x : vector) sum += static_cast<double>(x) * x;
  if (!(sum > 0) || !std::isfinite(sum) || std::abs(sum - 1) < 1e-5) return;
  const double scale = 1 / std::sqrt(sum);
  for (float& x : vector) x = static_cast<float>(x * scale);
}

std::string declared_prompt(const ModelInfo& info, std::string_view key) {
  const Value* prompt = info.extra.find(key);
  return prompt != nullptr && prompt->is_string() ? prompt->as_string() : std::string();
}

std::span<const std::string> as_span(std::initializer_list<std::string> texts) {
  return {texts.begin(), texts.size()};
}

std::vector<std::string> with_prompt(const std::string& prompt,
                                     std::span<const std::string> texts) {
  std::vector<std::string> prompted(texts.begin(), texts.end());
  for (std::string& text : prompted) text.insert(0, prompt);
  return prompted;
}

}  // namespace

template <class Wrapped>
LoadedModel<Wrapped>& LoadedModel<Wrapped>::operator=(LoadedModel&& other) noexcept {
  if (this != &other) {
    close();
    held_ = std::move(other.held_);
  }
  return *this;
}

template <class Wrapped>
const std::shared_ptr<faces::HeldModel<Wrapped>>& LoadedModel<Wrapped>::held() const {
  if (!held_) throw RoostError(ErrorCode::NotLoaded, "this model was moved from; load it again");
  return held_;
}

template <class Wrapped>
const std::string& LoadedModel<Wrapped>::id() const {
  return held()->id();
}

template <class Wrapped>
void LoadedModel<Wrapped>::warmup(std::stop_token stop) const {
  held()->model().warm_up(std::move(stop));
}

template <class Wrapped>
std::future<void> LoadedModel<Wrapped>::warmup_async(std::stop_token stop) const {
  return std::async(std::launch::async,
                    [held = held(), stop = std::move(stop)] { held->model().warm_up(stop); });
}

template <class Wrapped>
LocalModelInfo LoadedModel<Wrapped>::get_model_info() const {
  const ModelInfo info = held()->model().info();
  return {.model_id = held()->id(),
          .model_path = info.path,
          .dimensions = info.dimensions,
          .max_sequence_length = info.max_tokens,
          .device = info.device_id,
          .requested_provider = held()->requested_provider(),
          .active_providers = info.active_providers,
          .is_gpu_active = info.is_gpu_active,
          .estimated_memory_bytes = info.estimated_memory_bytes};
}

template <class Wrapped>
bool LoadedModel<Wrapped>::is_gpu_active() const {
  return held()->model().info().is_gpu_active;
}

template <class Wrapped>
std::vector<ExecutionProvider> LoadedModel<Wrapped>::active_providers() const {
  return held()->model().info().active_providers;
}

template <class Wrapped>
bool LoadedModel<Wrapped>::is_open() const noexcept {
  return held_ && held_->model().is_open();
}

template <class Wrapped>
void LoadedModel<Wrapped>::close() noexcept {
  if (held_) held_->close();
}

template <class Wrapped>
std::future<void> LoadedModel<Wrapped>::close_async() {
  return std::async(std::launch::async, [held = held_] {
    if (held) held->close();
  });
}

template class LoadedModel<Embedder>;
template class LoadedModel<Reranker>;

// --- EmbeddingModel

EmbeddingModel::EmbeddingModel(std::shared_ptr<faces::HeldModel<Embedder>> held)
    : LoadedModel(std::move(held)) {}

Vector EmbeddingModel::embed(std::string_view text, std::stop_token stop) const {
  Vector vector = held()->model().embed(text, std::move(stop));
  to_unit_length(vector);
  return vector;
}

std::vector<Vector> EmbeddingModel::embed(std::span<const std::string> texts,
                                          std::stop_token stop) const {
  std::vector<Vector> vectors = held()->model().embed(texts, std::move(stop));
  for (Vector& vector : vectors) to_unit_length(vector);
  return vectors;
}

std::vector<Vector> EmbeddingModel::embed(std::initializer_list<std::string> texts,
                                          std::stop_token stop) const {
  return embed(as_span(texts), std::move(stop));
}

std::future<Vector> EmbeddingModel::embed_async(std::string text, std::stop_token stop) const {
  return std::async(std::launch::async,
                    [held = held(), text = std::move(text), stop = std::move(stop)] {
                      Vector vector = held->model().embed(text, stop);
                      to_unit_length(vector);
                      return vector;
                    });
}

std::future<std::vector<Vector>> EmbeddingModel::embed_async(std::vector<std::string> texts,
                                                             std::stop_token stop) const {
  return std::async(std::launch::async,
                    [held = held(), texts = std::move(texts), stop = std::move(stop)] {
                      std::vector<Vector> vectors = held->model().embed(texts, stop);
                      for (Vector& vector : vectors) to_unit_length(vector);
                      return vectors;
                    });
}

std::future<std::vector<Vector>> EmbeddingModel::embed_async(
    std::initializer_list<std::string> texts, std::stop_token stop) const {
  return embed_async(std::vector(texts), std::move(stop));
}

Vector EmbeddingModel::embed_query(std::string_view text, std::stop_token stop) const {
  const std::string prompt = declared_prompt(held()->model().info(), "query_prefix");
  return embed(prompt + std::string(text), std::move(stop));
}

Vector EmbeddingModel::embed_passage(std::string_view text, std::stop_token stop) const {
  const std::string prompt = declared_prompt(held()->model().info(), "passage_prefix");
  return embed(prompt + std::string(text), std::move(stop));
}

std::vector<Vector> EmbeddingModel::embed_queries(std::span<const std::string> texts,
                                                  std::stop_token stop) const {
  const std::string prompt = declared_prompt(held()->model().info(), "query_prefix");
  if (prompt.empty()) return embed(texts, std::move(stop));
  return embed(with_prompt(prompt, texts), std::move(stop));
}

std::vector<Vector> EmbeddingModel::embed_queries(std::initializer_list<std::string> texts,
                                                  std::stop_token stop) const {
  return embed_queries(as_span(texts), std::move(stop));
}

std::vector<Vector> EmbeddingModel::embed_passages(std::span<const std::string> texts,
                                                   std::stop_token stop) const {
  const std::string prompt = declared_prompt(held()->model().info(), "passage_prefix");
  if (prompt.empty()) return embed(texts, std::move(stop));
  return embed(with_prompt(prompt, texts), std::move(stop));
}

std::vector<Vector> EmbeddingModel::embed_passages(std::initializer_list<std::string> texts,
                                                   std::stop_token stop) const {
  return embed_passages(as_span(texts), std::move(stop));
}

// --- RerankerModel

RerankerModel::RerankerModel(std::shared_ptr<faces::HeldModel<Reranker>> held)
    : LoadedModel(std::move(held)) {}

std::vector<Ranked> RerankerModel::rerank(std::string_view query,
                                          std::span<const std::string> documents, std::size_t top_k,
                                          std::stop_token stop) const {
  return held()->model().rerank(query, documents, {.top_k = top_k}, std::move(stop));
}

std::vector<Ranked> RerankerModel::rerank(std::string_view query,
                                          std::initializer_list<std::string> documents,
                                          std::size_t top_k, std::stop_token stop) const {
  return rerank(query, as_span(documents), top_k, std::move(stop));
}

std::future<std::vector<Ranked>> RerankerModel::rerank_async(std::string query,
                                                             std::vector<std::string> documents,
                                                             std::size_t top_k,
                                                             std::stop_token stop) const {
  return held()->model().rerank_async(std::move(query), std::move(documents), {.top_k = top_k},
                                      std::move(stop));
}

std::vector<double> RerankerModel::score(std::string_view query,
                                         std::span<const std::string> documents,
                                         std::stop_token stop) const {
  return held()->model().score(query, documents, std::move(stop));
}

std::vector<double> RerankerModel::score(std::string_view query,
                                         std::initializer_list<std::string> documents,
                                         std::stop_token stop) const {
  return score(query, as_span(documents), std::move(stop));
}

}  // namespace roost

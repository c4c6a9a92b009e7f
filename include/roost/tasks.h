#pragma once

#include <cstddef>
#include <future>
#include <initializer_list>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "roost/model_handle.h"

namespace roost {

using Vector = std::vector<float>;

struct Ranked {
  double score = 0;       // 0..1
  std::size_t index = 0;  // in the documents given
  std::string document;
};

struct Label {
  std::string name;
  double score = 0;
};

// What the task classes share: a lease that several threads may use and one may close.
// Movable; moved-from is closed.
class TaskModel {
 public:
  const std::string& id() const;
  ModelInfo info() const;
  LatencyReport latency() const;
  void warm_up(std::stop_token stop = {}) const;
  bool is_open() const noexcept;
  void close() noexcept;
  std::future<void> close_async();

 protected:
  TaskModel() = default;
  explicit TaskModel(ModelHandle handle);
  const ModelHandle& handle() const;  // throws NotLoaded when closed
  std::shared_ptr<ModelHandle> handle_;
};

// Texts to vectors. One call with many texts costs less than many calls. Here and below, texts in
// braces are a list, also when there is only one.
class Embedder : public TaskModel {
 public:
  explicit Embedder(ModelHandle handle) : TaskModel(std::move(handle)) {}
  std::size_t dimensions() const;
  Vector embed(std::string_view text, std::stop_token stop = {}) const;
  std::vector<Vector> embed(std::span<const std::string> texts, std::stop_token stop = {}) const;
  std::vector<Vector> embed(std::initializer_list<std::string> texts,
                            std::stop_token stop = {}) const;
  std::future<Vector> embed_async(std::string text, std::stop_token stop = {}) const;
  std::future<std::vector<Vector>> embed_async(std::vector<std::string> texts,
                                               std::stop_token stop = {}) const;
  std::future<std::vector<Vector>> embed_async(std::initializer_list<std::string> texts,
                                               std::stop_token stop = {}) const;
};

// Documents by how well they answer a query, best first; ties keep their order.
class Reranker : public TaskModel {
 public:
  explicit Reranker(ModelHandle handle) : TaskModel(std::move(handle)) {}
  std::vector<Ranked> rerank(std::string_view query, std::span<const std::string> documents,
                             const RerankOptions& options = {}, std::stop_token stop = {}) const;
  std::vector<Ranked> rerank(std::string_view query, std::initializer_list<std::string> documents,
                             const RerankOptions& options = {}, std::stop_token stop = {}) const;
  std::vector<double> score(std::string_view query, std::span<const std::string> documents,
                            std::stop_token stop = {}) const;  // in the order given
  std::vector<double> score(std::string_view query, std::initializer_list<std::string> documents,
                            std::stop_token stop = {}) const;
  std::future<std::vector<Ranked>> rerank_async(std::string query,
                                                std::vector<std::string> documents,
                                                const RerankOptions& options = {},
                                                std::stop_token stop = {}) const;
};

// Texts to labels, best first. Throws Unsupported for a model without a classification head.
class Classifier : public TaskModel {
 public:
  explicit Classifier(ModelHandle handle) : TaskModel(std::move(handle)) {}
  std::vector<Label> classify(std::string_view text, std::stop_token stop = {}) const;
  std::future<std::vector<Label>> classify_async(std::string text, std::stop_token stop = {}) const;
};

// Token ids in, rows of floats out.
class TensorModel : public TaskModel {
 public:
  explicit TensorModel(ModelHandle handle) : TaskModel(std::move(handle)) {}
  std::vector<Vector> run(std::span<const Sequence> inputs, std::stop_token stop = {}) const;
};

double cosine_similarity(std::span<const float> a, std::span<const float> b);
double dot_product(std::span<const float> a, std::span<const float> b);
double euclidean_distance(std::span<const float> a, std::span<const float> b);

}  // namespace roost

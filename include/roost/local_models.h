#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "roost/download_progress.h"
#include "roost/engine.h"

namespace roost {

namespace faces {
template <class Wrapped>
class HeldModel;
}

enum class PoolingMode : std::uint8_t { Mean, Cls, Max };

// Options are copied, never changed. One that the engine cannot honour yet throws Unsupported and
// names it when it is set; none is ignored. These are: cache_directory, thread_count,
// quantization_hint, max_sequence_length, normalize_embeddings = false, pooling_mode and
// do_lower_case.
struct EmbedderOptions {
  std::string cache_directory = {};  // empty: the engine's
  ExecutionProvider provider = ExecutionProvider::Auto;
  std::optional<unsigned> thread_count = {};
  std::optional<std::string> quantization_hint = {};  // "fp16", "int8", ...
  bool disable_auto_download = false;                 // a model that is not here is an error
  std::optional<std::size_t> max_sequence_length = {};
  bool normalize_embeddings = true;  // vectors of length 1
  std::optional<PoolingMode> pooling_mode = {};
  std::optional<bool> do_lower_case = {};
  Value backend = {};      // options of the model itself ("rows"); null: none
  bool keep_warm = false;  // the last one out leaves the model loaded; with an Engine& only

  void validate() const;
};

struct RerankerOptions {
  std::string cache_directory = {};
  ExecutionProvider provider = ExecutionProvider::Auto;
  std::optional<unsigned> thread_count = {};
  std::optional<std::string> quantization_hint = {};
  bool disable_auto_download = false;
  Value backend = {};
  bool keep_warm = false;

  void validate() const;
};

struct LocalModelInfo {
  std::string model_id;
  std::string model_path;  // empty for a model without files
  std::size_t dimensions = 0;
  std::size_t max_sequence_length = 0;  // in tokens; 0: unlimited
  std::string device;                   // "cpu", "cuda:0", ...
  ExecutionProvider requested_provider = ExecutionProvider::Auto;
  std::vector<ExecutionProvider> active_providers;
  bool is_gpu_active = false;
  std::uint64_t estimated_memory_bytes = 0;
};

// What the loaded models share. Thread-safe but for moving; moved-from is closed. A closed model
// throws NotLoaded. close() gives the lease back and waits until the memory is back, if this was
// the last one out: models of one id share one set of weights. The engine that a model was loaded
// through must outlive it; a model loaded without one owns an engine of its own, which ends with
// it.
template <class Wrapped>
class LoadedModel {
 public:
  LoadedModel(LoadedModel&&) noexcept = default;
  LoadedModel& operator=(LoadedModel&& other) noexcept;
  ~LoadedModel() { close(); }

  const std::string& id() const;
  void warmup(std::stop_token stop = {}) const;  // idempotent, safe concurrently
  [[nodiscard]] std::future<void> warmup_async(std::stop_token stop = {}) const;
  LocalModelInfo get_model_info() const;
  bool is_gpu_active() const;
  std::vector<ExecutionProvider> active_providers() const;
  bool is_open() const noexcept;
  void close() noexcept;
  [[nodiscard]] std::future<void> close_async();

 protected:
  explicit LoadedModel(std::shared_ptr<faces::HeldModel<Wrapped>> held) : held_(std::move(held)) {}
  const std::shared_ptr<faces::HeldModel<Wrapped>>& held() const;  // throws NotLoaded when moved
  std::shared_ptr<faces::HeldModel<Wrapped>> held_;
};

extern template class LoadedModel<Embedder>;
extern template class LoadedModel<Reranker>;

// Texts to vectors of length 1. One call with many texts costs less than many calls. Texts in
// braces are a list, also when there is only one.
class EmbeddingModel : public LoadedModel<Embedder> {
 public:
  using Options = EmbedderOptions;
  static constexpr Task kTask = Task::Embed;
  explicit EmbeddingModel(std::shared_ptr<faces::HeldModel<Embedder>> held);  // made by load()

  Vector embed(std::string_view text, std::stop_token stop = {}) const;
  std::vector<Vector> embed(std::span<const std::string> texts, std::stop_token stop = {}) const;
  std::vector<Vector> embed(std::initializer_list<std::string> texts,
                            std::stop_token stop = {}) const;
  [[nodiscard]] std::future<Vector> embed_async(std::string text, std::stop_token stop = {}) const;
  [[nodiscard]] std::future<std::vector<Vector>> embed_async(std::vector<std::string> texts,
                                                             std::stop_token stop = {}) const;
  [[nodiscard]] std::future<std::vector<Vector>> embed_async(
      std::initializer_list<std::string> texts, std::stop_token stop = {}) const;

  // With the prompts that the model declares ("query_prefix" and "passage_prefix" of its info's
  // extra); without one, the same as embed().
  Vector embed_query(std::string_view text, std::stop_token stop = {}) const;
  Vector embed_passage(std::string_view text, std::stop_token stop = {}) const;
  std::vector<Vector> embed_queries(std::span<const std::string> texts,
                                    std::stop_token stop = {}) const;
  std::vector<Vector> embed_queries(std::initializer_list<std::string> texts,
                                    std::stop_token stop = {}) const;
  std::vector<Vector> embed_passages(std::span<const std::string> texts,
                                     std::stop_token stop = {}) const;
  std::vector<Vector> embed_passages(std::initializer_list<std::string> texts,
                                     std::stop_token stop = {}) const;
};

// Documents by how well they answer a query.
class RerankerModel : public LoadedModel<Reranker> {
 public:
  using Options = RerankerOptions;
  static constexpr Task kTask = Task::Rerank;
  explicit RerankerModel(std::shared_ptr<faces::HeldModel<Reranker>> held);  // made by load()

  // Best first, scores 0..1; top_k 0: all.
  std::vector<Ranked> rerank(std::string_view query, std::span<const std::string> documents,
                             std::size_t top_k = 0, std::stop_token stop = {}) const;
  std::vector<Ranked> rerank(std::string_view query, std::initializer_list<std::string> documents,
                             std::size_t top_k = 0, std::stop_token stop = {}) const;
  [[nodiscard]] std::future<std::vector<Ranked>> rerank_async(std::string query,
                                                              std::vector<std::string> documents,
                                                              std::size_t top_k = 0,
                                                              std::stop_token stop = {}) const;
  // In the order given.
  std::vector<double> score(std::string_view query, std::span<const std::string> documents,
                            std::stop_token stop = {}) const;
  std::vector<double> score(std::string_view query, std::initializer_list<std::string> documents,
                            std::stop_token stop = {}) const;
};

// Loads models by id, alias, "auto" or path. Each load gives an independent handle over one shared
// read-only set of weights. Throws ModelNotFoundException, ModelLoadException and what validate()
// throws. Destroying a future that is not ready waits for it; its stop token ends it early.
template <class Model>
class LocalModel {
 public:
  using Options = typename Model::Options;
  LocalModel() = delete;

  static Model load(Engine& engine, const std::string& name, const Options& options = {},
                    const DownloadProgressSink& progress = {}, std::stop_token stop = {});
  static Model load(const std::string& name, const Options& options = {},
                    const DownloadProgressSink& progress = {}, std::stop_token stop = {});
  [[nodiscard]] static std::future<Model> load_async(Engine& engine, std::string name,
                                                     Options options = {},
                                                     DownloadProgressSink progress = {},
                                                     std::stop_token stop = {});
  [[nodiscard]] static std::future<Model> load_async(std::string name, Options options = {},
                                                     DownloadProgressSink progress = {},
                                                     std::stop_token stop = {});

  // A file or folder of this machine, relative to the working folder; never uses the network.
  static Model load_from_path(Engine& engine, const std::string& path, const Options& options = {},
                              std::stop_token stop = {});
  static Model load_from_path(const std::string& path, const Options& options = {},
                              std::stop_token stop = {});
  [[nodiscard]] static std::future<Model> load_from_path_async(Engine& engine, std::string path,
                                                               Options options = {},
                                                               std::stop_token stop = {});
  [[nodiscard]] static std::future<Model> load_from_path_async(std::string path,
                                                               Options options = {},
                                                               std::stop_token stop = {});
};

extern template class LocalModel<EmbeddingModel>;
extern template class LocalModel<RerankerModel>;

using LocalEmbedder = LocalModel<EmbeddingModel>;
using LocalReranker = LocalModel<RerankerModel>;

}  // namespace roost

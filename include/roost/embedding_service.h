#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "roost/engine.h"

namespace roost {

class EmbeddingModel;

enum class EmbeddingMode : std::uint8_t { Query, Document };

struct EmbeddingServiceOptions {
  std::string model_name = {};  // empty: "default", or the name that a call is given beside these
  ExecutionProvider provider = ExecutionProvider::Auto;
  std::string device = {};               // "cuda:1"; empty: chosen
  Value backend = {};                    // options of the model itself ("rows"); null: none
  std::chrono::milliseconds timeout{0};  // of a load, its waiting included; 0: none
  bool keep_warm = false;                // the last one out leaves the model loaded
  bool isolated = false;                 // an instance of its own, freed when it is closed
  LogSink log = {};                      // what a clean-up could not do; empty: standard error

  void validate() const;
  void check_name(const std::string& given) const;  // InvalidArgument when model_name is another
};

struct EmbeddingServiceInfo {
  std::string model_name;
  std::size_t dimension = 0;
  std::string device;
  std::size_t max_sequence_length = 0;  // in tokens; 0: unlimited
};

// Turns texts into vectors with the model it was initialised with. Thread-safe. Before
// initialize() and after close() its calls throw NotLoaded. A future keeps a service alive that a
// shared_ptr owns; any other must outlive its futures.
class BaseEmbeddingService : public std::enable_shared_from_this<BaseEmbeddingService> {
 public:
  virtual ~BaseEmbeddingService() = default;
  BaseEmbeddingService(const BaseEmbeddingService&) = delete;
  BaseEmbeddingService& operator=(const BaseEmbeddingService&) = delete;

  // A failed initialize() leaves the service as if never started, and usable again. On one that
  // runs this model it does nothing; before another is loaded, what runs is closed.
  virtual void initialize(const std::string& model_name, std::stop_token stop = {}) = 0;
  virtual bool is_initialized() const = 0;
  virtual EmbeddingServiceInfo get_model_info() const = 0;
  std::size_t get_dimension() const { return get_model_info().dimension; }

  // Works through the texts in batches of batch_size, at least 1. The mode is for models that
  // tell queries from documents.
  std::vector<Vector> embed_texts(std::span<const std::string> texts, std::size_t batch_size = 32,
                                  EmbeddingMode mode = EmbeddingMode::Query,
                                  std::stop_token stop = {}) const;
  std::vector<Vector> embed_texts(std::initializer_list<std::string> texts,
                                  std::size_t batch_size = 32,
                                  EmbeddingMode mode = EmbeddingMode::Query,
                                  std::stop_token stop = {}) const;
  Vector embed_single(const std::string& text, EmbeddingMode mode = EmbeddingMode::Query,
                      std::stop_token stop = {}) const;

  // Gives the model back. Idempotent. What fails is logged: it may run while an exception is on
  // its way.
  virtual void close() noexcept = 0;
  [[deprecated("leave the scope of an embedding_service_context() instead")]] void cleanup() {
    close();
  }

  [[nodiscard]] std::future<void> initialize_async(std::string model_name,
                                                   std::stop_token stop = {});
  [[nodiscard]] std::future<std::vector<Vector>> embed_texts_async(
      std::vector<std::string> texts, std::size_t batch_size = 32,
      EmbeddingMode mode = EmbeddingMode::Query, std::stop_token stop = {}) const;
  [[nodiscard]] std::future<Vector> embed_single_async(std::string text,
                                                       EmbeddingMode mode = EmbeddingMode::Query,
                                                       std::stop_token stop = {}) const;
  [[nodiscard]] std::future<void> close_async();

 protected:
  BaseEmbeddingService() = default;
  virtual std::vector<Vector> embed_batch(std::span<const std::string> texts, EmbeddingMode mode,
                                          std::stop_token stop) const = 0;
};

// A service over one model of an engine, which must outlive it. It holds a lease, not a copy:
// services of one model share its weights, and the last one closed frees it.
class DenseEmbeddingService final : public BaseEmbeddingService {
 public:
  explicit DenseEmbeddingService(Engine& engine, EmbeddingServiceOptions options = {});
  ~DenseEmbeddingService() override;

  void initialize(const std::string& model_name, std::stop_token stop = {}) override;
  bool is_initialized() const override;
  EmbeddingServiceInfo get_model_info() const override;
  void close() noexcept override;

 private:
  std::vector<Vector> embed_batch(std::span<const std::string> texts, EmbeddingMode mode,
                                  std::stop_token stop) const override;
  std::shared_ptr<EmbeddingModel> model() const;  // throws NotLoaded
  bool runs(const std::string& id) const;

  Engine& engine_;
  const EmbeddingServiceOptions options_;

  mutable std::mutex mutex_;
  std::shared_ptr<EmbeddingModel> model_;  // guarded by mutex_
};

// The scope of a service: leaving it closes the service, whatever ends the scope. Movable;
// empty after a move or close(), and then throws NotLoaded. close() from any thread is fine.
class EmbeddingServiceContext {
 public:
  EmbeddingServiceContext() = default;
  // Any service of your own; `left`, which must not throw, is called once after it was closed.
  explicit EmbeddingServiceContext(std::shared_ptr<BaseEmbeddingService> service,
                                   std::function<void()> left = {});
  EmbeddingServiceContext(EmbeddingServiceContext&&) noexcept = default;
  EmbeddingServiceContext& operator=(EmbeddingServiceContext&& other) noexcept;
  ~EmbeddingServiceContext() { close(); }

  BaseEmbeddingService& get() const;
  BaseEmbeddingService& operator*() const { return get(); }
  BaseEmbeddingService* operator->() const { return &get(); }
  explicit operator bool() const noexcept;
  void close() noexcept;
  [[nodiscard]] std::future<void> close_async();

 private:
  struct Scope;
  std::shared_ptr<Scope> scope_;
};

// Enters a scope with a service that is initialised. However many contexts of one model are open,
// the model is loaded once; leaving one gives its lease back, the last one out frees the model or
// keeps it warm. An acquire that fails or is cancelled leaves nothing behind.
EmbeddingServiceContext embedding_service_context(Engine& engine,
                                                  const EmbeddingServiceOptions& options = {},
                                                  std::stop_token stop = {});
[[nodiscard]] std::future<EmbeddingServiceContext> embedding_service_context_async(
    Engine& engine, EmbeddingServiceOptions options = {}, std::stop_token stop = {});

// Runs f(service) inside such a scope and returns what it returns.
template <class F>
decltype(auto) with_embedding_service(Engine& engine, const EmbeddingServiceOptions& options,
                                      F&& f) {
  const EmbeddingServiceContext context = embedding_service_context(engine, options);
  return std::forward<F>(f)(context.get());
}

// A service that its holders share, over the model that all services of this name share. It is
// closed with its last holder, or by cleanup().
[[deprecated(
    "use embedding_service_context(engine, options)")]] std::shared_ptr<BaseEmbeddingService>
get_embedding_service(Engine& engine, const EmbeddingServiceOptions& options = {},
                      std::stop_token stop = {});

// Temporary models that nobody else sees: an instance of its own, which changes nothing that the
// engine shows of its models, and is freed for certain when the context is left.
class ScopedEmbeddingService {
 public:
  explicit ScopedEmbeddingService(Engine& engine) : engine_(engine) {}

  EmbeddingServiceContext temporary_model(const std::string& model_name,
                                          EmbeddingServiceOptions options = {},
                                          std::stop_token stop = {}) const;
  [[nodiscard]] std::future<EmbeddingServiceContext> temporary_model_async(
      std::string model_name, EmbeddingServiceOptions options = {},
      std::stop_token stop = {}) const;

 private:
  Engine& engine_;
};

}  // namespace roost

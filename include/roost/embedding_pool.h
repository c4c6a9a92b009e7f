#pragma once

#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "roost/embedding_service.h"

namespace roost {

struct EmbeddingServicePoolOptions {
  std::size_t max_models = 3;
  std::chrono::milliseconds timeout{0};  // of waiting for a place; 0: as long as it takes
  bool fail_fast = false;                // InUse rather than waiting for a place
  LogSink log = {};                      // what freeing could not do; empty: standard error

  void validate() const;
};

struct PooledModel {
  std::string model;
  std::size_t users = 0;  // scopes that are open or being entered
};

// At most max_models models at once, each used by any number of scopes. When another is asked
// for, the one least recently used gives way, never one in use; if all are, the caller waits.
// Models with different options count apart. Thread-safe; no lock is held during a load or a
// use. The engine must outlive the pool and its contexts; contexts may outlive the pool.
class EmbeddingServicePool {
 public:
  explicit EmbeddingServicePool(Engine& engine, EmbeddingServicePoolOptions options = {});
  ~EmbeddingServicePool();  // close()

  // Throws DeadlineExceeded or InUse when all places stay in use, and what a load throws; then
  // the pool is as before, but that the model which gave way is gone.
  EmbeddingServiceContext get_service(const std::string& model_name,
                                      EmbeddingServiceOptions options = {},
                                      std::stop_token stop = {});
  [[nodiscard]] std::future<EmbeddingServiceContext> get_service_async(
      std::string model_name, EmbeddingServiceOptions options = {}, std::stop_token stop = {});

  std::vector<PooledModel> models() const;  // least recently used first
  std::size_t waiting() const;              // callers without a place

  // Frees what is not in use, now; the rest when its scopes end. Those who wait get EngineClosed.
  void close() noexcept;
  [[nodiscard]] std::future<void> close_async();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace roost

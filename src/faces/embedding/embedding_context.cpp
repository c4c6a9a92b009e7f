#include <atomic>
#include <mutex>
#include <utility>

#include "roost/embedding_service.h"

namespace roost {
namespace {

std::shared_ptr<DenseEmbeddingService> start(Engine& engine, const std::string& model_name,
                                             EmbeddingServiceOptions options,
                                             std::stop_token stop) {
  auto service = std::make_shared<DenseEmbeddingService>(engine, std::move(options));
  service->initialize(model_name, std::move(stop));
  return service;
}

std::string name_in(const EmbeddingServiceOptions& options) {
  return options.model_name.empty() ? "default" : options.model_name;
}

}  // namespace

struct EmbeddingServiceContext::Scope {
  Scope(std::shared_ptr<BaseEmbeddingService> entered, std::function<void()> on_left)
      : service(std::move(entered)), left(std::move(on_left)) {}

  void close() noexcept {
    std::call_once(closed, [this] {
      open = false;
      service->close();
      if (left) left();
    });
  }

  const std::shared_ptr<BaseEmbeddingService> service;
  const std::function<void()> left;
  std::atomic<bool> open{true};
  std::once_flag closed;
};

EmbeddingServiceContext::EmbeddingServiceContext(std::shared_ptr<BaseEmbeddingService> service,
                                                 std::function<void()> left) {
  if (!service) {
    throw RoostError(ErrorCode::InvalidArgument, "an EmbeddingServiceContext needs a service");
  }
  scope_ = std::make_shared<Scope>(std::move(service), std::move(left));
}

EmbeddingServiceContext& EmbeddingServiceContext::operator=(
    EmbeddingServiceContext&& other) noexcept {
  if (this != &other) {
    close();
    scope_ = std::move(other.scope_);
  }
  return *this;
}

BaseEmbeddingService& EmbeddingServiceContext::get() const {
  if (!*this) {
    throw RoostError(ErrorCode::NotLoaded, "this embedding service context was left already");
  }
  return *scope_->service;
}

EmbeddingServiceContext::operator bool() const noexcept {
  return scope_ && scope_->open;
}

void EmbeddingServiceContext::close() noexcept {
  if (scope_) scope_->close();
}

std::future<void> EmbeddingServiceContext::close_async() {
  return std::async(std::launch::async, [scope = scope_] {
    if (scope) scope->close();
  });
}

EmbeddingServiceContext embedding_service_context(Engine& engine,
                                                  const EmbeddingServiceOptions& options,
                                                  std::stop_token stop) {
  return EmbeddingServiceContext(start(engine, name_in(options), options, std::move(stop)));
}

std::future<EmbeddingServiceContext> embedding_service_context_async(
    Engine& engine, EmbeddingServiceOptions options, std::stop_token stop) {
  return std::async(std::launch::async,
                    [&engine, options = std::move(options), stop = std::move(stop)] {
                      return embedding_service_context(engine, options, stop);
                    });
}

std::shared_ptr<BaseEmbeddingService> get_embedding_service(Engine& engine,
                                                            const EmbeddingServiceOptions& options,
                                                            std::stop_token stop) {
  return start(engine, name_in(options), options, std::move(stop));
}

EmbeddingServiceContext ScopedEmbeddingService::temporary_model(const std::string& model_name,
                                                                EmbeddingServiceOptions options,
                                                                std::stop_token stop) const {
  options.check_name(model_name);
  options.isolated = true;
  return EmbeddingServiceContext(start(engine_, model_name, std::move(options), std::move(stop)));
}

std::future<EmbeddingServiceContext> ScopedEmbeddingService::temporary_model_async(
    std::string model_name, EmbeddingServiceOptions options, std::stop_token stop) const {
  return std::async(std::launch::async, [scoped = *this, model_name = std::move(model_name),
                                         options = std::move(options), stop = std::move(stop)] {
    return scoped.temporary_model(model_name, options, stop);
  });
}

}  // namespace roost

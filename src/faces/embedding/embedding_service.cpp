#include "roost/embedding_service.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "faces/local/held_model.h"
#include "roost/local_models.h"

namespace roost {
namespace {

LoadOptions load_options(const EmbeddingServiceOptions& options) {
  LoadOptions load;
  if (options.provider != ExecutionProvider::Auto) load.provider = options.provider;
  load.device = options.device;
  load.backend = options.backend;
  load.timeout = options.timeout;
  load.isolated = options.isolated;
  return load;
}

}  // namespace

void EmbeddingServiceOptions::validate() const {
  if (timeout < std::chrono::milliseconds(0)) {
    throw RoostError(ErrorCode::InvalidArgument, "EmbeddingServiceOptions.timeout is " +
                                                     std::to_string(timeout.count()) +
                                                     " ms; it must be 0 (none) or more");
  }
  if (!backend.is_null() && !backend.is_object()) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "EmbeddingServiceOptions.backend must be an object, not " +
                         std::string(backend.kind_name()));
  }
  if (isolated && keep_warm) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "EmbeddingServiceOptions.keep_warm cannot go with isolated: an isolated "
                     "instance is freed when it is closed");
  }
}

void EmbeddingServiceOptions::check_name(const std::string& given) const {
  if (model_name.empty() || model_name == given) return;
  throw RoostError(ErrorCode::InvalidArgument,
                   "EmbeddingServiceOptions.model_name names another model than the call; leave "
                   "it empty");
}

// --- BaseEmbeddingService

std::vector<Vector> BaseEmbeddingService::embed_texts(std::span<const std::string> texts,
                                                      std::size_t batch_size, EmbeddingMode mode,
                                                      std::stop_token stop) const {
  if (batch_size == 0) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "embed_texts: batch_size is 0; it must be at least 1");
  }
  if (texts.size() <= batch_size) return embed_batch(texts, mode, stop);
  std::vector<Vector> vectors;
  vectors.reserve(texts.size());
  for (std::size_t at = 0; at < texts.size(); at += batch_size) {
    const auto batch = texts.subspan(at, std::min(batch_size, texts.size() - at));
    std::ranges::move(embed_batch(batch, mode, stop), std::back_inserter(vectors));
  }
  return vectors;
}

std::vector<Vector> BaseEmbeddingService::embed_texts(std::initializer_list<std::string> texts,
                                                      std::size_t batch_size, EmbeddingMode mode,
                                                      std::stop_token stop) const {
  return embed_texts(std::span(texts.begin(), texts.size()), batch_size, mode, std::move(stop));
}

Vector BaseEmbeddingService::embed_single(const std::string& text, EmbeddingMode mode,
                                          std::stop_token stop) const {
  return std::move(embed_batch(std::span(&text, 1), mode, std::move(stop)).front());
}

std::future<void> BaseEmbeddingService::initialize_async(std::string model_name,
                                                         std::stop_token stop) {
  return std::async(std::launch::async,
                    [this, alive = weak_from_this().lock(), model_name = std::move(model_name),
                     stop = std::move(stop)] { initialize(model_name, stop); });
}

std::future<std::vector<Vector>> BaseEmbeddingService::embed_texts_async(
    std::vector<std::string> texts, std::size_t batch_size, EmbeddingMode mode,
    std::stop_token stop) const {
  return std::async(
      std::launch::async,
      [this, alive = weak_from_this().lock(), texts = std::move(texts), batch_size, mode,
       stop = std::move(stop)] { return embed_texts(texts, batch_size, mode, stop); });
}

std::future<Vector> BaseEmbeddingService::embed_single_async(std::string text, EmbeddingMode mode,
                                                             std::stop_token stop) const {
  return std::async(std::launch::async,
                    [this, alive = weak_from_this().lock(), text = std::move(text), mode,
                     stop = std::move(stop)] { return embed_single(text, mode, stop); });
}

std::future<void> BaseEmbeddingService::close_async() {
  return std::async(std::launch::async, [this, alive = weak_from_this().lock()] { close(); });
}

// --- DenseEmbeddingService

DenseEmbeddingService::DenseEmbeddingService(Engine& engine, EmbeddingServiceOptions options)
    : engine_(engine), options_(std::move(options)) {
  options_.validate();
}

DenseEmbeddingService::~DenseEmbeddingService() {
  DenseEmbeddingService::close();
}

void DenseEmbeddingService::initialize(const std::string& model_name, std::stop_token stop) {
  if (stop.stop_requested()) {
    throw CancelledException("initializing an embedding service was cancelled before it began");
  }
  const std::string id = engine_.resolve(model_name, Task::Embed);
  if (runs(id)) return;
  close();
  Embedder leased = engine_.embedder(id, load_options(options_), std::move(stop));
  const bool free = !options_.keep_warm && !options_.isolated;
  auto loaded = std::make_shared<EmbeddingModel>(std::make_shared<faces::HeldModel<Embedder>>(
      std::move(leased), options_.provider,
      faces::AfterUse{.engine = &engine_, .free = free, .log = options_.log}));
  const std::scoped_lock lock(mutex_);
  model_.swap(loaded);
}

bool DenseEmbeddingService::runs(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  return model_ && model_->is_open() && model_->id() == id;
}

bool DenseEmbeddingService::is_initialized() const {
  const std::scoped_lock lock(mutex_);
  return model_ && model_->is_open();
}

EmbeddingServiceInfo DenseEmbeddingService::get_model_info() const {
  const LocalModelInfo info = model()->get_model_info();
  return {.model_name = info.model_id,
          .dimension = info.dimensions,
          .device = info.device,
          .max_sequence_length = info.max_sequence_length};
}

void DenseEmbeddingService::close() noexcept {
  std::shared_ptr<EmbeddingModel> closing;
  {
    const std::scoped_lock lock(mutex_);
    closing.swap(model_);
  }
  if (closing) closing->close();
}

std::vector<Vector> DenseEmbeddingService::embed_batch(std::span<const std::string> texts,
                                                       EmbeddingMode mode,
                                                       std::stop_token stop) const {
  const std::shared_ptr<EmbeddingModel> model = this->model();
  return mode == EmbeddingMode::Query ? model->embed_queries(texts, std::move(stop))
                                      : model->embed_passages(texts, std::move(stop));
}

std::shared_ptr<EmbeddingModel> DenseEmbeddingService::model() const {
  const std::scoped_lock lock(mutex_);
  if (!model_) {
    throw RoostError(ErrorCode::NotLoaded,
                     "this embedding service has no model: initialize() it, or it was closed");
  }
  return model_;
}

}  // namespace roost

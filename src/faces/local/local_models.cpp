#include "roost/local_models.h"

#include <filesystem>
#include <system_error>
#include <type_traits>
#include <utility>

#include "faces/local/download_meter.h"
#include "faces/local/held_model.h"
#include "roost/error.h"

namespace roost {
namespace {

void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested())
    throw CancelledException("loading a model was cancelled before it began");
}

// The engine that a load goes through; `owned` when it was made for this one model.
struct Home {
  Engine* engine;
  std::shared_ptr<Engine> owned;
};

Home home_of(Engine& engine) {
  return {&engine, nullptr};
}

template <class Options>
Home own_home(const Options& options) {
  if (options.keep_warm) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "keep_warm is set, but without an Engine& the model's engine ends with its "
                     "last handle; load it through an engine of your own");
  }
  EngineOptions engine_options;
  engine_options.provider = options.provider;  // "cpu" opens no GPU library
  auto engine = std::make_shared<Engine>(std::move(engine_options));
  return {engine.get(), engine};
}

Embedder lease(Engine& engine, const std::string& name, const LoadOptions& load,
               std::stop_token stop, std::type_identity<EmbeddingModel>) {
  return engine.embedder(name, load, std::move(stop));
}

Reranker lease(Engine& engine, const std::string& name, const LoadOptions& load,
               std::stop_token stop, std::type_identity<RerankerModel>) {
  return engine.reranker(name, load, std::move(stop));
}

// The engine may tell of a fetch that others have joined after this caller has left it, so the
// meter is shared with it.
void fetch_first(Engine& engine, const std::string& id, bool may_download,
                 const DownloadProgressSink& progress, const std::stop_token& stop) {
  const auto meter = std::make_shared<faces::DownloadMeter>(progress, id);
  if (!engine.files_present(id)) {
    if (!may_download) return;  // the load says why it cannot be
    meter->preparing();
    engine.fetch(
        id, [meter](const FetchProgress& fetched) { meter->update(fetched); }, stop);
  }
  meter->complete();
}

template <class Model>
Model load_model(const Home& home, const std::string& name, const typename Model::Options& options,
                 const DownloadProgressSink& progress, const std::stop_token& stop) {
  if (progress) {
    const std::string id = home.engine->resolve(name, Model::kTask);
    fetch_first(*home.engine, id, !options.disable_auto_download, progress, stop);
  }
  LoadOptions load;
  load.auto_download = !options.disable_auto_download;
  if (options.provider != ExecutionProvider::Auto) load.provider = options.provider;
  load.backend = options.backend;
  auto leased = lease(*home.engine, name, load, stop, std::type_identity<Model>());
  using Wrapped = decltype(leased);
  return Model(std::make_shared<faces::HeldModel<Wrapped>>(
      std::move(leased), options.provider,
      faces::AfterUse{.engine = home.engine, .owned = home.owned, .free = !options.keep_warm}));
}

// A name that can mean nothing but this path; the engine judges it.
std::string name_of_path(const std::string& path) {
  std::error_code unknowable;
  return std::filesystem::absolute(path, unknowable).string();
}

}  // namespace

// --- LocalModel

template <class Model>
Model LocalModel<Model>::load(Engine& engine, const std::string& name, const Options& options,
                              const DownloadProgressSink& progress, std::stop_token stop) {
  options.validate();
  throw_if_stopped(stop);
  return load_model<Model>(home_of(engine), name, options, progress, stop);
}

template <class Model>
Model LocalModel<Model>::load(const std::string& name, const Options& options,
                              const DownloadProgressSink& progress, std::stop_token stop) {
  options.validate();
  throw_if_stopped(stop);
  return load_model<Model>(own_home(options), name, options, progress, stop);
}

template <class Model>
std::future<Model> LocalModel<Model>::load_async(Engine& engine, std::string name, Options options,
                                                 DownloadProgressSink progress,
                                                 std::stop_token stop) {
  return std::async(std::launch::async,
                    [&engine, name = std::move(name), options = std::move(options),
                     progress = std::move(progress), stop = std::move(stop)] {
                      return load(engine, name, options, progress, stop);
                    });
}

template <class Model>
std::future<Model> LocalModel<Model>::load_async(std::string name, Options options,
                                                 DownloadProgressSink progress,
                                                 std::stop_token stop) {
  return std::async(std::launch::async, [name = std::move(name), options = std::move(options),
                                         progress = std::move(progress), stop = std::move(stop)] {
    return load(name, options, progress, stop);
  });
}

template <class Model>
Model LocalModel<Model>::load_from_path(Engine& engine, const std::string& path,
                                        const Options& options, std::stop_token stop) {
  options.validate();
  throw_if_stopped(stop);
  return load_model<Model>(home_of(engine), name_of_path(path), options, {}, stop);
}

template <class Model>
Model LocalModel<Model>::load_from_path(const std::string& path, const Options& options,
                                        std::stop_token stop) {
  options.validate();
  throw_if_stopped(stop);
  return load_model<Model>(own_home(options), name_of_path(path), options, {}, stop);
}

template <class Model>
std::future<Model> LocalModel<Model>::load_from_path_async(Engine& engine, std::string path,
                                                           Options options, std::stop_token stop) {
  return std::async(std::launch::async, [&engine, path = std::move(path),
                                         options = std::move(options), stop = std::move(stop)] {
    return load_from_path(engine, path, options, stop);
  });
}

template <class Model>
std::future<Model> LocalModel<Model>::load_from_path_async(std::string path, Options options,
                                                           std::stop_token stop) {
  return std::async(std::launch::async,
                    [path = std::move(path), options = std::move(options), stop = std::move(stop)] {
                      return load_from_path(path, options, stop);
                    });
}

template class LocalModel<EmbeddingModel>;
template class LocalModel<RerankerModel>;

}  // namespace roost

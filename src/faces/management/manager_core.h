#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "faces/management/download_book.h"
#include "faces/management/executor.h"
#include "faces/management/gate.h"
#include "roost/engine.h"
#include "roost/model_manager.h"

namespace roost::faces {

// What the parts of a ModelManager share. It keeps what the engine has no place for: the
// factories, the listeners, and how downloads went.
struct ManagerCore {
  ManagerCore(std::unique_ptr<Engine> own, Engine* given, mm::ModelManagerConfig config);
  ~ManagerCore();
  void destroy();  // close(); where that would wait for itself: InvalidArgument
  // A second call waits for the first, but from a user's code, which that one may wait for.
  void close();

  // --- looking
  // Those that somebody registered; not what the engine knows by itself ("builtin:...").
  std::vector<roost::ModelStatus> models() const;
  std::uint64_t memory_in_use() const;
  // Throws InvalidModelId, and ModelNotFound with the nearest names.
  ModelRegistration known(const std::string& model_id) const;
  std::optional<ModelRegistration> find(const std::string& model_id) const;  // InvalidModelId
  mm::ModelInfo info_of(const ModelRegistration& registration);
  mm::ModelStatus status_of(const std::string& model_id);
  std::optional<mm::ModelInstance> instance_of(const ModelRegistration& registration);

  // --- registering
  std::shared_ptr<BaseModel> make_model(const mm::ModelInfo& info) const;  // null: no factory
  void register_model(const mm::ModelInfo& given, std::shared_ptr<BaseModel> model);
  void unregister_model(const std::string& model_id);

  // --- working; the caller holds a pass of the gate
  void download(const std::string& model_id, const mm::ProgressCallback& progress,
                std::stop_token stop);
  mm::ModelInstance load(const std::string& model_id, const Value& config, std::stop_token stop);
  void unload(const std::string& model_id, std::stop_token stop);
  void update_config(const std::string& model_id, const Value& patch);
  LoadOptions load_options(const ModelRegistration& registration) const;

  // Runs f(stop) on the executor, inside the gate from now on until f has ended (not until the
  // future is gone, which keeps the task itself).
  template <class F>
  auto run_async(std::stop_token caller, const std::string& what, F f)
      -> std::future<std::invoke_result_t<F&, std::stop_token>> {
    auto pass = std::make_shared<Gate::Pass>(*gate, std::move(caller), what);
    return executor.submit([pass = std::move(pass), f = std::move(f)]() mutable {
      const auto inside = std::move(pass);
      return f(inside->stop());
    });
  }

  void warn(const std::string& text) const { log(LogLevel::Warning, text); }

  const mm::ModelManagerConfig config;
  const LogSink log;
  const std::unique_ptr<Engine> owned;
  Engine& engine;

  const std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  DownloadBook book;
  Executor executor;

  std::condition_variable closing_ended;
  mutable std::mutex mutex;  // guards the next five; never held over a call out
  std::map<ModelType, mm::ModelFactory> factories;
  std::map<mm::ListenerId, Subscription> listeners;
  std::uint64_t next_listener = 1;
  bool destroyed = false, closed = false;  // close() has begun, has ended

  Subscription following;  // keeps the book and the users' models up to date

 private:
  ModelRegistration complete(const mm::ModelInfo& info, const std::shared_ptr<BaseModel>& model);
  void attach(const std::shared_ptr<BaseModel>& model);
  void replace(const ModelRegistration& old, const ModelRegistration& registration);
  void preload(const std::string& model_id);
  void follow(const Event& event);
};

}  // namespace roost::faces

#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "roost/base_model.h"
#include "roost/engine.h"
#include "roost/model_downloads.h"
#include "roost/model_loading.h"
#include "roost/model_management.h"
#include "roost/model_manager_config.h"
#include "roost/model_registry.h"

namespace roost::model_management {

enum class ListenerId : std::uint64_t {};

// Registers, downloads, loads, watches and unloads models, those of the program's own (BaseModel)
// among them. A face over an engine: it adds no truth of its own, so what is done by other doors
// of the engine shows here, and the other way round.
//
// Thread-safe. Calls that may block take a stop token last and have an _async twin. Every call
// with an id throws InvalidModelId for one that no model can have, and, where it needs the model,
// ModelNotFoundException when it is not registered. After destroy() all but the looks throw
// EngineClosed.
class ModelManager {
 public:
  explicit ModelManager(ModelManagerConfig config = {});  // with an engine of its own
  explicit ModelManager(Engine& engine, ModelManagerConfig config = {});  // which must outlive it
  ~ModelManager();                                                        // destroy()
  ModelManager(const ModelManager&) = delete;
  ModelManager& operator=(const ModelManager&) = delete;

  // Details in ModelRegistry, DownloadManager and ModelLoader, which have more of each.
  void register_model_class(ModelType type, ModelFactory factory);
  void register_model(const ModelInfo& info);
  void register_model(const ModelInfo& info, std::shared_ptr<BaseModel> model);

  void download_model(const std::string& model_id, const ProgressCallback& progress = {},
                      std::stop_token stop = {});
  std::future<void> download_model_async(const std::string& model_id,
                                         ProgressCallback progress = {}, std::stop_token stop = {});
  bool cancel_download(const std::string& model_id);

  ModelInstance load_model(const std::string& model_id, const Value& config = {},
                           std::stop_token stop = {});
  std::future<ModelInstance> load_model_async(const std::string& model_id, Value config = {},
                                              std::stop_token stop = {});
  void unload_model(const std::string& model_id, std::stop_token stop = {});
  std::future<void> unload_model_async(const std::string& model_id, std::stop_token stop = {});
  void unload_all_models(std::stop_token stop = {});

  // Calls `f` on a model of the program's own under a lease, so that it stays loaded meanwhile.
  // Loads it first, or throws NotLoaded when enable_auto_load is off. What `f` throws comes out.
  void use(const std::string& model_id, const std::function<void(BaseModel&)>& f,
           std::stop_token stop = {});

  // Unloads and unregisters it. Its files stay where they are.
  void delete_model(const std::string& model_id);

  std::optional<ModelInfo> get_model_info(const std::string& model_id) const;
  std::optional<ModelInstance> get_model_instance(const std::string& model_id) const;
  std::shared_ptr<BaseModel> get_base_model(const std::string& model_id) const;  // or null
  std::map<std::string, ModelInfo> get_all_models() const;
  std::map<std::string, ModelInstance> get_all_instances() const;
  bool is_model_available(const std::string& model_id) const;  // the truth on disk, now
  bool is_model_loaded(const std::string& model_id) const;
  ModelStatus get_model_status(const std::string& model_id) const;
  ModelHealth get_model_health(const std::string& model_id) const;  // of the last probe
  ModelHealth perform_health_check(const std::string& model_id, std::stop_token stop = {});
  std::map<std::string, ModelHealth> perform_all_health_checks(std::stop_token stop = {});

  // Merges `patch` into the model's configuration (a null takes a key away); checked before
  // anything changes, applied to the loaded model at once. `force_cpu` moves a model that is
  // loaded elsewhere to the processor: InUse while it is in use.
  void update_model_config(const std::string& model_id, const Value& patch);
  Value get_model_config(const std::string& model_id) const;

  // Called from the engine's event thread, in order; what a listener throws is logged and stops
  // nobody. After remove_event_listener() it is not called again. False: no such listener.
  ListenerId add_event_listener(ModelEventListener listener);
  bool remove_event_listener(ListenerId id);

  ModelManagerStatistics get_statistics() const;
  ModelManagerState get_state() const;
  ModelUsageStats get_usage_stats(const std::string& model_id) const;

  // Runs a probe and says what is wrong.
  HealthStatus get_health_status(const std::string& model_id, std::stop_token stop = {});

  ModelRegistry& get_registry();
  DownloadManager& get_download_manager();
  ModelLoader& get_loader();
  const ModelManagerConfig& config() const;
  Engine& engine();  // for what a manager does not do: leases, embedding, plans, memory

  // Cancels what runs (its callers get CancelledException), waits for it, and closes an engine
  // of its own; models of a given engine stay as they are. Idempotent: a second call waits for the
  // first, but from a model's own functions, which that one waits for. From an event listener, a
  // download's progress, a load or a use of a model: InvalidArgument, and nothing changes; the
  // destructor there is fatal with an engine of its own.
  void destroy();

 private:
  const std::unique_ptr<faces::ManagerCore> core_;
  ModelRegistry registry_;
  DownloadManager downloads_;
  ModelLoader loader_;
};

}  // namespace roost::model_management

namespace roost {
using model_management::ModelManager;
}

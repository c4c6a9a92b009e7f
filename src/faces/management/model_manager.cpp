#include "roost/model_manager.h"

#include <utility>

#include "faces/management/base_model_adapter.h"
#include "faces/management/manager_config.h"
#include "faces/management/manager_core.h"
#include "faces/management/registration.h"
#include "roost/error.h"

namespace roost::model_management {
namespace {

std::unique_ptr<faces::ManagerCore> with_own_engine(ModelManagerConfig config) {
  config.validate();
  auto engine = std::make_unique<Engine>(faces::engine_options(config));
  return std::make_unique<faces::ManagerCore>(std::move(engine), nullptr, std::move(config));
}

std::unique_ptr<faces::ManagerCore> over(Engine& engine, ModelManagerConfig config) {
  config.validate();
  faces::check_engine_options_untouched(config);
  return std::make_unique<faces::ManagerCore>(nullptr, &engine, std::move(config));
}

std::optional<ModelEventType> event_type(EventKind kind) {
  switch (kind) {
    case EventKind::DownloadStart:
      return ModelEventType::DownloadStart;
    case EventKind::DownloadProgress:
      return ModelEventType::DownloadProgress;
    case EventKind::DownloadComplete:
      return ModelEventType::DownloadComplete;
    case EventKind::DownloadError:
      return ModelEventType::DownloadError;
    case EventKind::LoadStart:
      return ModelEventType::LoadStart;
    case EventKind::LoadComplete:
      return ModelEventType::LoadComplete;
    case EventKind::LoadError:
    case EventKind::LoadCancelled:
      return ModelEventType::LoadError;
    case EventKind::Unload:
      return ModelEventType::Unload;
    case EventKind::HealthChange:
      return ModelEventType::HealthChange;
    case EventKind::ConfigUpdate:
      return ModelEventType::ConfigUpdate;
    default:
      return std::nullopt;
  }
}

ModelEvent to_model_event(ModelEventType type, const Event& event) {
  ModelEvent result{type, event.model, event.at, event.data};
  if (event.kind == EventKind::LoadCancelled) {  // the document's manager knows it as an error
    result.data["code"] = to_string(ErrorCode::Cancelled);
    result.data["message"] = "the load was cancelled";
    result.data["retry_after_ms"] = 0;
  }
  return result;
}

}  // namespace

ModelManager::ModelManager(ModelManagerConfig config)
    : core_(with_own_engine(std::move(config))),
      registry_(*core_),
      downloads_(*core_),
      loader_(*core_) {}

ModelManager::ModelManager(Engine& engine, ModelManagerConfig config)
    : core_(over(engine, std::move(config))),
      registry_(*core_),
      downloads_(*core_),
      loader_(*core_) {}

ModelManager::~ModelManager() {
  core_->close();
}

void ModelManager::destroy() {
  core_->destroy();
}

ModelRegistry& ModelManager::get_registry() {
  return registry_;
}
DownloadManager& ModelManager::get_download_manager() {
  return downloads_;
}
ModelLoader& ModelManager::get_loader() {
  return loader_;
}
const ModelManagerConfig& ModelManager::config() const {
  return core_->config;
}
Engine& ModelManager::engine() {
  return core_->engine;
}

void ModelManager::register_model_class(ModelType type, ModelFactory factory) {
  registry_.register_model_class(type, std::move(factory));
}
void ModelManager::register_model(const ModelInfo& info) {
  registry_.register_model(info);
}
void ModelManager::register_model(const ModelInfo& info, std::shared_ptr<BaseModel> model) {
  registry_.register_model(info, std::move(model));
}
void ModelManager::delete_model(const std::string& model_id) {
  registry_.unregister_model(model_id);
}

void ModelManager::download_model(const std::string& model_id, const ProgressCallback& progress,
                                  std::stop_token stop) {
  downloads_.download_model(model_id, progress, std::move(stop));
}
std::future<void> ModelManager::download_model_async(const std::string& model_id,
                                                     ProgressCallback progress,
                                                     std::stop_token stop) {
  return downloads_.download_model_async(model_id, std::move(progress), std::move(stop));
}
bool ModelManager::cancel_download(const std::string& model_id) {
  return downloads_.cancel_download(model_id);
}

ModelInstance ModelManager::load_model(const std::string& model_id, const Value& config,
                                       std::stop_token stop) {
  return loader_.load_model(model_id, config, std::move(stop));
}
std::future<ModelInstance> ModelManager::load_model_async(const std::string& model_id, Value config,
                                                          std::stop_token stop) {
  return loader_.load_model_async(model_id, std::move(config), std::move(stop));
}
void ModelManager::unload_model(const std::string& model_id, std::stop_token stop) {
  loader_.unload_model(model_id, std::move(stop));
}
std::future<void> ModelManager::unload_model_async(const std::string& model_id,
                                                   std::stop_token stop) {
  return loader_.unload_model_async(model_id, std::move(stop));
}
void ModelManager::unload_all_models(std::stop_token stop) {
  loader_.unload_all_models(std::move(stop));
}

void ModelManager::use(const std::string& model_id, const std::function<void(BaseModel&)>& f,
                       std::stop_token stop) {
  const faces::Gate::Pass pass(*core_->gate, std::move(stop), "using '" + model_id + "'");
  const ModelRegistration registration = core_->known(model_id);
  const auto model = faces::adapted_model(registration.backend);
  if (!model) {
    throw RoostError(
        ErrorCode::Unsupported,
        "using '" + model_id + "': it is no model of the program's own; lease it from engine()");
  }
  const Value* own = registration.options.config.find("auto_load");
  const bool auto_load = own ? own->as_bool() : core_->config.enable_auto_load;
  if (!auto_load && core_->engine.status(model_id).state != ModelState::Loaded) {
    throw RoostError(ErrorCode::NotLoaded,
                     "using '" + model_id +
                         "': it is not loaded and enable_auto_load is off; load_model() it first");
  }
  const ModelHandle handle =
      core_->engine.model(model_id, core_->load_options(registration), pass.stop());
  model->mark_used();
  handle.with([&](Model&) { f(*model); });
}

std::optional<ModelInfo> ModelManager::get_model_info(const std::string& model_id) const {
  return registry_.get_model_info(model_id);
}
std::map<std::string, ModelInfo> ModelManager::get_all_models() const {
  std::map<std::string, ModelInfo> all;
  for (ModelInfo& info : registry_.get_all_models()) {
    std::string id = info.model_id;
    all.emplace(std::move(id), std::move(info));
  }
  return all;
}
std::optional<ModelInstance> ModelManager::get_model_instance(const std::string& model_id) const {
  return loader_.get_loaded_model(model_id);
}
std::map<std::string, ModelInstance> ModelManager::get_all_instances() const {
  return loader_.get_all_loaded_models();
}
std::shared_ptr<BaseModel> ModelManager::get_base_model(const std::string& model_id) const {
  return faces::adapted_model(core_->known(model_id).backend);
}
bool ModelManager::is_model_available(const std::string& model_id) const {
  return downloads_.is_downloaded(model_id);
}
bool ModelManager::is_model_loaded(const std::string& model_id) const {
  return loader_.is_model_loaded(model_id);
}
ModelStatus ModelManager::get_model_status(const std::string& model_id) const {
  core_->known(model_id);
  return core_->status_of(model_id);
}
ModelHealth ModelManager::get_model_health(const std::string& model_id) const {
  return loader_.get_model_health(model_id);
}
ModelHealth ModelManager::perform_health_check(const std::string& model_id, std::stop_token stop) {
  return loader_.perform_health_check(model_id, std::move(stop));
}
std::map<std::string, ModelHealth> ModelManager::perform_all_health_checks(std::stop_token stop) {
  return loader_.perform_all_health_checks(std::move(stop));
}

void ModelManager::update_model_config(const std::string& model_id, const Value& patch) {
  const faces::Gate::Pass pass(*core_->gate, {}, "configuring '" + model_id + "'");
  core_->update_config(model_id, patch);
}
Value ModelManager::get_model_config(const std::string& model_id) const {
  return core_->known(model_id).options.config;
}

ListenerId ModelManager::add_event_listener(ModelEventListener listener) {
  const faces::Gate::Pass pass(*core_->gate, {}, "adding an event listener");
  if (!listener) throw RoostError(ErrorCode::InvalidArgument, "the event listener is empty");
  Subscription subscription =
      core_->engine.subscribe([listener = std::move(listener)](const Event& event) {
        if (const auto type = event_type(event.kind)) listener(to_model_event(*type, event));
      });
  const std::lock_guard lock(core_->mutex);
  const auto id = static_cast<ListenerId>(core_->next_listener++);
  core_->listeners.emplace(id, std::move(subscription));
  return id;
}

bool ModelManager::remove_event_listener(ListenerId id) {
  Subscription ending;  // ends without the lock: it waits for a call that runs
  {
    const std::lock_guard lock(core_->mutex);
    const auto found = core_->listeners.find(id);
    if (found == core_->listeners.end()) return false;
    ending = std::move(found->second);
    core_->listeners.erase(found);
  }
  return true;
}

}  // namespace roost::model_management

#include "roost/model_loading.h"

#include <utility>

#include "faces/management/manager_config.h"
#include "faces/management/manager_core.h"
#include "roost/error.h"

namespace roost::model_management {
namespace {

std::string loading(const std::string& model_id) {
  return "loading '" + model_id + "'";
}
std::string unloading(const std::string& model_id) {
  return "unloading '" + model_id + "'";
}
std::string probing(const std::string& model_id) {
  return "checking '" + model_id + "'";
}

std::map<std::string, ModelHealth> probe_all(faces::ManagerCore& core,
                                             const std::stop_token& stop) {
  std::map<std::string, ModelHealth> results;
  for (const roost::ModelStatus& status : core.models()) {
    if (status.state != ModelState::Loaded) continue;
    results.emplace(status.id, core.engine.check_health(status.id, stop));
  }
  return results;
}

}  // namespace

ModelInstance ModelLoader::load_model(const std::string& model_id, const Value& config,
                                      std::stop_token stop) {
  const faces::Gate::Pass pass(*core_->gate, std::move(stop), loading(model_id));
  return core_->load(model_id, config, pass.stop());
}

std::future<ModelInstance> ModelLoader::load_model_async(const std::string& model_id, Value config,
                                                         std::stop_token stop) {
  return core_->run_async(
      std::move(stop), loading(model_id),
      [core = core_, model_id, config = std::move(config)](std::stop_token token) {
        return core->load(model_id, config, std::move(token));
      });
}

void ModelLoader::unload_model(const std::string& model_id, std::stop_token stop) {
  const faces::Gate::Pass pass(*core_->gate, std::move(stop), unloading(model_id));
  core_->unload(model_id, pass.stop());
}

std::future<void> ModelLoader::unload_model_async(const std::string& model_id,
                                                  std::stop_token stop) {
  return core_->run_async(std::move(stop), unloading(model_id),
                          [core = core_, model_id](std::stop_token token) {
                            core->unload(model_id, std::move(token));
                          });
}

void ModelLoader::unload_all_models(std::stop_token stop) {
  const faces::Gate::Pass pass(*core_->gate, std::move(stop), "unloading all models");
  core_->engine.unload_all({}, std::nullopt, pass.stop());
}

std::future<void> ModelLoader::unload_all_models_async(std::stop_token stop) {
  return core_->run_async(std::move(stop), "unloading all models",
                          [core = core_](std::stop_token token) {
                            core->engine.unload_all({}, std::nullopt, std::move(token));
                          });
}

std::optional<ModelInstance> ModelLoader::get_loaded_model(const std::string& model_id) const {
  const auto registration = core_->find(model_id);
  if (!registration) return std::nullopt;
  return core_->instance_of(*registration);
}

std::map<std::string, ModelInstance> ModelLoader::get_all_loaded_models() const {
  std::map<std::string, ModelInstance> all;
  for (const roost::ModelStatus& status : core_->models()) {
    const auto registration = core_->engine.registration(status.id);
    if (!registration) continue;  // unregistered meanwhile
    if (auto instance = core_->instance_of(*registration)) {
      all.emplace(status.id, *std::move(instance));
    }
  }
  return all;
}

bool ModelLoader::is_model_loaded(const std::string& model_id) const {
  core_->known(model_id);
  return core_->engine.status(model_id).state == ModelState::Loaded;
}

std::size_t ModelLoader::get_loaded_model_count() const {
  return get_loading_statistics().loaded;
}

ModelHealth ModelLoader::get_model_health(const std::string& model_id) const {
  core_->known(model_id);
  return core_->engine.status(model_id).health;
}

ModelHealth ModelLoader::perform_health_check(const std::string& model_id, std::stop_token stop) {
  const faces::Gate::Pass pass(*core_->gate, std::move(stop), probing(model_id));
  core_->known(model_id);
  return core_->engine.check_health(model_id, pass.stop());
}

std::future<ModelHealth> ModelLoader::perform_health_check_async(const std::string& model_id,
                                                                 std::stop_token stop) {
  return core_->run_async(std::move(stop), probing(model_id),
                          [core = core_, model_id](std::stop_token token) {
                            core->known(model_id);
                            return core->engine.check_health(model_id, std::move(token));
                          });
}

std::map<std::string, ModelHealth> ModelLoader::perform_all_health_checks(std::stop_token stop) {
  const faces::Gate::Pass pass(*core_->gate, std::move(stop), "checking all models");
  return probe_all(*core_, pass.stop());
}

std::future<std::map<std::string, ModelHealth>> ModelLoader::perform_all_health_checks_async(
    std::stop_token stop) {
  return core_->run_async(
      std::move(stop), "checking all models",
      [core = core_](std::stop_token token) { return probe_all(*core, token); });
}

LoadingStatistics ModelLoader::get_loading_statistics() const {
  LoadingStatistics statistics;
  for (const roost::ModelStatus& status : core_->models()) {
    statistics.loading += status.state == ModelState::Loading;
    statistics.loaded += status.state == ModelState::Loaded;
    statistics.error += status.state == ModelState::Error;
  }
  statistics.total_memory_usage = core_->memory_in_use();
  statistics.total_loaded = statistics.loading + statistics.loaded + statistics.error;
  return statistics;
}

int ModelLoader::get_max_concurrent_loads() const {
  return core_->config.max_concurrent_loads;
}

void ModelLoader::set_max_concurrent_loads(int max) {
  faces::refuse_other_limit("max_concurrent_loads", max, get_max_concurrent_loads());
}

std::chrono::milliseconds ModelLoader::get_load_timeout() const {
  return core_->config.load_timeout;
}

void ModelLoader::set_load_timeout(std::chrono::milliseconds timeout) {
  faces::refuse_other_limit("load_timeout", timeout.count(), get_load_timeout().count());
}

}  // namespace roost::model_management

// What a ModelManager tells of itself. Each report is worked out from one look at the engine.
#include <chrono>
#include <string>

#include "faces/management/manager_core.h"
#include "faces/management/registration.h"
#include "roost/error.h"
#include "roost/model_manager.h"

namespace roost::model_management {

ModelManagerStatistics ModelManager::get_statistics() const {
  ModelManagerStatistics statistics;
  for (const roost::ModelStatus& model : core_->models()) {
    ++statistics.total_models;
    statistics.downloaded_models += model.files == FetchState::Present;
    statistics.active_downloads += model.files == FetchState::Fetching;
    statistics.loaded_models += model.state == ModelState::Loaded;
    statistics.active_loads += model.state == ModelState::Loading;
  }
  statistics.total_memory_usage = core_->memory_in_use();
  return statistics;
}

ModelManagerState ModelManager::get_state() const {
  ModelManagerState state;
  for (const roost::ModelStatus& status : core_->models()) {
    const auto registration = core_->engine.registration(status.id);
    if (!registration) continue;  // unregistered meanwhile
    state.models.emplace(status.id, faces::to_info(*registration, status));
    if (status.state == ModelState::Loaded || status.state == ModelState::Error) {
      state.instances.emplace(status.id, faces::to_instance(*registration, status));
    }
    state.is_downloading = state.is_downloading || status.files == FetchState::Fetching;
    state.is_loading = state.is_loading || status.state == ModelState::Loading;
  }
  state.download_progress = core_->book.all();
  state.last_update = std::chrono::system_clock::now();
  return state;
}

ModelUsageStats ModelManager::get_usage_stats(const std::string& model_id) const {
  core_->known(model_id);
  if (!core_->config.usage_tracking_enabled) {
    throw RoostError(
        ErrorCode::Unsupported,
        "usage of '" + model_id + "': ModelManagerConfig.usage_tracking_enabled is off");
  }
  const UsageReport usage = core_->engine.usage(model_id);
  const roost::ModelStatus status = core_->engine.status(model_id);
  ModelUsageStats stats;
  stats.total_requests = usage.requests;
  stats.successful_requests = usage.successes;
  stats.failed_requests = usage.failures;
  if (usage.requests > 0) {
    stats.average_processing_time = usage.total_ms / static_cast<double>(usage.requests);
  }
  stats.last_used = usage.last_used ? usage.last_used : status.last_used;
  stats.memory_usage = status.footprint[MemoryId::Host];
  stats.gpu_usage = (status.footprint - MemoryVector::host(stats.memory_usage)).total();
  return stats;
}

HealthStatus ModelManager::get_health_status(const std::string& model_id, std::stop_token stop) {
  const ModelHealth health = perform_health_check(model_id, std::move(stop));
  const roost::ModelStatus status = core_->engine.status(model_id);
  const UsageReport usage = core_->engine.usage(model_id);
  HealthStatus report;
  report.last_health_check = std::chrono::system_clock::now();
  report.is_healthy = health == ModelHealth::Healthy;
  if (!report.is_healthy) {
    report.issues.push_back("health is " + std::string(to_string(health)) +
                            (status.health_reason.empty() ? "" : ": " + status.health_reason));
  }
  if (status.state != ModelState::Loaded) report.issues.push_back("it is not loaded");
  if (!status.last_failure.empty()) report.issues.push_back(status.last_failure);
  if (usage.requests > 0) {
    const auto requests = static_cast<double>(usage.requests);
    report.performance.average_response_time = usage.total_ms / requests;
    report.performance.error_rate = static_cast<double>(usage.failures) / requests;
    if (usage.total_ms > 0) report.performance.throughput = requests / (usage.total_ms / 1e3);
  }
  return report;
}

}  // namespace roost::model_management

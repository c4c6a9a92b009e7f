#include <array>
#include <utility>

#include "faces/management/words.h"
#include "roost/model_management.h"

namespace roost::model_management {
namespace {

constexpr std::array<std::pair<ModelStatus, std::string_view>, 6> kStatuses = {{
    {ModelStatus::NotDownloaded, "not_downloaded"},
    {ModelStatus::Downloading, "downloading"},
    {ModelStatus::Downloaded, "downloaded"},
    {ModelStatus::Loading, "loading"},
    {ModelStatus::Loaded, "loaded"},
    {ModelStatus::Error, "error"},
}};

constexpr std::array<std::pair<ModelHealth, std::string_view>, 4> kHealths = {{
    {ModelHealth::Healthy, "healthy"},
    {ModelHealth::Degraded, "degraded"},
    {ModelHealth::Unhealthy, "unhealthy"},
    {ModelHealth::Unknown, "unknown"},
}};

constexpr std::array<std::pair<ModelEventType, std::string_view>, 10> kEvents = {{
    {ModelEventType::DownloadStart, "download_start"},
    {ModelEventType::DownloadProgress, "download_progress"},
    {ModelEventType::DownloadComplete, "download_complete"},
    {ModelEventType::DownloadError, "download_error"},
    {ModelEventType::LoadStart, "load_start"},
    {ModelEventType::LoadComplete, "load_complete"},
    {ModelEventType::LoadError, "load_error"},
    {ModelEventType::Unload, "unload"},
    {ModelEventType::HealthChange, "health_change"},
    {ModelEventType::ConfigUpdate, "config_update"},
}};

}  // namespace

std::string_view to_string(ModelStatus status) { return faces::word_of(kStatuses, status); }
std::optional<ModelStatus> parse_model_status(std::string_view name) {
  return faces::value_of(kStatuses, name);
}
std::optional<ModelHealth> parse_model_health(std::string_view name) {
  return faces::value_of(kHealths, name);
}
std::string_view to_string(ModelEventType type) { return faces::word_of(kEvents, type); }
std::optional<ModelEventType> parse_model_event_type(std::string_view name) {
  return faces::value_of(kEvents, name);
}

}  // namespace roost::model_management

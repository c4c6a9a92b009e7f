#include "faces/management/manager_config.h"

#include <string>

#include "roost/error.h"
#include "roost/ids.h"

namespace roost::faces {
namespace {

using mm::ModelManagerConfig;
using std::chrono::milliseconds;

[[noreturn]] void reject(const char* option, const std::string& value, const std::string& allowed) {
  throw RoostError(ErrorCode::InvalidArgument, "ModelManagerConfig." + std::string(option) +
                                                   " is " + value + ", allowed is " + allowed);
}

[[noreturn]] void refuse(const char* option, const std::string& way_on) {
  throw RoostError(ErrorCode::Unsupported,
                   "ModelManagerConfig." + std::string(option) + " is not supported: " + way_on);
}

void check_limit(const char* option, int value) {
  if (value < 1) reject(option, std::to_string(value), "1 or more");
}

void check_time(const char* option, milliseconds value) {
  if (value.count() < 0) reject(option, std::to_string(value.count()) + " ms", "0 or more");
}

void check_tracker(const mm::UsageTrackerConfig& tracker) {
  const char* const kIdle = "a model has one delay in all memories, auto_unload_delay";
  if (tracker.vram_idle) refuse("usage_tracker.vram_idle", kIdle);
  if (tracker.ram_idle) refuse("usage_tracker.ram_idle", kIdle);
  if (tracker.pressure_threshold != 0.8) {
    refuse("usage_tracker.pressure_threshold", "pressure levels are at 60, 80 and 90 %");
  }
  if (tracker.pressure_check_interval) {
    check_time("usage_tracker.pressure_check_interval", *tracker.pressure_check_interval);
  }
  for (const auto& [id, delay] : tracker.overrides) {
    check_model_id(id);
    check_time("usage_tracker.overrides", delay);
  }
  if (tracker.night_hours) {
    refuse("usage_tracker.night_hours",
           "change auto_unload_delay of the models by the clock instead");
  }
  if (!tracker.priority_unloading) {
    refuse("usage_tracker.priority_unloading", "lower priorities are always unloaded first");
  }
}

}  // namespace

void check_engine_options_untouched(const ModelManagerConfig& config) {
  const ModelManagerConfig usual;
  const auto keep = [](const char* option, bool untouched) {
    if (!untouched) refuse(option, "this engine was made with its own; set it in EngineOptions");
  };
  keep("max_concurrent_downloads",
       config.max_concurrent_downloads == usual.max_concurrent_downloads);
  keep("max_concurrent_loads", config.max_concurrent_loads == usual.max_concurrent_loads);
  keep("download_timeout", config.download_timeout == usual.download_timeout);
  keep("load_timeout", config.load_timeout == usual.load_timeout);
  keep("cache_size", !config.cache_size);
  keep("health_check_interval", config.health_check_interval == usual.health_check_interval);
  keep("usage_tracker.pressure_check_interval", !config.usage_tracker.pressure_check_interval);
}

EngineOptions engine_options(const ModelManagerConfig& config) {
  EngineOptions options = config.engine;
  options.max_concurrent_downloads = static_cast<std::size_t>(config.max_concurrent_downloads);
  options.max_concurrent_loads = static_cast<std::size_t>(config.max_concurrent_loads);
  options.download_timeout = config.download_timeout;
  options.load_timeout = config.load_timeout;
  options.health_interval = config.health_check_interval;
  if (config.cache_size) options.cache_bytes = config.cache_size;
  if (config.usage_tracker.pressure_check_interval) {
    options.pressure_interval = *config.usage_tracker.pressure_check_interval;
  }
  if (!options.log) options.log = config.log;
  return options;
}

void refuse_other_limit(const char* option, std::int64_t wanted, std::int64_t now) {
  if (wanted == now) return;
  if (wanted < 0) reject(option, std::to_string(wanted), "0 or more");
  throw RoostError(ErrorCode::Unsupported,
                   "setting " + std::string(option) + " from " + std::to_string(now) + " to " +
                       std::to_string(wanted) +
                       ": limits are fixed when the engine is made; give it to ModelManagerConfig");
}

milliseconds unload_delay(const ModelManagerConfig& config, const std::string& id) {
  const auto own = config.usage_tracker.overrides.find(id);
  return own == config.usage_tracker.overrides.end() ? config.auto_unload_delay : own->second;
}

}  // namespace roost::faces

namespace roost::model_management {

void ModelManagerConfig::validate() const {
  using namespace roost::faces;
  check_limit("max_concurrent_downloads", max_concurrent_downloads);
  check_limit("max_concurrent_loads", max_concurrent_loads);
  check_time("download_timeout", download_timeout);
  check_time("load_timeout", load_timeout);
  check_time("auto_unload_delay", auto_unload_delay);
  check_time("health_check_interval", health_check_interval);
  if (cleanup_interval.count() != 0) {
    refuse("cleanup_interval", "memory is given back at once, nothing waits for a clean-up");
  }
  if (!download_directory.empty()) {
    check_text("ModelManagerConfig.download_directory", download_directory, 4'096);
    if (!download_directory.starts_with('/') ||
        download_directory.find("..") != std::string::npos) {
      reject("download_directory", "'" + printable(download_directory) + "'",
             "an absolute path without '..'");
    }
  }
  for (const std::string& id : preload_models) check_model_id(id);
  check_tracker(usage_tracker);
  if (retry) refuse("retry", "failures are remembered with EngineOptions::backoff_first");
  engine.validate();
}

}  // namespace roost::model_management

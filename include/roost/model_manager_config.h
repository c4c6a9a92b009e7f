#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "roost/log.h"
#include "roost/options.h"

namespace roost::model_management {

// What a usage tracker can be told. A set option that the pool does not do that way is refused
// as Unsupported, with what does the job instead; none is ignored.
struct UsageTrackerConfig {
  std::optional<std::chrono::milliseconds> vram_idle = {}, ram_idle = {};  // use auto_unload_delay
  double pressure_threshold = 0.8;  // levels are fixed at 60, 80 and 90 %
  std::optional<std::chrono::milliseconds> pressure_check_interval = {};
  std::map<std::string, std::chrono::milliseconds> overrides = {};  // auto_unload_delay by model id
  std::optional<std::pair<int, int>> night_hours =
      {};                          // not supported: delays hold by day and night
  bool priority_unloading = true;  // false is not supported
};

// Retries of a failed download. The engine remembers failures with its own back-off
// (EngineOptions::backoff_first) instead, so a set policy is refused.
struct RetryPolicy {
  int attempts = 3;
  std::chrono::milliseconds base_delay{1'000}, max_delay{10'000};
  double factor = 2;
};

// Options of a ModelManager. Those marked (engine) are what its own engine is made with; a manager
// over an engine of yours takes them only at their defaults and lets the engine's own hold.
struct ModelManagerConfig {
  int max_concurrent_downloads = 3;                     // (engine) more wait, by priority
  int max_concurrent_loads = 2;                         // (engine) likewise
  std::chrono::milliseconds download_timeout{300'000};  // (engine) of one; 0: none
  std::chrono::milliseconds load_timeout{120'000};      // (engine) likewise
  std::string download_directory = {};  // absolute; for models of your own; empty: theirs to choose
  bool enable_auto_download = true;     // a load gets absent files; else it is an error
  bool enable_auto_load = true;         // a use loads what is not loaded; else NotLoaded
  std::chrono::milliseconds auto_unload_delay{0};      // after this long unused; 0: never
  std::optional<std::uint64_t> cache_size = {};        // (engine) bytes kept warm in host memory
  std::chrono::milliseconds cleanup_interval{0};       // memory is given back at once: 0 only
  std::chrono::milliseconds health_check_interval{0};  // (engine) 0: only when asked
  bool usage_tracking_enabled = true;                  // false: usage statistics are refused
  bool preload_enabled = true;
  std::vector<std::string> preload_models = {};  // loaded and pinned as soon as registered
  bool disable_model_downloads = false;          // every download is refused
  UsageTrackerConfig usage_tracker = {};
  std::optional<RetryPolicy> retry = {};
  LogSink log = {};           // warnings; empty: standard error
  EngineOptions engine = {};  // (engine) all else; its limits and timeouts are set from those above

  // Throws InvalidArgument, InvalidModelId or Unsupported naming the option.
  void validate() const;
};

}  // namespace roost::model_management

namespace roost {
using model_management::ModelManagerConfig;
}

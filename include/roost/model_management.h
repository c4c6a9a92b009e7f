#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "roost/backend.h"
#include "roost/lifecycle.h"
#include "roost/model_types.h"
#include "roost/value.h"

// The words of ModelManager and BaseModel. They have a namespace of their own because the engine
// uses some of the same words for what it knows of a model; `using namespace
// roost::model_management` brings in all that a program over ModelManager needs.
namespace roost::model_management {

using roost::ModelType;
using ModelHealth = roost::Health;  // Healthy, Degraded, Unhealthy, Unknown
using WallTime = std::chrono::system_clock::time_point;

// What a model is to its manager: worked out from the engine and the disk whenever it is asked.
// A model that is being unloaded is Downloaded: it can no longer be used.
enum class ModelStatus : std::uint8_t {
  NotDownloaded,
  Downloading,
  Downloaded,
  Loading,
  Loaded,
  Error,
};
std::string_view to_string(ModelStatus status);  // "not_downloaded", ...
std::optional<ModelStatus> parse_model_status(std::string_view name);
std::optional<ModelHealth> parse_model_health(std::string_view name);

// All that is known of a model. The first block is said by who registers it; the second is found
// out by the manager when asked, and ignored on registration.
struct ModelInfo {
  std::string model_id = {};
  ModelType model_type = ModelType::Unknown;
  std::string repo_id = {};  // "owner/name[@revision]", "builtin:lexical", "file:/absolute/path"
  std::string description = {};
  std::uint64_t total_size_estimate = 0;  // bytes
  std::uint64_t file_count_estimate = 0;
  std::string name = {};
  std::string version = {};
  std::vector<std::string> tags = {};
  Value metadata = Value::Object{};
  std::string file_path = {};
  std::string hash = {};
  std::vector<std::string> components = {};
  Value requirements = Value::Object{};
  Value capabilities = Value::Object{};
  Value unknown = Value::Object{};  // fields of other programs, kept as they came

  ModelStatus status = ModelStatus::NotDownloaded;
  ModelHealth health = ModelHealth::Unknown;
  std::vector<std::string> loaded_on_devices = {};
  std::uint64_t memory_usage = 0;  // bytes, measured
  Value performance = Value::Object{};
  std::optional<WallTime> last_updated = {};

  // snake_case keys; times as milliseconds since 1970.
  Value to_value() const;
  // Takes snake_case and camelCase keys; keeps fields it does not know. Throws InvalidArgument
  // naming the field whose kind is wrong.
  static ModelInfo from_value(const Value& value);
};

struct FieldError {
  std::string field = {};
  std::string problem = {};
};

// A model in memory, or one whose load failed (then `error` says why). A copy.
struct ModelInstance {
  std::string model_id = {};
  ModelType model_type = ModelType::Unknown;
  ModelStatus status = ModelStatus::NotDownloaded;
  ModelHealth health = ModelHealth::Unknown;
  Value config = {};
  std::optional<WallTime> loaded_at = {}, last_used = {};
  std::string error = {};
  Value metadata = {};
};

struct ModelDownloadProgress {
  std::string model_id = {};
  ModelStatus status = ModelStatus::NotDownloaded;
  double progress = 0;  // percent, 0..100; never falls; 100 exactly once, at the end
  double fraction = 0;  // the same, 0..1
  std::uint64_t downloaded_bytes = 0, total_bytes = 0;
  std::string current_file = {};
  std::string error = {};
  std::optional<WallTime> start_time = {};
  std::optional<std::chrono::milliseconds> estimated_time_remaining = {};
};
using ProgressCallback = std::function<void(const ModelDownloadProgress&)>;

enum class ModelEventType : std::uint8_t {
  DownloadStart,
  DownloadProgress,
  DownloadComplete,
  DownloadError,
  LoadStart,
  LoadComplete,
  LoadError,
  Unload,
  HealthChange,
  ConfigUpdate,
};
std::string_view to_string(ModelEventType type);  // "download_start", ...
std::optional<ModelEventType> parse_model_event_type(std::string_view name);

struct ModelEvent {
  ModelEventType type = ModelEventType::LoadStart;
  std::string model_id = {};
  WallTime timestamp = {};
  Value data = {};  // as in docs/events.md
};
using ModelEventListener = std::function<void(const ModelEvent&)>;

struct ModelManagerStatistics {
  std::size_t total_models = 0, downloaded_models = 0, loaded_models = 0;
  std::size_t active_downloads = 0, active_loads = 0;
  std::uint64_t total_memory_usage = 0;  // bytes, measured
};

struct ModelManagerState {
  std::map<std::string, ModelInfo> models = {};
  std::map<std::string, ModelInstance> instances = {};
  std::map<std::string, ModelDownloadProgress> download_progress = {};
  bool is_downloading = false, is_loading = false;
  WallTime last_update = {};
};

struct DownloadStatistics {
  std::size_t total_downloads = 0, active = 0, completed = 0, failed = 0;
  std::uint64_t total_bytes_downloaded = 0;
};

struct LoadingStatistics {
  std::size_t total_loaded = 0;  // instances: loading, loaded and failed
  std::size_t loading = 0, loaded = 0, error = 0;
  std::uint64_t total_memory_usage = 0;
};

struct ModelUsageStats {
  std::uint64_t total_requests = 0, successful_requests = 0, failed_requests = 0;
  double average_processing_time = 0;  // milliseconds
  std::optional<WallTime> last_used = {};
  std::uint64_t memory_usage = 0, gpu_usage = 0;  // bytes, measured
};

struct HealthStatus {
  bool is_healthy = false;
  WallTime last_health_check = {};
  std::vector<std::string> issues = {};
  struct Performance {
    double average_response_time = 0;  // milliseconds
    double error_rate = 0;             // 0..1
    double throughput = 0;             // requests per second of work
  } performance;
};

struct ModelCapabilities {
  bool batch_processing = false;
  bool gpu_acceleration = false;
  bool streaming = false;
  bool real_time = false;
  bool multilingual = false;
  bool custom_weights = false;
};

// Configurations with names, for the free-form `config` of models of three types. A key of theirs
// is checked by every manager: threshold and the like in 0..1, sizes and counts above 0.
struct CaptionConfig {
  double threshold = 0.2;
  bool force_cpu = false;
  int batch_size = 1;
  int max_length = 256;
  bool post_process = true;
  Value to_value() const;
};
struct DetectionConfig {
  double confidence = 0.5;
  double nms_threshold = 0.5;
  int max_detections = 100;
  int input_size = 640;
  Value to_value() const;
};
struct EmbeddingConfig {
  int dimension = 384;
  bool normalize = true;
  int batch_size = 32;
  int max_sequence_length = 512;
  Value to_value() const;
};

// The form in which a manager keeps a configuration: keys it knows by a camelCase name
// ("forceCpu") get their snake_case one. Throws InvalidArgument when it is no object, when a key
// it knows has a wrong value, or when a key is there under both names.
Value normalized_config(const Value& config);

}  // namespace roost::model_management

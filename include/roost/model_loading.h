#pragma once

#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "roost/model_management.h"

namespace roost::faces {
struct ManagerCore;
}

namespace roost::model_management {

// A manager's loads and what is loaded. Thread-safe.
class ModelLoader {
 public:
  explicit ModelLoader(faces::ManagerCore& core) : core_(&core) {}

  // Returns once it is loaded; `config` is merged into the model's configuration first. Absent
  // files are fetched if that is enabled. A second call for a model joins the first; more than
  // the limit wait, by the config's `priority`. A load that is not finished within the load
  // timeout ends with DeadlineExceeded and leaves nothing behind.
  ModelInstance load_model(const std::string& model_id, const Value& config = {},
                           std::stop_token stop = {});
  std::future<ModelInstance> load_model_async(const std::string& model_id, Value config = {},
                                              std::stop_token stop = {});

  // Waits for uses to end, cancels a load, forgets a failure. Idempotent.
  void unload_model(const std::string& model_id, std::stop_token stop = {});
  std::future<void> unload_model_async(const std::string& model_id, std::stop_token stop = {});
  void unload_all_models(std::stop_token stop = {});
  std::future<void> unload_all_models_async(std::stop_token stop = {});

  // nullopt unless it is loaded or its load failed.
  std::optional<ModelInstance> get_loaded_model(const std::string& model_id) const;
  std::map<std::string, ModelInstance> get_all_loaded_models() const;
  bool is_model_loaded(const std::string& model_id) const;
  std::size_t get_loaded_model_count() const;

  // Runs a real probe; Unknown when it is not loaded.
  ModelHealth get_model_health(const std::string& model_id) const;  // of the last probe
  ModelHealth perform_health_check(const std::string& model_id, std::stop_token stop = {});
  std::future<ModelHealth> perform_health_check_async(const std::string& model_id,
                                                      std::stop_token stop = {});
  std::map<std::string, ModelHealth> perform_all_health_checks(std::stop_token stop = {});
  std::future<std::map<std::string, ModelHealth>> perform_all_health_checks_async(
      std::stop_token stop = {});

  LoadingStatistics get_loading_statistics() const;

  // As DownloadManager's.
  int get_max_concurrent_loads() const;
  void set_max_concurrent_loads(int max);
  std::chrono::milliseconds get_load_timeout() const;
  void set_load_timeout(std::chrono::milliseconds timeout);

 private:
  faces::ManagerCore* core_;
};

}  // namespace roost::model_management

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "roost/backend.h"
#include "roost/model_management.h"

namespace roost::faces {
class BaseModelDriver;
struct BaseModelState;
}  // namespace roost::faces

namespace roost::model_management {

// A model of your own. Write the five functions, register an object (by id) or a factory (by
// type) with a ModelManager, and it goes the way of every other model: one load however many
// ask, one memory budget, leases, health, events.
//
// The manager calls download(), load() and unload() one at a time, health_check() only while it
// is loaded. What any of them throws is contained and reaches who asked as a typed error.
class BaseModel {
 public:
  using Progress = ModelSource::Progress;  // (bytes done, bytes in total)

  // Throws InvalidModelId, or InvalidArgument for a config that no manager would take.
  BaseModel(std::string model_id, ModelType model_type, const Value& config = Value::Object{});
  virtual ~BaseModel();
  BaseModel(const BaseModel&) = delete;
  BaseModel& operator=(const BaseModel&) = delete;

  // Gets the files. Obeys `stop` soon: returns or throws.
  virtual void download(const Progress& progress, std::stop_token stop) = 0;

  // Makes it usable; `config` is config() at this moment. Obeys `stop` soon.
  virtual void load(const Value& config, std::stop_token stop) = 0;

  // Gives back all that load() took. Also called after a load() that threw or was cancelled, so
  // that what it had taken by then comes back too.
  virtual void unload() = 0;

  // A short real test of the loaded model; a throw means unhealthy, with that reason.
  virtual ModelHealth health_check() = 0;

  // The truth on disk, now. From any thread, at any time; cheap.
  virtual bool is_available() const = 0;

  // Bytes that a load will take at most; 0: the registration's total_size_estimate.
  virtual std::uint64_t memory_estimate() const { return 0; }

  // Where it can run. The config key `force_cpu` narrows this to the processor.
  virtual std::vector<ExecutionProvider> providers() const { return {ExecutionProvider::Cpu}; }

  virtual ModelCapabilities capabilities() const { return {}; }

  // Throws InvalidArgument or UnknownOption for what this model does not take. Called before its
  // manager accepts a configuration. The default takes everything.
  virtual void validate_config(const Value& config) const;

  // The configuration of the loaded model has changed: config() is the new one.
  virtual void config_changed() {}

  // The five properties. From any thread, without a lock.
  const std::string& model_id() const noexcept;
  ModelType model_type() const noexcept;
  ModelStatus status() const noexcept;
  ModelHealth health() const noexcept;
  Value config() const;

  std::optional<WallTime> loaded_at() const noexcept;
  std::optional<WallTime> last_used() const noexcept;  // through its manager, or mark_used()
  std::string error() const;                           // of the last failure; empty after a success
  ModelInstance instance() const;

  Value get_config_value(std::string_view key) const;  // null when absent
  // Validated like the manager's update_model_config, which it is once registered with one.
  void set_config_value(std::string_view key, Value value);
  void mark_used() noexcept;

  // Without a manager: is_available(), load(), health_check(); and unload(). Both idempotent.
  // Throw InvalidTransition for a model that a manager drives.
  void initialize(std::stop_token stop = {});
  void destroy();
  bool is_initialized() const noexcept;

 protected:
  // Memory on the device the model is loaded to, counted as the model's own. Only from load() on
  // until unload() returns, and not without a manager: else NotLoaded. Throws OutOfMemory.
  Region allocate(std::uint64_t bytes);

  // For host memory taken by other means: how much it is in all, from now on.
  void declare_footprint(std::uint64_t bytes);

  Device& device() const;  // likewise from load() on

  // Where download() may put files: the manager's download_directory with the model's id, or
  // empty when it has none.
  std::string download_directory() const;

 private:
  friend class faces::BaseModelDriver;
  const std::unique_ptr<faces::BaseModelState> state_;
};

// The model of your own behind a loaded model, for ModelHandle::with(); null for any other.
BaseModel* base_model_of(Model& model);

}  // namespace roost::model_management

namespace roost {
using model_management::BaseModel;
}

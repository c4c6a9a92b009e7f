#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "roost/engine.h"

namespace roost {

struct LoraWeight {
  std::string name = {};
  double weight = 1;  // 0..2
};

// The loaded object of a slot and its configuration. The object is held by a lease; the
// configuration is the engine's own, read when asked. Calls that need a model throw NotLoaded
// when there is none. Thread-safe.
class PipelineManager {
 public:
  explicit PipelineManager(Engine& engine);
  ~PipelineManager();
  PipelineManager(const PipelineManager&) = delete;
  PipelineManager& operator=(const PipelineManager&) = delete;

  // Both return the lease that was held before, null if there was none: close() it. Calls that
  // run on it keep it alive, not open.
  std::shared_ptr<ModelHandle> set_pipeline(ModelHandle handle);
  std::shared_ptr<ModelHandle> clear_pipeline();

  bool has_model() const noexcept;
  std::string model_id() const;  // empty without a model
  bool is_revoked() const;       // see ModelHandle

  ModelInfo info() const;
  // What the model says of itself, and over it what it is configured with.
  Value config() const;
  Value config_of(const ModelHandle& handle) const;

  // Runs f on the loaded object. An unload waits for it.
  void with(const std::function<void(Model&)>& f) const;

  // The `sample_size` of config(). Without a lock; Unsupported when the model has none.
  int sample_size() const;
  void refresh();  // after a change of the configuration

  // Changes the configuration's `sampler`. One that the configuration's list `samplers` does not
  // name, where there is such a list, is InvalidArgument.
  void set_sampler(const std::string& name);

  // Weights are checked, then Unsupported: no backend merges them yet.
  void load_loras(const std::vector<LoraWeight>& loras);
  void unload_loras();

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace roost

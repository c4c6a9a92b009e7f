#pragma once

#include <functional>
#include <future>
#include <stop_token>
#include <string>
#include <vector>

#include "roost/engine.h"
#include "roost/loader_service.h"
#include "roost/pipeline_manager.h"
#include "roost/resource_manager.h"
#include "roost/state_manager.h"

namespace roost {

// A slot for one model at a time, over an engine that must outlive it. Thread-safe. The contracts
// of its calls are in LoaderService and PipelineManager.
//
// `current_state` and `sample_size` are properties: `if (manager.current_state ==
// ModelState::Loaded)`, `int size = manager.sample_size`. Reading them takes no lock.
class SingleModelManager {
 public:
  class CurrentState {
   public:
    explicit CurrentState(const StateManager& states) : states_(&states) {}
    operator ModelState() const noexcept { return states_->current_state(); }

   private:
    const StateManager* states_;
  };
  class SampleSize {
   public:
    explicit SampleSize(const PipelineManager& pipeline) : pipeline_(&pipeline) {}
    // Throws NotLoaded without a model, Unsupported when it has none.
    operator int() const { return pipeline_->sample_size(); }

   private:
    const PipelineManager* pipeline_;
  };

  explicit SingleModelManager(Engine& engine, LoadPolicy policy = LoadPolicy::Replace);
  SingleModelManager(Engine& engine, LoaderOptions options);
  ~SingleModelManager();  // shutdown()
  SingleModelManager(const SingleModelManager&) = delete;
  SingleModelManager& operator=(const SingleModelManager&) = delete;

  Value load_model(const std::string& name, const LoadOptions& options = {},
                   std::stop_token stop = {});
  std::future<Value> load_model_async(const std::string& name, const LoadOptions& options = {},
                                      std::stop_token stop = {});
  CleanupMetrics unload_model(std::stop_token stop = {});
  std::future<CleanupMetrics> unload_model_async(std::stop_token stop = {});
  bool cancel_current_load();

  bool has_model() const;
  std::string id() const;  // of the model in the slot; empty without one
  Value config() const;
  void use(const std::function<void(Model&)>& f) const;
  void set_sampler(const std::string& name);
  void load_loras(const std::vector<LoraWeight>& loras);
  void unload_loras();

  void shutdown();

  const StateManager& state_manager() const { return states_; }
  [[nodiscard]] Subscription on_state_change(StateManager::Listener listener);
  [[nodiscard]] Subscription on_load_event(LoaderService::Listener listener);
  LoaderService& loader_service() { return loader_; }
  const PipelineManager& pipeline_manager() const { return pipeline_; }
  ResourceManager& resource_manager() { return resources_; }

 private:
  StateManager states_;
  PipelineManager pipeline_;
  ResourceManager resources_;
  LoaderService loader_;

 public:
  const CurrentState current_state;
  const SampleSize sample_size;
};

}  // namespace roost

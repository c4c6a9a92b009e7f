#include "roost/single_model_manager.h"

#include <utility>

namespace roost {

SingleModelManager::SingleModelManager(Engine& engine, LoadPolicy policy)
    : SingleModelManager(engine, LoaderOptions{.policy = policy}) {}

SingleModelManager::SingleModelManager(Engine& engine, LoaderOptions options)
    : pipeline_(engine),
      resources_(engine),
      loader_(engine, states_, pipeline_, resources_, options),
      current_state(states_),
      sample_size(pipeline_) {}

SingleModelManager::~SingleModelManager() {
  shutdown();
}

Value SingleModelManager::load_model(const std::string& name, const LoadOptions& options,
                                     std::stop_token stop) {
  return loader_.load_model(name, options, std::move(stop));
}
std::future<Value> SingleModelManager::load_model_async(const std::string& name,
                                                        const LoadOptions& options,
                                                        std::stop_token stop) {
  return loader_.load_model_async(name, options, std::move(stop));
}
CleanupMetrics SingleModelManager::unload_model(std::stop_token stop) {
  return loader_.unload_model(std::move(stop));
}
std::future<CleanupMetrics> SingleModelManager::unload_model_async(std::stop_token stop) {
  return loader_.unload_model_async(std::move(stop));
}
bool SingleModelManager::cancel_current_load() {
  return loader_.cancel_current_load();
}

bool SingleModelManager::has_model() const {
  return pipeline_.has_model();
}
std::string SingleModelManager::id() const {
  return pipeline_.model_id();
}
Value SingleModelManager::config() const {
  return pipeline_.config();
}
void SingleModelManager::use(const std::function<void(Model&)>& f) const {
  pipeline_.with(f);
}
void SingleModelManager::set_sampler(const std::string& name) {
  pipeline_.set_sampler(name);
}
void SingleModelManager::load_loras(const std::vector<LoraWeight>& loras) {
  pipeline_.load_loras(loras);
}
void SingleModelManager::unload_loras() {
  pipeline_.unload_loras();
}

void SingleModelManager::shutdown() {
  loader_.shutdown();
}

Subscription SingleModelManager::on_state_change(StateManager::Listener listener) {
  return states_.subscribe(std::move(listener));
}
Subscription SingleModelManager::on_load_event(LoaderService::Listener listener) {
  return loader_.subscribe(std::move(listener));
}

}  // namespace roost

#include "scripts/engine_api.h"

namespace roost::test {

Engine& EngineApi::engine() {
  const MutexLock lock(mutex_);
  if (engine_ == nullptr) engine_ = std::make_unique<Engine>(world_.start());
  return *engine_;
}

void EngineApi::register_model(const std::string& id, const std::string& source) {
  engine().register_model(id, source);
}
void EngineApi::unregister_model(const std::string& id) { engine().unregister_model(id); }
void EngineApi::set_alias(const std::string& alias, const std::string& target) {
  engine().set_alias(alias, target, true);
}
void EngineApi::remove_alias(const std::string& alias) { engine().remove_alias(alias); }
std::string EngineApi::resolve(const std::string& name) { return engine().resolve(name); }
void EngineApi::patch_options(const std::string& id, const Value& patch) {
  engine().patch_options(id, patch);
}
void EngineApi::set_budget(const std::string& device, std::uint64_t bytes) {
  engine().set_budget(device, bytes);
}

void EngineApi::load(const std::string& name, const LoadOptions& options, std::stop_token stop) {
  engine().ready(name, options, std::move(stop));
}
void EngineApi::load_on_all_devices(const std::string& name, const LoadOptions& options) {
  engine().ready_on_all_devices(name, options);
}
bool EngineApi::cancel_load(const std::string& name) { return engine().cancel_load(name); }
void EngineApi::reset(const std::string& id) { engine().reset(id); }
PlanReport EngineApi::plan(const std::string& name, const LoadOptions& options) {
  return engine().plan(name, options);
}

std::string EngineApi::lease(const std::string& name, const LoadOptions& options,
                             std::stop_token stop) {
  auto made = std::make_shared<Embedder>(engine().model(name, options, std::move(stop)));
  const MutexLock lock(mutex_);
  const std::string id = "lease-" + std::to_string(next_lease_++);
  leases_.emplace(id, std::move(made));
  return id;
}

std::shared_ptr<Embedder> EngineApi::leased(const std::string& lease) {
  const MutexLock lock(mutex_);
  return leases_.at(lease);
}

void EngineApi::use(const std::string& lease) { leased(lease)->embed("a use"); }

void EngineApi::release(const std::string& lease) {
  leased(lease)->close();
  const MutexLock lock(mutex_);
  leases_.erase(lease);
}

UnloadReport EngineApi::unload(const std::string& name, const UnloadOptions& options,
                               std::stop_token stop) {
  return engine().unload(name, options, std::move(stop));
}
UnloadReport EngineApi::unload_all(const UnloadOptions& options,
                                   const std::optional<std::string>& device) {
  return engine().unload_all(options, device);
}
UnloadReport EngineApi::demote(const std::string& name) { return engine().demote(name); }

void EngineApi::cache(const std::string& name, const std::vector<std::string>& components) {
  engine().cache(name, components);
}
UnloadReport EngineApi::uncache(const std::string& name,
                                const std::vector<std::string>& components) {
  return engine().uncache(name, components);
}
UnloadReport EngineApi::clear_cache() { return engine().clear_cache(); }
CacheReport EngineApi::cache_report() { return engine().cache_report(); }

ModelStatus EngineApi::status(const std::string& name) { return engine().status(name); }
MemoryReport EngineApi::memory() { return engine().memory(); }
std::vector<EvictionReport> EngineApi::evictions() { return engine().evictions(); }
std::vector<HistoryEntry> EngineApi::history(const std::string& name) {
  return engine().history(name);
}
Health EngineApi::check_health(const std::string& name) { return engine().check_health(name); }

}  // namespace roost::test

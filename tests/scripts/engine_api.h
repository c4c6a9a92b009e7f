#pragma once

#include <map>
#include <memory>

#include "base/mutex.h"
#include "scripts/api.h"
#include "scripts/world.h"

namespace roost::test {

// The engine itself, in this process.
class EngineApi final : public Api {
 public:
  explicit EngineApi(World& world) : world_(world) {}

  void register_model(const std::string& id, const std::string& source) override;
  void unregister_model(const std::string& id) override;
  void set_alias(const std::string& alias, const std::string& target) override;
  void remove_alias(const std::string& alias) override;
  std::string resolve(const std::string& name) override;
  void patch_options(const std::string& id, const Value& patch) override;
  void set_budget(const std::string& device, std::uint64_t bytes) override;

  void load(const std::string& name, const LoadOptions& options, std::stop_token stop) override;
  void load_on_all_devices(const std::string& name, const LoadOptions& options) override;
  bool cancel_load(const std::string& name) override;
  void reset(const std::string& id) override;
  PlanReport plan(const std::string& name, const LoadOptions& options) override;

  std::string lease(const std::string& name, const LoadOptions& options,
                    std::stop_token stop) override;
  void use(const std::string& lease) override;
  void release(const std::string& lease) override;

  UnloadReport unload(const std::string& name, const UnloadOptions& options,
                      std::stop_token stop) override;
  UnloadReport unload_all(const UnloadOptions& options,
                          const std::optional<std::string>& device) override;
  UnloadReport demote(const std::string& name) override;

  void cache(const std::string& name, const std::vector<std::string>& components) override;
  UnloadReport uncache(const std::string& name,
                       const std::vector<std::string>& components) override;
  UnloadReport clear_cache() override;
  CacheReport cache_report() override;

  ModelStatus status(const std::string& name) override;
  MemoryReport memory() override;
  std::vector<EvictionReport> evictions() override;
  std::vector<HistoryEntry> history(const std::string& name) override;
  Health check_health(const std::string& name) override;

 private:
  Engine& engine();
  std::shared_ptr<Embedder> leased(const std::string& lease);

  World& world_;
  Mutex mutex_;
  std::unique_ptr<Engine> engine_ ROOST_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<Embedder>> leases_ ROOST_GUARDED_BY(mutex_);
  std::size_t next_lease_ ROOST_GUARDED_BY(mutex_) = 1;
};

}  // namespace roost::test

#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "roost/engine.h"

namespace roost::test {

// What a lifecycle script can ask for, whatever the door. Calls block until they are done, and
// fail with RoostError. Thread-safe.
class Api {
 public:
  virtual ~Api() = default;

  virtual void register_model(const std::string& id, const std::string& source) = 0;
  virtual void unregister_model(const std::string& id) = 0;
  virtual void set_alias(const std::string& alias, const std::string& target) = 0;
  virtual void remove_alias(const std::string& alias) = 0;
  virtual std::string resolve(const std::string& name) = 0;
  virtual void patch_options(const std::string& id, const Value& patch) = 0;
  virtual void set_budget(const std::string& device, std::uint64_t bytes) = 0;

  virtual void load(const std::string& name, const LoadOptions& options, std::stop_token stop) = 0;
  virtual void load_on_all_devices(const std::string& name, const LoadOptions& options) = 0;
  virtual bool cancel_load(const std::string& name) = 0;
  virtual void reset(const std::string& id) = 0;
  virtual PlanReport plan(const std::string& name, const LoadOptions& options) = 0;

  // The lease's id. Several may be out on one model.
  virtual std::string lease(const std::string& name, const LoadOptions& options,
                            std::stop_token stop) = 0;
  virtual void use(const std::string& lease) = 0;  // one call
  virtual void release(const std::string& lease) = 0;

  virtual UnloadReport unload(const std::string& name, const UnloadOptions& options,
                              std::stop_token stop) = 0;
  virtual UnloadReport unload_all(const UnloadOptions& options,
                                  const std::optional<std::string>& device) = 0;
  virtual UnloadReport demote(const std::string& name) = 0;

  virtual void cache(const std::string& name, const std::vector<std::string>& components) = 0;
  virtual UnloadReport uncache(const std::string& name,
                               const std::vector<std::string>& components) = 0;
  virtual UnloadReport clear_cache() = 0;
  virtual CacheReport cache_report() = 0;

  virtual ModelStatus status(const std::string& name) = 0;
  virtual MemoryReport memory() = 0;
  virtual std::vector<EvictionReport> evictions() = 0;
  virtual std::vector<HistoryEntry> history(const std::string& name) = 0;
  virtual Health check_health(const std::string& name) = 0;
};

}  // namespace roost::test

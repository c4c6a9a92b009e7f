#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "roost/backend.h"
#include "roost/device.h"
#include "roost/lifecycle.h"
#include "roost/log.h"
#include "roost/value.h"

namespace roost {

class Clock;

// Every option has a sensible default; validate() throws InvalidArgument or UnknownOption naming
// the option, its value and what is allowed.

struct EngineOptions {
  // Budgets. Host default: max(RAM/4, min(RAM/2, RAM - 4 GiB)); devices: 90 % of their memory.
  std::optional<std::uint64_t> host_budget_bytes = {};
  std::map<std::string, std::uint64_t> device_budget_bytes = {};  // by device id
  EvictionPolicy eviction = EvictionPolicy::CostAware;
  std::chrono::milliseconds min_residency{500};
  std::chrono::milliseconds use_half_life{600'000};
  std::optional<std::uint64_t> cache_bytes = {}; // of host images that no loaded model uses
  std::optional<std::size_t> cache_entries = {};

  // Work.
  std::size_t max_concurrent_loads = 2;
  std::size_t max_concurrent_downloads = 3;
  std::size_t max_waiting = 4096;
  unsigned load_threads = 0;  // a load may use; 0: as many as processors
  std::chrono::milliseconds load_timeout{0};      // of one load's work; 0: none
  std::chrono::milliseconds download_timeout{0};  // likewise
  std::chrono::milliseconds backoff_first{1'000};
  std::chrono::milliseconds backoff_most{300'000};

  // Care.
  std::chrono::milliseconds health_interval{0};    // of probing loaded models; 0: only when asked
  std::chrono::milliseconds pressure_interval{1'000};  // of looking at the machine; 0: never
  std::size_t event_ring = 4096;

  ExecutionProvider provider = ExecutionProvider::Auto;
  std::vector<std::shared_ptr<Backend>> backends = {};  // asked before the built-in ones
  LogSink log = {};

  // Seams for tests: what the machine is, and what the time is.
  std::optional<Machine> machine = {};
  Clock* clock = nullptr;

  void validate() const;
};

// Per model, kept in the catalog, changed by merge patch at any time.
struct ModelOptions {
  bool pin = false;                                // never evicted, never expires
  LoadPriority priority = LoadPriority::Normal;    // kept longer than lower ones
  std::optional<std::chrono::milliseconds> ttl = {};  // unload after this long unused
  std::string group = {};                          // a load puts the others of its group out
  ExecutionProvider provider = ExecutionProvider::Auto;
  std::string device = {};                         // "cuda:1"; empty: chosen
  Value config = Value::Object{};                  // free-form, for the model's own use
  Value backend = Value::Object{};                 // options that change its bytes ("rows")

  void validate() const;
  Value to_value() const;
  static ModelOptions from_value(const Value& value);  // unknown key: UnknownOption
};

struct LoadProgress {
  std::string model;
  int step = 0;  // 1..total, each told once, in order; 0 while its files are fetched
  int total = 0;
  std::string phase;  // "download", "initialization", "loading_model", "device_setup", ...
  std::string name;   // "init", "cache_check", ...
  std::string message;
  double fraction = 0;  // of the whole load; never falls; 1 exactly once
};

struct LoadOptions {
  LoadPriority priority = LoadPriority::Normal;
  std::chrono::milliseconds timeout{0};  // of the whole wait; 0: none
  bool fail_fast = false;                // refuse rather than wait for memory
  bool retry_now = false;                // do not honour the back-off of a failed load or fetch
  bool warm_up = false;                  // run once before the load is called done
  bool isolated = false;                 // an instance of its own, freed when its last lease ends
  bool auto_download = true;             // false: a model whose files are absent is an error
  std::optional<ExecutionProvider> provider = {};  // over the model's own
  std::string device = {};                    // likewise
  Value backend = {};                         // merge-patched over the model's own; null: none
  std::function<void(const LoadProgress&)> progress = {};  // from a load thread; must not throw

  void validate() const;
};

struct UnloadOptions {
  bool force = false;  // revoke leases instead of waiting
  std::chrono::milliseconds timeout{0};  // of the drain; 0: as long as it takes
  bool wait_for_leases = true;           // false: InUse at once when leased
  bool only_if_unused = false;           // leave it when leased, asked for, loading or pinned
  bool keep_in_host_memory = false;      // demote: weights stay warm
  void validate() const;
};

struct RerankOptions {
  std::size_t top_k = 0;  // 0: all
};

}  // namespace roost

#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "roost/backend.h"
#include "roost/device.h"
#include "roost/error.h"
#include "roost/event.h"
#include "roost/lifecycle.h"
#include "roost/model_handle.h"
#include "roost/options.h"
#include "roost/tasks.h"

namespace roost {

// What makes a model known. `source` is "builtin:lexical", "file:/absolute/path", a hub id
// "hf:owner/repo[@revision]", or, with a backend of your own, anything it understands.
struct ModelRegistration {
  std::string id = {};
  std::string source = {};
  std::string type = {};  // a name of model_types.h, or your own
  std::string description = {};
  std::string version = {};
  std::vector<std::string> tags = {};
  std::uint64_t size_estimate = 0;
  std::uint64_t file_count_estimate = 0;
  Value metadata = Value::Object{};
  ModelOptions options = {};
  std::shared_ptr<Backend> backend = {};    // loads it; null: the first that can
  std::shared_ptr<ModelSource> files = {};  // fetches it; null: from `source`
};

enum class FetchState : std::uint8_t { Absent, Fetching, Present };

// One model at one moment. A copy; nothing in it changes later.
struct ModelStatus {
  std::string id;
  std::string source;
  std::string type;
  std::string description;
  ModelOptions options;
  ModelState state = ModelState::Idle;
  Tier tier = Tier::None;
  FetchState files = FetchState::Absent;
  bool draining = false;
  bool queued = false;
  std::string device;      // where it is or goes to; empty when idle
  MemoryVector footprint;  // measured; while loading: reserved
  std::uint32_t leases = 0, calls = 0;
  std::size_t waiters = 0;
  Health health = Health::Unknown;  // of the last probe
  std::string health_reason;        // why it is not healthy, when that is known
  std::string last_failure;
  std::uint32_t failures_in_a_row = 0;
  std::chrono::milliseconds retry_after{0};
  LatencyReport latency;
  std::uint64_t uses = 0;
  std::optional<std::chrono::system_clock::time_point> loaded_at, last_used;
};

struct UsageReport {
  std::uint64_t requests = 0, successes = 0, failures = 0;
  double total_ms = 0;
  std::optional<std::chrono::system_clock::time_point> last_used;
};

struct UnloadReport {
  bool was_loaded = false;
  MemoryVector freed;  // observed to be back, never estimated
  MemoryVector lost;   // not seen to come back within ten seconds
  std::chrono::milliseconds took{0};
};

struct FetchProgress {
  std::string model;
  std::uint64_t done_bytes = 0, total_bytes = 0;
  double fraction = 0;  // 0..1
  double percent = 0;   // 0..100
};

struct CacheEntry {
  std::string model, component;
  std::uint64_t bytes = 0;
  bool held = false;  // a model loads or runs from it
  bool kept = false;  // a user asked for it
};

struct CacheReport {
  std::vector<CacheEntry> entries;
  std::uint64_t bytes = 0;
  std::uint64_t hits = 0, misses = 0, evictions = 0;
};

struct MemoryLine {
  MemoryId memory = MemoryId::Host;
  std::string device;
  std::uint64_t budget = 0, reserved = 0, lost = 0;
  std::uint64_t total = 0, available = 0;  // what the machine says
  Fragmentation fragmentation;
};

struct MemoryReport {
  std::vector<MemoryLine> memories;
  std::uint64_t process_rss = 0;
  std::int64_t drift = 0;  // RSS minus baseline and ledger: what nobody accounts for
  std::string pressure;    // "low", "moderate", "high", "critical"
};

struct EvictionReport {
  std::chrono::system_clock::time_point at;
  std::string model;
  bool demoted = false;  // its weights stayed in host memory
  std::string why;
  MemoryVector frees;
};

struct DefragmentReport {
  std::uint64_t rss_before = 0, rss_after = 0;
  std::vector<Fragmentation> before, after;  // per device, in the machine's order
  MemoryVector given_back;                   // observed
};

// All numbers of one moment.
struct EngineStatus {
  // `models` that are registered; then copies of them: one on two devices counts twice.
  std::size_t models = 0, loaded = 0, loading = 0, unloading = 0, failed = 0;
  std::size_t active_fetches = 0;
  std::size_t waiting = 0;  // requests without an answer, those whose load runs included
  std::uint64_t loads = 0, evictions = 0;
  MemoryReport memory;
};

struct JobView {
  std::string id, kind, subject;
  std::string state;  // "queued", "running", "paused", "done", "failed", "cancelled"
  double fraction = 0;
  std::string phase, message;
  Value result;
  std::optional<ErrorCode> error;
  std::string error_message;
};

// Registers, fetches, loads and serves models. One per process is usual, not required.
//
// Thread-safe. Calls that may block take a stop token last and throw CancelledException when it
// fires. All exceptions derive from RoostError. A model is named by its id, an alias ("fast",
// "auto") or "builtin:lexical".
//
// What would wait for the very code that calls it throws InvalidArgument and changes nothing: from
// a load or a fetch of a model, the blocking calls that need it to end; from a run, another run or
// a warm-up on the same device; from a use of a model, its unload. The _async calls may be made
// there, but not waited for.
class Engine {
 public:
  explicit Engine(EngineOptions options = {});
  ~Engine();  // close()
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Makes a model known; reads no file. Its backend checks the backend options here, or at the load
  // when its files are still to be fetched. The same source again is a no-op, and the options stay
  // as they are (patch_options changes them); another source for the id throws ModelExists.
  void register_model(const ModelRegistration& registration);
  void register_model(const std::string& id, const std::string& source);
  void unregister_model(const std::string& id);  // unloads it; InUse while leased
  bool is_registered(const std::string& id) const;
  std::optional<ModelRegistration> registration(const std::string& id) const;
  std::string resolve(const std::string& name) const;  // the id that a name means; throws
  std::string resolve(const std::string& name, Task task) const;  // as embedder(), reranker() do
  // The target means a model already; one that only a hub has will do.
  void set_alias(const std::string& alias, const std::string& target, bool overwrite = false);
  void remove_alias(const std::string& alias);

  // A lease on the loaded model, fetched and loaded first if needed. However many ask, one load.
  // Throws ModelNotFoundException, ModelLoadException, BudgetExceededException.
  ModelHandle model(const std::string& name, const LoadOptions& options = {},
                    std::stop_token stop = {});
  std::future<ModelHandle> model_async(const std::string& name, const LoadOptions& options = {},
                                       std::stop_token stop = {});
  Embedder embedder(const std::string& name, const LoadOptions& options = {},
                    std::stop_token stop = {});
  Reranker reranker(const std::string& name, const LoadOptions& options = {},
                    std::stop_token stop = {});
  Classifier classifier(const std::string& name, const LoadOptions& options = {},
                        std::stop_token stop = {});
  TensorModel tensor_model(const std::string& name, const LoadOptions& options = {},
                           std::stop_token stop = {});

  // Loads without a lease. start_ready() returns the id of a job to look at, or to cancel.
  void ready(const std::string& name, const LoadOptions& options = {}, std::stop_token stop = {});
  std::future<void> ready_async(const std::string& name, const LoadOptions& options = {},
                                std::stop_token stop = {});
  std::string start_ready(const std::string& name, const LoadOptions& options = {});
  // Pins each and starts to load it; the jobs' ids, in order.
  std::vector<std::string> preload(const std::vector<std::string>& names);
  std::optional<JobView> job(const std::string& job_id) const;
  std::vector<JobView> jobs() const;
  bool cancel_job(const std::string& job_id);

  // Cancels the load that runs or is queued, for all its waiters. False: there was none.
  bool cancel_load(const std::string& name);

  // Idempotent. A load of it that is waited for is cancelled. Throws InUse when the drain's time
  // has passed.
  UnloadReport unload(const std::string& name, const UnloadOptions& options = {},
                      std::stop_token stop = {});
  std::future<UnloadReport> unload_async(const std::string& name,
                                         const UnloadOptions& options = {},
                                         std::stop_token stop = {});
  // Every model, or those on one device. The first error is thrown after all were tried.
  UnloadReport unload_all(const UnloadOptions& options = {},
                          const std::optional<std::string>& device = std::nullopt,
                          std::stop_token stop = {});
  // On every device that the model's backend can use; leases none.
  void ready_on_all_devices(const std::string& name, const LoadOptions& options = {},
                            std::stop_token stop = {});

  // Gets the files without loading. Joins a fetch that runs. After one that failed it throws
  // LoadBackoffException for a while, as a load does; reset() ends that.
  void fetch(const std::string& name, const std::function<void(const FetchProgress&)>& progress = {},
             std::stop_token stop = {});
  std::future<void> fetch_async(const std::string& name,
                                const std::function<void(const FetchProgress&)>& progress = {},
                                std::stop_token stop = {});
  bool cancel_fetch(const std::string& name);
  bool files_present(const std::string& name) const;  // the truth on disk, now

  // The host tier. Without component names: all of the model's.
  void cache(const std::string& name, const std::vector<std::string>& components = {},
             std::stop_token stop = {});
  // Keeps them no longer: what no model holds goes now, the rest with the last that does.
  UnloadReport uncache(const std::string& name, const std::vector<std::string>& components = {});
  UnloadReport clear_cache();  // what no model holds
  CacheReport cache_report() const;
  UnloadReport demote(const std::string& name, std::stop_token stop = {});

  // What would happen if the model were asked for now; changes nothing.
  PlanReport plan(const std::string& name, const LoadOptions& options = {}) const;

  ModelOptions model_options(const std::string& id) const;
  ModelOptions patch_options(const std::string& id, const Value& patch);  // RFC 7396; validated
  void pin(const std::string& id, bool pinned = true);
  void reset(const std::string& id);  // forgets a failure

  ModelStatus status(const std::string& name) const;
  std::vector<ModelStatus> models() const;
  std::vector<HistoryEntry> history(const std::string& name) const;
  UsageReport usage(const std::string& id) const;
  std::vector<EvictionReport> evictions() const;  // the last hundred, oldest first
  EngineStatus status() const;
  MemoryReport memory() const;
  DefragmentReport defragment();
  Machine machine() const;
  void set_budget(const std::string& device, std::uint64_t bytes);  // "cpu" is the host

  // Runs a real probe. Unknown when the model is not loaded.
  Health check_health(const std::string& name, std::stop_token stop = {});

  // Calls `listener` from the engine's event thread, in order. Events are hints: for the truth
  // of this moment ask status().
  [[nodiscard]] Subscription subscribe(EventListener listener);
  void wait_for_listeners();  // until all events of before this call are delivered
  EventPage events(const std::optional<EventId>& from = std::nullopt,
                   std::size_t max = 1'000) const;

  // Closes the door, cancels, revokes every lease and waits only for calls in flight. Bounded;
  // idempotent; whoever else closes at the same time waits too. Afterwards looks still answer,
  // there is nothing to cancel, and every other call throws EngineClosed; so are told those who
  // wait for an unload that still runs. From an event listener, a load or a use of a model, which
  // it would wait for, it throws InvalidArgument and closes nothing; the destructor there is fatal.
  void close();
  bool may_close() const noexcept;  // false: here close() would wait for itself

  struct Impl;  // for the engine's own files
 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost

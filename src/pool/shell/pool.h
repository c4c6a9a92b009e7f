#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "backend/batcher.h"
#include "base/clock.h"
#include "base/epoch.h"
#include "base/mutex.h"
#include "base/teller.h"
#include "base/thread_pool.h"
#include "events/event_hub.h"
#include "pool/core/core.h"
#include "pool/shell/door_index.h"
#include "pool/shell/release_watch.h"
#include "pool/shell/residency.h"
#include "pool/shell/steps.h"
#include "roost/backend.h"
#include "roost/device.h"
#include "roost/log.h"
#include "roost/options.h"

namespace roost::pool {

struct PoolOptions {
  CoreOptions core;  // its budget is the caller's to fill
  unsigned load_threads = 1;
  Duration load_timeout{};                               // of one load's work; zero: none
  Duration pressure_interval{};                          // zero: never looked at
  std::uint64_t baseline_rss = 0;  // of the process without models
  Duration release_patience = std::chrono::seconds(10);  // then missing bytes count as lost
};

// What is loaded, and where.
struct ModelSpec {
  std::string key;  // names the slot
  ModelDescription description;
  std::shared_ptr<Backend> backend;
  std::shared_ptr<Device> device;
  SlotPolicy policy;
  MemoryVector learnt;    // footprint of earlier loads; empty: none yet
  bool isolated = false;  // unloaded for certain, and forgotten, with its last lease
  bool only_planned = false;  // not among the model's slots; the planner forgets it
};

// How a request ended: exactly one is delivered per request.
struct Outcome {
  std::optional<Refused> refused;
  ModelHandle handle;  // of a request with a lease
  MemoryVector freed;  // of an unload
  MemoryVector lost;
};

struct PoolCounters {
  std::uint64_t loads = 0, failed_loads = 0, cancelled_loads = 0, unloads = 0, evictions = 0;
};

inline constexpr std::size_t kModelStates = 5;
constexpr std::size_t index_of(ModelState state) {
  return static_cast<std::size_t>(state);
}

struct EvictionRecord {
  WallTime at;
  std::string model;
  bool demoted = false;  // its weights stayed in host memory
  std::string why;
  MemoryVector frees;
};
inline constexpr std::size_t kEvictionsKept = 100;

// What a model's slots were used for since the last take_usage().
struct UsageDelta {
  std::uint64_t successes = 0, failures = 0;
  std::chrono::nanoseconds busy{0};
};

// Threads around the core: takes requests, runs what the core decides, tells it what happened.
// What runs for it, on its threads or on a caller's, is WorkingFor its event hub.
// One mutex guards the core; it is never held over I/O, a load, an unload or a callback.
// Thread-safe. stop() is bounded by the calls in flight and idempotent.
class Pool {
 public:
  Pool(const PoolOptions& options, Machine machine, events::EventHub& events, Clock& clock, LogSink log);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // The slot of this key, made if new, with the slots of its images.
  SlotId slot(const ModelSpec& spec);
  std::optional<SlotId> find(const std::string& key) const;
  std::vector<SlotId> slots_of(const std::string& model) const;  // on whatever device
  // False while it is in memory or waited for. A slot that was forgotten meanwhile is no error for
  // any call here: nothing is done to it, and a request is refused ModelNotFound.
  bool forget(SlotId slot);
  void drop(SlotId isolated);  // forgets it once all it left in memory has gone
  void set_policy(SlotId slot, const SlotPolicy& policy);
  bool keep_image(SlotId image, bool kept);  // what it was before

  // --- the fast door: a name bound to a slot; nothing unless the slot is loaded and open
  ModelHandle try_lease(std::string_view door);
  // `meaning`: of the names when it was found out where this one leads. Nothing is bound when it
  // may lead elsewhere by now.
  void bind_door(std::string_view door, SlotId slot, std::uint64_t meaning);
  std::uint64_t meaning_of_names() const;
  void unbind_door(std::string_view door);
  void unbind_all_doors();

  using Done = std::function<void(Outcome)>;  // once, on any thread, no lock held
  // In order and one at a time, from load threads; never once `done` was called.
  using Progress = std::function<void(const LoadProgress&)>;
  void request(SlotId slot, const RequestSpec& spec, std::stop_token stop, Progress progress,
               bool warm_up, Done done);
  void unload(SlotId slot, const UnloadSpec& spec, std::stop_token stop, Done done);
  // Blocking twins. They throw what a refusal means.
  ModelHandle acquire(SlotId slot, const RequestSpec& spec, std::stop_token stop,
                      Progress progress = {}, bool warm_up = false);
  Outcome unload_and_wait(SlotId slot, const UnloadSpec& spec, std::stop_token stop);
  // The slots of a model's images, all or by component name; unknown names throw.
  std::vector<SlotId> image_slots(SlotId model, const std::vector<std::string>& components) const;

  bool cancel_load(SlotId slot, const std::string& why);
  void reset(SlotId slot);
  void set_budget(const MemoryVector& budget);
  Health check_health(SlotId slot, std::stop_token stop);

  // --- is the thread that asks part of
  bool is_at_work_here(SlotId model) const;          // a use or load of it, or of an image of it
  std::vector<SlotId> at_work_here() const;
  bool needs_end_of(SlotId slot, const RequestSpec& spec, const std::vector<SlotId>& inside,
                    const std::vector<SlotId>& waiting) const;  // see Core
  bool is_running_here(const Device& device) const;  // what runs on the device

  // --- looks; none of them counts as a use. Of a slot that was forgotten meanwhile: empty
  PlanReport plan(SlotId slot, const RequestSpec& spec) const;
  struct Look {
    SlotView slot;
    std::string device_id, component;  // an image's component
    LatencyReport latency;             // of what is loaded now, as is `health`
    Finding health;
    bool used_here = false;  // is the thread that asks within a use or its load?
  };
  struct ModelLook {
    std::vector<Look> slots;  // on whatever device
    MemoryVector footprint;   // the images they share counted once
  };
  struct Overview {
    std::array<std::size_t, kModelStates> models{};  // slots by state
    std::size_t waiting = 0;
    PoolCounters counters;
    Ledger ledger;
    std::string pressure;
  };
  // Each is of one moment.
  std::optional<SlotView> view(SlotId slot) const;
  bool is_warm(SlotId slot) const;
  ModelLook look_at(const std::string& model) const;
  std::vector<Look> look_at_all() const;
  Overview overview() const;
  std::vector<HistoryEntry> history(SlotId slot) const;
  CacheCounters cache_counters() const;
  std::vector<EvictionRecord> evictions() const;  // the last hundred, oldest first
  UsageDelta take_usage(const std::string& model);
  MemoryVector available() const;  // what the machine says now, per memory
  const Machine& machine() const { return machine_; }
  Duration mutex_held_by_last_plan() const;  // for the benchmark

  void stop();

 private:
  struct Slot;
  struct Waiter;
  struct Attempt;
  struct Loss;
  // What must happen after the mutex is let go of, in order.
  using Deferred = std::vector<std::function<void()>>;

  // Runs f(now, actions) under the mutex, applies the actions, then runs what was deferred.
  template <class F>
  void decide(F&& f);
  template <class F, class G>
  void decide(F&& f, G&& before_it_is_told);  // without the mutex
  void apply(Actions& actions, Deferred& later) ROOST_REQUIRES(mutex_);
  void on(const StartLoad& action, Deferred& later) ROOST_REQUIRES(mutex_);
  void on(const StopLoad& action, Deferred& later) ROOST_REQUIRES(mutex_);
  void on(const StartUnload& action, Deferred& later) ROOST_REQUIRES(mutex_);
  void on(const Granted& action, Deferred& later) ROOST_REQUIRES(mutex_);
  void on(const Refused& action, Deferred& later) ROOST_REQUIRES(mutex_);
  void on(const StateChanged& action, Deferred& later) ROOST_REQUIRES(mutex_);
  void on(const Evicted& action, Deferred& later) ROOST_REQUIRES(mutex_);
  void on(const QueueChanged& action, Deferred& later) ROOST_REQUIRES(mutex_);
  void on(const LeasesRevoked& action, Deferred& later) ROOST_REQUIRES(mutex_);
  void on(const BytesLost& action, Deferred& later) ROOST_REQUIRES(mutex_);
  std::shared_ptr<Waiter> take(WaiterId waiter) ROOST_REQUIRES(mutex_);

  Slot& at(SlotId slot) const ROOST_REQUIRES(mutex_);
  Slot* known_slot(SlotId slot) const ROOST_REQUIRES(mutex_);  // null once forgotten
  std::string model_of(SlotId slot) const;
  Look look(const Slot& slot) const ROOST_REQUIRES(mutex_);
  bool is_at_work_here(const Slot& slot) const ROOST_REQUIRES(mutex_);
  SlotId image_slot(const ModelSpec& spec, const Component& component, const std::string& made_by)
      ROOST_REQUIRES(mutex_);
  SlotId add_model(const ModelSpec& spec, const LoadEstimate& estimate, std::vector<SlotId> images)
      ROOST_REQUIRES(mutex_);
  MemoryVector footprint(const Slot& model) const ROOST_REQUIRES(mutex_);
  bool has_all_images(const Slot& model) const ROOST_REQUIRES(mutex_);
  WaiterId add_waiter(SlotId slot, Progress progress, bool warm_up, Done done)
      ROOST_REQUIRES(mutex_);
  void watch_stop(WaiterId waiter, std::stop_token stop);
  // The machine's free memory, looked at anew when the last look is some milliseconds old.
  MemoryVector look_at_memory();
  MemoryVector touched_by_loads() const ROOST_REQUIRES(mutex_);

  // The work itself, on the pools' threads.
  void load(const std::shared_ptr<Attempt>& attempt);
  void load_image(Attempt& attempt, LoadContext& context);
  void load_model(Attempt& attempt, LoadContext& context);
  LoadContext context_for(Attempt& attempt);
  // Runs `work`, the backend's, which is heard of until it returns.
  template <class F>
  auto while_heard(Attempt& attempt, LoadContext& context, F work);
  void unload_model(SlotId slot, bool save_images);
  void unload_image(SlotId slot);
  ReleaseWatch::Seen await_release(const ReleaseWatch& watch, const std::string& model);
  void announce(SlotId slot, LoadStep step, double within);
  void announce_for_image(SlotId image, double within);
  void report_failure(Attempt& attempt, ErrorCode code, const std::string& message);
  void returned(SlotId slot);
  void unload_every(SlotKind kind);
  void govern(Instant begun, const std::stop_token& stop);
  void look_at_pressure();
  void look_at_drift() ROOST_REQUIRES(mutex_);
  void look_for_lost_bytes();
  void stop_overdue_loads(Instant now);

  const PoolOptions options_;
  const Machine machine_;
  const LogSink log_;

  events::EventHub& events_;
  Clock& clock_;
  std::vector<std::shared_ptr<backend::Executor>> executors_;  // one a device, in its order
  std::shared_ptr<Returns> returns_;
  mutable Epoch epoch_;
  ThreadPool loaders_;
  ThreadPool unloaders_;

  Mutex look_mutex_;
  MemoryVector looked_ ROOST_GUARDED_BY(look_mutex_);
  Instant looked_at_ ROOST_GUARDED_BY(look_mutex_){};

  mutable Mutex mutex_;
  std::condition_variable_any changed_;  // something began or ended
  std::condition_variable_any sooner_;   // the governor's next timer
  Core core_ ROOST_GUARDED_BY(mutex_);
  DoorIndex<Slot> doors_;  // finding is lock-free; binding under mutex_
  std::unordered_map<std::uint32_t, std::unique_ptr<Slot>> slots_ ROOST_GUARDED_BY(mutex_);
  std::unordered_multimap<std::string, SlotId> by_model_ ROOST_GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, std::shared_ptr<Waiter>> waiters_ ROOST_GUARDED_BY(mutex_);
  std::uint64_t next_waiter_ ROOST_GUARDED_BY(mutex_) = 1;
  PoolCounters counters_ ROOST_GUARDED_BY(mutex_);
  std::deque<EvictionRecord> evictions_ ROOST_GUARDED_BY(mutex_);
  Instant wake_at_ ROOST_GUARDED_BY(mutex_) = Instant::max();
  std::string pressure_ ROOST_GUARDED_BY(mutex_) = "low";
  std::int64_t drift_told_ ROOST_GUARDED_BY(mutex_) = 0;
  std::uint64_t meaning_ ROOST_GUARDED_BY(mutex_) = 0;  // of names; see bind_door()
  bool stopped_ ROOST_GUARDED_BY(mutex_) = false;
  mutable Duration last_plan_held_ ROOST_GUARDED_BY(mutex_){};
  std::jthread governor_;
};

// Throws what a refusal means, naming the model.
[[noreturn]] void throw_refusal(const std::string& model, const Refusal& why);

}  // namespace roost::pool

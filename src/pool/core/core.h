#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "pool/core/lease_gate.h"
#include "pool/core/plan.h"
#include "pool/core/slot_id.h"
#include "roost/error.h"
#include "roost/lifecycle.h"
#include "roost/memory.h"

namespace roost::pool {

struct TestFaults;

// What can be resident: a model placed on a device, or the image of one component in host memory
// that models are placed from. Both are slots: one ledger, one planner, one state machine.
enum class SlotKind : std::uint8_t { Model, Image };

// What may change at any time.
struct SlotPolicy {
  bool pinned = false;                            // never evicted, never expires
  LoadPriority retention = LoadPriority::Normal;  // lower ones are evicted first
  std::optional<Duration> ttl;                    // unload after this long without a lease
  std::string group;   // of a group only one model is resident at a time; empty: no group
  bool kept = false;   // an image that a user cached: stays after its last model has gone
};

struct SlotSpec {
  std::string key;    // unique among slots
  std::string model;  // for messages and reports
  SlotKind kind = SlotKind::Model;
  MemoryVector estimate;        // an upper bound; replaced by what loads measure
  double load_seconds = 0.1;    // likewise, for the cost of a reload
  std::vector<SlotId> images;   // a model's: loaded first, and held while it loads
  bool in_place = false;        // the model runs from its images: holds them while loaded too
  bool can_save_images = false; // they can be copied back from the device for a demotion
  SlotPolicy policy;
};

struct RequestSpec {
  LoadPriority priority = LoadPriority::Normal;
  Instant deadline = Instant::max();
  bool fail_fast = false;  // refuse rather than wait
  bool lease = true;       // the grant carries a lease; else it only says "ready". Images have none
  bool retry_now = false;  // ignore the back-off of a failed load, for all who wait already too
};

struct UnloadSpec {
  bool force = false;                    // revoke leases instead of waiting for them
  // Granted at once, and nothing done, when leased, asked for, pinned or not loaded.
  bool only_if_unused = false;
  Instant deadline = Instant::max();     // of the drain; passed: the model stays loaded, InUse
  Tier keep = Tier::None;                // Host: a demotion, the images stay
};

struct Refusal {
  ErrorCode code = ErrorCode::Internal;
  std::string message;
  MemoryVector need, free, short_by;    // BudgetExceeded
  Duration retry_after{};               // LoadBackoff
};

Refusal refusal_of(ErrorCode code, std::string message);

struct LoadSuccess {
  MemoryVector footprint;  // measured; at most what was reserved (see grow())
  double seconds = 0;
  LeaseGate* gate = nullptr;  // of a model; outlives the copy
};

struct UnloadResult {
  MemoryVector freed;  // observed
  MemoryVector lost;   // not seen to come back: stays in the ledger until found()
  bool failed = false;
  std::string message;
  std::vector<MemoryVector> saved_images;  // of a demotion that saved them, in order of images
};

// What the shell has to do, in order, after it let go of its lock. Answers come back through
// load_finished / unload_finished, once each.
struct StartLoad {
  SlotId slot;
  std::uint64_t attempt;  // names this load in load_finished
  MemoryVector reserved;
};
struct StopLoad {
  SlotId slot;
  std::uint64_t attempt;
};
struct StartUnload {
  SlotId slot;
  bool save_images;  // copy the weights back to host images first
};
struct Granted {
  WaiterId waiter;
  SlotId slot;
  bool leased;         // the lease is taken from the gate already
  MemoryVector freed;  // of an unload: observed, the model's and its images'
  MemoryVector lost;   // likewise
};
struct Refused {
  WaiterId waiter;
  SlotId slot;
  Refusal why;
};
// For listeners and logs; never needed for the truth.
struct StateChanged {
  SlotId slot;
  HistoryEntry change;
};
struct Evicted {
  SlotId slot;
  std::string for_model;  // empty: idle time, pressure or a limit
  std::string why;
  bool demoted;
  MemoryVector frees;
};
struct QueueChanged {
  std::size_t waiting;  // requests whose load has not begun
};
struct LeasesRevoked {
  SlotId slot;
  std::uint32_t leases;
};
struct BytesLost {
  SlotId slot;
  MemoryVector bytes;
};
using Action = std::variant<StartLoad, StopLoad, StartUnload, Granted, Refused, StateChanged,
                            Evicted, QueueChanged, LeasesRevoked, BytesLost>;
using Actions = std::vector<Action>;

struct CoreOptions {
  MemoryVector budget;
  EvictionPolicy policy = EvictionPolicy::CostAware;
  std::size_t max_concurrent_loads = 2;
  std::size_t max_waiting = 4096;  // requests; one more is refused QueueFull
  Duration min_residency = std::chrono::milliseconds(500);  // after a load, no eviction
  Duration use_half_life = std::chrono::minutes(10);        // of the decayed use rate
  // Waiting this long counts as one priority more. After four of these nobody passes any more who
  // needs the same memory.
  Duration aging_step = std::chrono::seconds(5);
  Duration backoff_first = std::chrono::seconds(1);  // doubles with each failure in a row
  Duration backoff_most = std::chrono::minutes(5);
  std::uint64_t cache_bytes = UINT64_MAX;  // images that no model holds
  std::size_t cache_entries = SIZE_MAX;
  const TestFaults* faults = nullptr;  // bugs planted by tests; the product never sets it
};

struct CacheCounters {
  std::uint64_t hits = 0, misses = 0, evictions = 0;
};

struct SlotView {
  SlotId id;
  std::string key, model;
  SlotKind kind;
  ModelState state;
  Tier tier;
  SlotPolicy policy;
  MemoryVector reserved;   // in the ledger now, lost bytes excluded
  MemoryVector estimate;   // for the next admission
  MemoryVector lost;
  std::uint32_t leases, calls;
  std::uint32_t holds;     // an image's: models that load from it or run from it
  std::size_t waiters;
  bool draining;
  bool making_room;
  Instant last_used, loaded_at;
  double load_seconds;
  std::uint64_t uses;
  std::string last_failure;
  ErrorCode last_failure_code;
  std::uint32_t failures_in_a_row;
  Duration retry_after;
};

struct Ledger {
  MemoryVector budget;
  MemoryVector reserved;   // of all slots, lost bytes included; above the budget only after it
                           // was lowered, and then it only shrinks
  MemoryVector releasing;  // the part of it whose unload runs
  MemoryVector claimed;    // promised to loads that wait for a release
  MemoryVector lost;
};

// Decides what is in memory. No thread, no lock, no clock: every input carries the time, every
// decision comes out as actions. The caller serialises the calls. Inputs never throw for what a
// user did; they answer with Refused.
class Core {
 public:
  explicit Core(const CoreOptions& options);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // --- slots
  SlotId add(SlotSpec spec);  // the key must be new
  // False while it is resident, loading, unloading, waited for, missing bytes, or a model's image.
  bool remove(SlotId slot);
  std::optional<SlotId> find(const std::string& key) const;
  void set_policy(SlotId slot, SlotPolicy policy, Instant now, Actions& out);
  void set_estimate(SlotId slot, const MemoryVector& estimate);

  // --- asking
  // One answer per waiter: Granted or Refused, now or later. A grant's lease is already taken.
  void request(WaiterId waiter, SlotId slot, const RequestSpec& spec, Instant now, Actions& out);
  // The waiter gives up (stop token, deadline of its own): it is refused with `code`. The load
  // that only it waited for is cancelled.
  void give_up(WaiterId waiter, ErrorCode code, const std::string& why, Instant now, Actions& out);
  // By name: every waiter of the slot is refused Cancelled and the load stops. A load that ends
  // well all the same stays, idle; an image that nobody wants then is unloaded.
  void cancel_load(SlotId slot, const std::string& why, Instant now, Actions& out);
  // Granted when memory is back, with what was freed; at once when nothing is loaded. Whoever
  // asked for the slot before this and has no answer yet is refused Cancelled, a running load
  // is stopped. Asking twice joins. An image that a model holds is InUse, forced or not.
  void unload(WaiterId waiter, SlotId slot, const UnloadSpec& spec, Instant now, Actions& out);
  // Error to Idle, of a model and of its images; else nothing.
  void reset(SlotId slot, Instant now, Actions& out);
  // A loaded copy died or is poisoned: Loaded to Error, its leases are revoked, and it is unloaded
  // (StartUnload) once its calls have ended. Otherwise nothing.
  void became_unusable(SlotId slot, const std::string& why, Instant now, Actions& out);

  // --- what happened
  void load_finished(SlotId slot, std::uint64_t attempt, const LoadSuccess& result, Instant now,
                     Actions& out);
  void load_failed(SlotId slot, std::uint64_t attempt, ErrorCode code, const std::string& message,
                   Instant now, Actions& out);  // Cancelled: it obeyed StopLoad
  void unload_finished(SlotId slot, const UnloadResult& result, Instant now, Actions& out);
  // A watched gate became unused, or after a revocation has no call left. Saying so too often,
  // or of a slot that is gone, does no harm.
  void lease_returned(SlotId slot, Instant now, Actions& out);
  void found(SlotId slot, const MemoryVector& bytes, Instant now, Actions& out);  // lost no more
  // A load allocates past its reservation: true when the ledger has room, without evicting.
  // After a no, the next load of the slot asks for that much.
  bool grow(SlotId slot, const MemoryVector& extra);
  // What the machine says: bytes any process could still take, and which part of the
  // reservations of running loads is touched already (so `available` has lost it). Between two
  // observations the core keeps the figure up to date with what loads and unloads did, so an
  // observation must be younger than the last of these.
  void observe(const MemoryVector& available, const MemoryVector& touched_by_loads, Instant now,
               Actions& out);
  void set_budget(const MemoryVector& budget, Instant now, Actions& out);
  // Under pressure: demote or evict idle residents until `memory` has `bytes` less reserved.
  MemoryVector relieve(MemoryId memory, std::uint64_t bytes, Duration idle_for,
                       const std::string& why, Instant now, Actions& out);
  void tick(Instant now, Actions& out);
  Instant next_timer() const;  // when tick() is wanted next; max: not at all
  // Refuses every waiter EngineClosed and stops every load; one that ends well all the same is
  // unloaded. Later requests are refused; unload() still works.
  void close(Instant now, Actions& out);

  // --- looking, without changing anything
  // What request() would decide: report(slot, s, decide(s)) of s = snapshot(...). Only the first
  // and the last step need the core, and the caller's lock.
  PlanReport plan(SlotId slot, const RequestSpec& spec, Instant now) const;
  Snapshot snapshot(SlotId slot, const RequestSpec& spec, Instant now) const;
  PlanReport report(SlotId slot, const Snapshot& snapshot, const Decision& decision) const;
  // Does a request for it wait until one of `inside` ends, by itself or, for a load slot, because
  // every load is one of `waiting`, whose code waits?
  bool needs_end_of(SlotId slot, const RequestSpec& spec, const std::vector<SlotId>& inside,
                    const std::vector<SlotId>& waiting, Instant now) const;
  // Takes a snapshot's buffers for the next one, which then writes to memory that is mapped
  // already: with thousands of residents that is most of the time it takes. Never necessary.
  void recycle(Snapshot&& done) const;
  SlotView view(SlotId slot) const;
  std::vector<SlotId> slots() const;
  std::vector<HistoryEntry> history(SlotId slot) const;  // the last 32
  Ledger ledger() const;
  CacheCounters cache_counters() const;
  std::size_t waiting() const;
  std::size_t loading() const;
  std::vector<SlotId> loading_slots() const;                // models and images
  std::vector<SlotId> loading_from(SlotId image) const;     // models whose load waits for it
  // Every law that must hold between two inputs; the first broken one, or nothing.
  std::optional<std::string> check_invariants() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost::pool

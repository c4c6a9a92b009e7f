#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "pool/core/core.h"
#include "pool/core/image_cache.h"
#include "pool/core/ledger.h"
#include "pool/core/request_queue.h"
#include "pool/core/residents.h"
#include "pool/core/slot.h"
#include "pool/core/test_faults.h"
#include "pool/core/timers.h"

namespace roost::pool {

// One input while it is worked on.
struct Input {
  Instant now;
  Actions& out;

  template <class A>
  void tell(A action) const {
    out.emplace_back(std::in_place_type<A>, std::move(action));
  }
};

// While someone waits for leases, their returns cause a plan at most this often: a plan looks at
// every resident, a return is a matter of nanoseconds.
inline constexpr Duration kLeasePlanEvery = std::chrono::milliseconds(5);

// Memories that requests earlier in the queue wait for; see Snapshot.
struct Ahead {
  MemoryMask patient = 0, overdue = 0;
};

std::string counted(std::size_t count, const std::string& what);  // "1 lease", "2 leases"

struct Core::Impl {
  using Slot = CoreSlot;
  using Waiter = CoreWaiter;

  explicit Impl(CoreOptions given);

  Slot& at(SlotId id);
  const Slot& at(SlotId id) const;
  Slot* find(SlotId id);

  // --- slots (slots.cpp)
  SlotId add(SlotSpec spec);
  bool remove(SlotId id);
  void set_policy(Slot& slot, SlotPolicy policy, const Input& in);
  void join_group(Slot& slot);
  void leave_group(Slot& slot);
  void move(Slot& slot, Reason why, const Input& in);
  // Brings the slot's row, its place in the cache and those of its users up to date.
  void refresh(Slot& slot);
  void place_row(Slot& slot);
  void place_in_cache(Slot& slot);
  Row row_of(const Slot& slot) const;
  std::uint64_t save_bytes(const Slot& model) const;
  bool all_images_there(const Slot& model) const;
  void arm_idle_timer(Slot& slot, Instant at);
  Instant last_used(const Slot& slot) const;

  // --- requests (requests.cpp)
  void request(WaiterId id, Slot& slot, const RequestSpec& spec, const Input& in);
  std::optional<Refusal> refused_at_once(const Slot& slot, const RequestSpec& spec,
                                         const Input& in) const;
  void refuse_fail_fast(Slot& slot, const Snapshot& s, const Decision& wait, const Input& in);
  Waiter& add_waiter(WaiterId id, const Waiter& waiter);
  bool grant(WaiterId id, Slot& slot, bool lease, const Input& in);
  void serve(Slot& slot, const Input& in);  // everyone who waits for an open slot
  void refuse(WaiterId id, Refusal why, const Input& in);
  void refuse_all(Slot& slot, const Refusal& why, const Input& in);
  void refuse_backing_off(Slot& slot, const Input& in);
  Refusal backing_off(const Slot& slot, Duration wait, Instant now) const;
  std::size_t requests_in_line() const;  // whose load has not begun
  void forget_waiter(WaiterId id);
  void give_up(WaiterId id, const Refusal& why, const Input& in);
  void cancel_waiters(Slot& slot, const Refusal& why, const Input& in);
  void nobody_waits(Slot& slot, const Input& in);
  void place_in_queue(Slot& slot);
  Duration back_off(const Slot& slot, Instant now) const;  // its own or an image's

  // --- planning and admission (admission.cpp)
  void pump(const Input& in);
  MemoryVector need_of(const Slot& slot) const;
  std::size_t busy_loads() const;
  Snapshot snapshot_for(const Slot& slot, Instant now) const;
  Snapshot blank_snapshot(Instant now) const;
  void copy_residents(Snapshot& snapshot, MemoryMask mask) const;
  bool group_in_the_way(const Slot& slot, std::vector<std::uint32_t>& forced) const;
  Ahead ahead_of(const Turn& turn, Instant now) const;
  void add_to(Ahead& ahead, const Slot& slot, Instant now) const;
  void consider(Slot& slot, const Ahead& ahead, const Input& in);
  template <class Choose>
  std::vector<Victim> seal_all(Snapshot& snapshot, Choose&& choose);
  bool seal(const Victim& victim);
  void admit(Slot& slot, const Snapshot& snapshot, const Decision& decision, const Input& in);
  void hold_back(Slot& slot, const Snapshot& snapshot, const Decision& decision, const Input& in);
  // Asks to hear of leases on these memories; returns when to look again at the latest.
  Instant watch_leased(const Snapshot& snapshot, MemoryMask mask);
  void evict(const Victim& victim, const std::string& for_model, const std::string& why,
             const Input& in);
  void advance_claims(const Input& in);
  void try_start(Slot& slot, const Input& in);
  enum class Start { Now, Later, PlanAgain };
  Start may_start(const Slot& slot) const;
  void drop_claim(Slot& slot, const Input& in);
  void drop_uncovered_claims(const Input& in);
  // Evicts for nobody. Returns what that frees; `snapshot` is left as the choice saw it.
  MemoryVector give_up_residents(Snapshot& snapshot, const MemoryVector& bytes, Duration idle_for,
                                 const std::string& why, const Input& in);
  MemoryVector relieve(MemoryId memory, std::uint64_t bytes, Duration idle_for,
                       const std::string& why, const Input& in);
  void shrink_to_budget(const Input& in);
  void keep_cache_limits(const Input& in);

  // --- loads (loads.cpp)
  void start(Slot& slot, const Input& in);
  void start_image(Slot& image, const Input& in);
  void send_load(Slot& slot, const Input& in);
  void place_if_staged(Slot& model, const Input& in);
  void hold_images(Slot& model);
  void let_images_go(Slot& model, const Input& in);
  void drop_staged(Slot& model, const Input& in);
  void touch_image(Slot& image, Instant now);
  void use_image(Slot& image, Instant now);
  bool in_use(const Slot& image) const;
  void load_finished(Slot& slot, const LoadSuccess& result, const Input& in);
  void image_arrived(Slot& image, bool unwanted, const Input& in);
  void learn(Slot& slot, const MemoryVector& footprint, double seconds);
  void became_resident(Slot& slot, const MemoryVector& footprint, LeaseGate* gate,
                       const Input& in);
  void load_failed(Slot& slot, ErrorCode code, const std::string& message, const Input& in);
  void fail_load(Slot& slot, ErrorCode code, const std::string& message, const Input& in);
  void load_stopped(Slot& slot, const Input& in);
  void end_of_load(Slot& slot, Reason why, const Input& in);
  void reset(Slot& slot, const Input& in);
  void stop(Slot& slot, const Input& in);
  bool grow(Slot& slot, const MemoryVector& extra);

  // --- unloads (unloads.cpp)
  void unload(WaiterId id, Slot& slot, const UnloadSpec& spec, const Input& in);
  bool close_if_unused(Slot& slot);
  std::optional<Refusal> cannot_unload(const Slot& slot, const UnloadSpec& spec) const;
  UnloadJob& job_of(Slot& slot);
  void step_down(Slot& slot, bool force, const Input& in);
  void drain(Slot& slot, bool force, const Input& in);
  void drained(Slot& slot, const Input& in);
  void stop_draining(Slot& slot, const Input& in);
  void begin_unload(Slot& model, const Input& in);
  bool room_to_save(const Slot& model) const;
  bool begin_saving(Slot& model, const Input& in);
  void end_saving(Slot& model, const UnloadResult& result, const Input& in);
  void doom_image(Slot& image, const Input& in);
  void begin_image_unload(Slot& image, const Input& in);
  void doom_images_of(Slot& model, const Input& in);
  void unload_finished(Slot& slot, const UnloadResult& result, const Input& in);
  void model_is_down(Slot& model, const Input& in);
  // Models whose unload waits for this image wait no longer.
  void image_settled(Slot& image, MemoryVector freed, MemoryVector lost, const Input& in);
  void answer_unload(Slot& slot, const Input& in);
  void unload_waiter_leaves(WaiterId id, Slot& slot, const Refusal& why, const Input& in);
  void became_unusable(Slot& slot, const std::string& why, const Input& in);
  void lease_returned(Slot& slot, const Input& in);

  // --- time (timers.cpp)
  void tick(const Input& in);
  void deadline_passed(WaiterId id, const Input& in);
  void look_if_idle(Slot& slot, const Input& in);
  void observe(const MemoryVector& available, const Input& in);
  void set_budget(const MemoryVector& budget, const Input& in);
  void close(const Input& in);
  void finish(const Input& in);  // ends every input

  // --- looking (report.cpp, invariants.cpp)
  bool needs_end_of(const Slot& slot, const RequestSpec& spec, const std::vector<SlotId>& inside,
                    const std::vector<SlotId>& waiting, Instant now) const;
  void keep(Snapshot& s, const Slot& slot) const;  // plan as if it never went
  Standing standing_of(const Slot& slot, const RequestSpec& spec, Instant now) const;
  Snapshot snapshot(const Slot& slot, const RequestSpec& spec, Instant now) const;
  PlanReport report(const Slot& slot, const Snapshot& snapshot, const Decision& decision) const;
  Refusal refusal(const Slot& slot, const Snapshot& snapshot, const Decision& decision) const;
  std::string explain(const Slot& slot, const Snapshot& snapshot, const Decision& decision) const;
  std::string explain_victims(const Slot& slot, const Snapshot& s,
                              const std::vector<Victim>& victims) const;
  std::string explain_wait(const Slot& slot, const Decision& decision) const;
  std::string explain_refusal(const Slot& slot, const Snapshot& s, const Decision& d) const;
  std::string why_it_backs_off(const Slot& slot, Instant now) const;
  std::string victim_text(const Slot& slot, const Snapshot& s, const Victim& victim) const;
  SlotView view(const Slot& slot, Instant now) const;
  Tier tier(const Slot& slot) const;
  std::optional<std::string> broken_law() const;
  std::optional<std::string> broken_law_of(const Slot& slot) const;
  std::optional<std::string> broken_law_of_image(const Slot& image) const;
  std::optional<std::string> broken_law_of_waiters() const;

  // Something may go now that could not before: those who wait are considered anew.
  void changed() {
    ++version;
    dirty = true;
  }
  bool planted(bool TestFaults::*fault) const {
    return options.faults != nullptr && options.faults->*fault;
  }

  const CoreOptions options;
  Accounts accounts;
  Residents residents;
  ImageCache cache;
  CacheCounters counters;
  RequestQueue queue;
  Timers timers;

  std::unordered_map<SlotId, std::unique_ptr<Slot>> slots;
  std::unordered_map<std::string, SlotId> keys;
  std::unordered_map<std::string, std::vector<SlotId>> groups;
  std::unordered_map<WaiterId, Waiter> waiters;
  mutable Snapshot spare;           // buffers of a snapshot that is done with
  std::vector<SlotId> making_room;  // oldest first
  std::vector<SlotId> loading;      // state Loading

  std::uint32_t next_slot = 1;
  std::uint64_t next_attempt = 1;
  std::uint64_t next_order = 1;
  std::uint64_t version = 1;        // see changed()
  std::uint64_t shrunk_in = 0;      // the version in which residents last gave way to the budget
  Instant shrink_again = Instant::max();
  std::size_t requests = 0;         // waiters that are not for an unload
  std::size_t told_waiting = 0;     // of the last QueueChanged
  Instant retry_at = Instant::max();      // someone who waits may be served by then
  Instant next_lease_plan = Instant::min();  // returned leases cause no plan before this
  Instant lease_plan_at = Instant::max();    // one is put off until then
  bool dirty = false;               // something is new since the last pump
  bool unconsidered = false;        // the last pump did not get through the queue
  Instant latest{};                 // of the last input
  bool closed = false;
};

}  // namespace roost::pool

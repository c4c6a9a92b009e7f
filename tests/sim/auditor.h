#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "pool/core/core.h"

namespace roost::sim {

using namespace roost::pool;

// A law was broken.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A second opinion on the core: it sees only what the core asks the shell to do and what the
// shell answers, keeps books of its own, and throws Violation when the two cannot both be right.
class Auditor {
 public:
  Auditor(const Core& core, const MemoryVector& budget, Duration min_residency)
      : core_(core), budget_(budget), ceiling_(budget), min_residency_(min_residency) {}

  void add(SlotId slot, const SlotSpec& spec);
  void remove(SlotId slot);
  void set_policy(SlotId slot, const SlotPolicy& policy) { at(slot).spec.policy = policy; }
  void set_budget(const MemoryVector& budget);

  // Inputs, before the core gets them.
  void asks(WaiterId waiter, SlotId slot, const RequestSpec& spec);
  void asks_to_unload(WaiterId waiter, SlotId slot, const UnloadSpec& spec);
  void load_ends(SlotId slot, bool well, const MemoryVector& footprint, LeaseGate* gate,
                 Instant now);
  void grew(SlotId slot, const MemoryVector& extra);
  void unload_ends(SlotId slot, const UnloadResult& result, Instant now);
  void found(SlotId slot, const MemoryVector& bytes);
  void became_unusable(SlotId slot) { at(slot).forced = true; }
  void closes() { closed_ = true; }

  // What the core decided, in order, and how it stands after an input.
  void saw(const Actions& actions, Instant now);
  void check_books() const;
  void check_all_answered() const;
  void check_all_down() const;  // after the end: images may stay

  // --- for the simulation itself
  bool resident(SlotId slot) const { return at(slot).resident; }
  bool loads(SlotId slot) const { return at(slot).attempt.has_value(); }
  LeaseGate* gate(SlotId slot) const { return at(slot).gate; }
  MemoryVector live(SlotId slot) const { return at(slot).live; }
  const std::vector<SlotId>& images_of(SlotId slot) const { return at(slot).spec.images; }
  std::vector<WaiterId> unanswered() const;
  bool insisted(SlotId slot) const;  // does one who waits for it want no back-off
  std::vector<SlotId> ids() const;
  std::string name(SlotId slot) const { return names_.at(slot); }

 private:
  struct Slot {
    SlotSpec spec;
    ModelState state = ModelState::Idle;
    std::optional<std::uint64_t> attempt;
    bool stopped = false;
    bool resident = false;  // its bytes are there: from the end of a load to that of an unload
    bool unloading = false;
    bool forced = false;  // an unload by force, or the copy broke
    bool wanted_down = false;
    bool evicted = false;
    MemoryVector live, lost;
    LeaseGate* gate = nullptr;
    Instant loaded_at{};
    std::optional<SlotId> saver;  // the model whose demotion fills it
    std::uint64_t asked_in = 0;   // the budget under which its bytes were reserved
  };
  struct Waiter {
    SlotId slot;
    bool unload = false;
    bool only_if_unused = false;
    bool insists = false;
  };

  Slot& at(SlotId slot) { return slots_.at(slot); }
  const Slot& at(SlotId slot) const { return slots_.at(slot); }
  void on(const StartLoad& a, Instant now);
  void on(const StopLoad& a, Instant now);
  void on(const StartUnload& a, Instant now);
  void on(const Granted& a, Instant now);
  void on(const Refused& a, Instant now);
  void on(const StateChanged& a, Instant now);
  void on(const Evicted& a, Instant now);
  void on(const QueueChanged& a, Instant now);
  void on(const LeasesRevoked& a, Instant now);
  void on(const BytesLost& a, Instant now);
  void check_group(SlotId slot) const;
  void check_unload_of_model(const Slot& slot, SlotId id) const;
  void check_unload_of_image(SlotId image) const;
  MemoryVector held() const;  // everything that takes memory
  std::size_t in_line() const;  // requests whose load has not begun
  void answer(WaiterId waiter, SlotId slot);
  [[noreturn]] void broken(SlotId slot, const std::string& what) const;

  const Core& core_;
  MemoryVector budget_, ceiling_;
  std::uint64_t budgets_ = 0;  // how many there were
  const Duration min_residency_;
  std::map<SlotId, Slot> slots_;
  std::map<SlotId, std::string> names_;  // of removed ones too
  std::map<WaiterId, Waiter> waiters_;
  bool closed_ = false;
  std::size_t told_waiting_ = 0;
};

}  // namespace roost::sim

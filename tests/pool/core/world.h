#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pool/core/core.h"

namespace roost::pool::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline MemoryVector host(std::uint64_t bytes) { return MemoryVector::host(bytes); }
inline MemoryVector gpu(std::uint64_t bytes, std::size_t n = 0) {
  return MemoryVector::on(device_memory(n), bytes);
}

// A core with the shell played by the test: loads and unloads end when the test says so. After
// every input the laws are checked and each waiter may have one answer at most.
class World {
 public:
  explicit World(const MemoryVector& budget) : World(with_budget(budget)) {}
  explicit World(const CoreOptions& options) : core(options) {}
  static CoreOptions with_budget(const MemoryVector& budget) {
    CoreOptions options;
    options.budget = budget;
    return options;
  }

  SlotId model(const std::string& name, const MemoryVector& bytes);
  SlotId model(SlotSpec spec);
  SlotId image(const std::string& name, std::uint64_t bytes, bool kept = false);
  // Runs from its images on the host, or is placed from them on a device.
  SlotId model_of(const std::string& name, const MemoryVector& bytes, std::vector<SlotId> images,
                  bool in_place = false, bool can_save = false);

  WaiterId ask(SlotId slot, const RequestSpec& spec = {});
  WaiterId unload(SlotId slot, const UnloadSpec& spec = {});
  // What the shell answers. The footprint is what was reserved unless said otherwise.
  void loaded(SlotId slot);
  void loaded(SlotId slot, const MemoryVector& footprint, double load_seconds = 0.1);
  void load_failed(SlotId slot, ErrorCode code = ErrorCode::LoadFailed);
  void unloaded(SlotId slot, const MemoryVector& lost = {});
  void unloaded(SlotId slot, const UnloadResult& result);
  void release(SlotId slot);  // one lease comes home
  void advance(Duration by);  // and ticks, as often as the core wants to
  // Any other input.
  template <class F>
  void in(F&& f) {
    f(core, now, out);
    settle();
  }

  // Asked for without a lease, loaded with all its images, and past its minimum residency.
  SlotId resident(SlotId slot);
  SlotId resident(const std::string& name, const MemoryVector& bytes) {
    return resident(model(name, bytes));
  }
  void load_all();  // every load that runs ends well, until none does

  ModelState state(SlotId slot) const { return core.view(slot).state; }
  bool loads(SlotId slot) const { return attempts.count(slot) != 0; }
  bool unloads(SlotId slot) const { return unloading.count(slot) != 0; }
  bool granted(WaiterId waiter) const { return grants.count(waiter) != 0; }
  bool waits(WaiterId waiter) const { return !granted(waiter) && refusals.count(waiter) == 0; }
  // The code a waiter was refused with; fails the test when it was not.
  ErrorCode refused(WaiterId waiter) const;
  std::vector<std::string> evicted() const;  // keys, in order; "demote KEY" where it was one
  template <class A>
  std::vector<A> all() const {
    std::vector<A> found;
    for (const Action& action : log) {
      if (const A* a = std::get_if<A>(&action)) found.push_back(*a);
    }
    return found;
  }

  Core core;
  Instant now{std::chrono::hours(1)};
  Actions out;
  Actions log;  // everything so far
  std::map<SlotId, LeaseGate*> gates;
  std::map<SlotId, std::uint64_t> attempts;  // loads that run
  std::map<SlotId, StartUnload> unloading;   // unloads that run
  std::map<SlotId, std::uint64_t> stops;     // loads told to stop
  std::map<WaiterId, Granted> grants;
  std::map<WaiterId, Refusal> refusals;

 private:
  void settle();
  void note(const Action& action);

  std::uint64_t next_waiter_ = 1;
  std::vector<std::unique_ptr<LeaseGate>> all_gates_;
};

}  // namespace roost::pool::test

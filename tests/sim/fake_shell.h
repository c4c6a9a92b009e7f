#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/auditor.h"
#include "sim/rng.h"
#include "sim/trace.h"

namespace roost::sim {

// Plays the shell on a virtual clock: carries out what the core decides, late, badly or not at
// all, as chance has it; takes and returns leases; lets time pass. Every input to the core goes
// through put(), which has the auditor and the core's own laws checked after it.
class FakeShell {
 public:
  FakeShell(const CoreOptions& options, Rng& rng, Trace& trace);

  template <class F>
  void put(const std::string& what, F&& f) {
    trace_.line(now, what);
    Actions actions;
    f(actions);
    take(actions);
  }

  SlotId add(SlotSpec spec);
  void remove(SlotId slot);  // when the core lets it
  void request(SlotId slot, const RequestSpec& spec);
  void unload(SlotId slot, const UnloadSpec& spec);
  // A lease as the fast door takes it: past the core.
  void lease_directly(SlotId slot);
  void advance(Duration by);
  // Lets time pass until nothing is under way but, perhaps, leases that are held. False when it
  // does not come to rest.
  bool come_to_rest();
  void return_all_leases();
  void settle_machine();  // other processes let go of their memory
  void observe();
  // As at the end of a process: all is refused, stopped and unloaded, leases or not.
  void shut_down();

  Core core;
  Auditor auditor;
  Instant now{std::chrono::hours(1)};
  MemoryVector others;  // what other processes hold
  std::vector<SlotId> models, images;
  bool hold_leases = false;  // none is returned for the time being

 private:
  using Event = std::function<void()>;
  struct Lease {
    SlotId slot;
    LeaseGate* gate;
    bool calling = false;
  };

  void take(const Actions& actions);
  void carry_out(const StartLoad& a);
  void carry_out(const StopLoad& a);
  void carry_out(const StartUnload& a);
  void carry_out(const Granted& a);
  void carry_out(const Refused& a);
  void carry_out(const StateChanged& a);
  void carry_out(const Evicted& a);
  template <class A>
  void carry_out(const A&) {}
  void after(Duration by, Event event) { events_.emplace(now + by, std::move(event)); }
  void end_load(SlotId slot, std::uint64_t attempt, bool obeys);
  void finish_load(SlotId slot, std::uint64_t attempt);
  void fail_load(SlotId slot, std::uint64_t attempt, ErrorCode code);
  void end_unload(SlotId slot, bool save);
  void lose_some(SlotId slot, UnloadResult& result);
  void use(SlotId slot, LeaseGate* gate);
  void end_call(std::uint64_t lease);
  void end_lease(std::uint64_t lease);
  void tell_return(SlotId slot);
  void step_to(Instant until);
  MemoryVector part_of(const MemoryVector& bytes, unsigned least_percent);

  Rng& rng_;
  Trace& trace_;
  const MemoryVector machine_;  // what there is, beside what others hold
  std::multimap<Instant, Event> events_;
  std::map<SlotId, std::uint64_t> running_;  // attempts
  std::map<std::uint64_t, Lease> leases_;
  std::uint64_t next_lease_ = 1;
  std::uint64_t next_waiter_ = 1;
  std::vector<std::unique_ptr<LeaseGate>> gates_;
};

}  // namespace roost::sim

// Leases are taken and returned by other threads while the core decides.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "pool/core/world.h"

namespace roost::pool::test {
namespace {

// A user takes leases as fast as it can; the test evicts, drains and reloads the same model.
// The world checks the laws after every input: a copy that goes has nobody inside.
TEST(Race, EvictionsAgainstLeases) {
  CoreOptions options = World::with_budget(host(10));
  options.min_residency = {};
  World w(options);
  const SlotId a = w.model("a", host(8)), b = w.model("b", host(8));
  RequestSpec ready;
  ready.lease = false;
  std::atomic<LeaseGate*> open{nullptr};
  std::atomic<bool> told{false};
  std::atomic<bool> done{false};
  std::jthread user([&] {
    while (!done) {
      LeaseGate* gate = open.load();
      if (gate == nullptr || !gate->try_lease()) continue;
      if (gate->try_call()) gate->end_call();
      if (gate->end_lease().watched) told = true;
    }
  });
  for (int round = 0; round < 300; ++round) {
    w.ask(a, ready);
    w.load_all();
    open = w.gates.at(a);
    w.ask(b, ready);
    while (!w.unloads(a)) {  // the victim may be leased whenever the core looks
      if (told.exchange(false)) {
        w.in([&](Core& core, Instant now, Actions& out) { core.lease_returned(a, now, out); });
      }
      w.advance(milliseconds(5));
    }
    EXPECT_EQ(w.gates.at(a)->counts().leases, 0u);
    open = nullptr;
    w.unloaded(a);
    w.load_all();
    w.unload(b);
    w.unloaded(b);
  }
  done = true;
}

}  // namespace
}  // namespace roost::pool::test

#pragma once

#include <cstdint>

#include "pool/core/test_faults.h"
#include "sim/fake_shell.h"

namespace roost::sim {

// One seed's world and what happens in it: a machine, models of all kinds, and random operations.
class Simulation {
 public:
  Simulation(std::uint64_t seed, Trace& trace, const TestFaults* faults);
  // Throws Violation.
  void run(std::uint64_t steps);

 private:
  static CoreOptions random_options(Rng& rng, const TestFaults* faults);
  void add_slots();
  SlotSpec random_model();
  SlotPolicy random_policy();
  MemoryVector random_bytes(MemoryId memory);

  void step();
  void random_request();
  void random_unload();
  void random_input();  // what else users and the machine do
  void random_policy_change();
  void random_pressure();
  void check_plan(SlotId slot, const RequestSpec& spec);
  void wind_down();

  SlotId any_slot() {
    return rng_.chance(85) ? rng_.pick(shell_.models) : rng_.pick(shell_.images);
  }

  Rng rng_;
  Trace& trace_;
  const CoreOptions options_;
  FakeShell shell_;
  int next_model_ = 0;
};

}  // namespace roost::sim

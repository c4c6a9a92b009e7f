#pragma once

namespace roost::pool {

// Bugs that tests plant to prove that the laws and the simulator notice them.
struct TestFaults {
  bool evict_leased = false;
  bool keep_reservation_of_failed_load = false;
  bool start_load_twice = false;
  bool lose_waiter_on_cancel = false;
  bool count_releasing_as_free = false;
  bool ignore_claims = false;
  bool skip_min_residency = false;
  bool forget_the_queue = false;  // after an unload
};

}  // namespace roost::pool

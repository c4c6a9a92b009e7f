#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "roost/event.h"
#include "roost/lifecycle.h"

namespace roost {

// The state of a slot for one model: what may follow on what is kTransitions and nothing else.
// Thread-safe.
class StateManager {
 public:
  using Listener = std::function<void(const HistoryEntry&)>;

  StateManager();
  ~StateManager();
  StateManager(const StateManager&) = delete;
  StateManager& operator=(const StateManager&) = delete;

  ModelState current_state() const noexcept;  // without a lock
  bool can_transition(Reason why) const noexcept;
  bool can_transition_to(ModelState target) const noexcept;

  // Returns the new state. Throws InvalidTransition, changing nothing, for a reason that does not
  // apply in the current one.
  ModelState transition(Reason why);

  std::vector<HistoryEntry> history() const;  // the last 64, oldest first

  // Calls `listener` with every change from now on, in order, on a thread of its own and without
  // a lock held. What it throws harms nobody.
  [[nodiscard]] Subscription subscribe(Listener listener);

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace roost

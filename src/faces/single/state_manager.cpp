#include "roost/state_manager.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <string>

#include "faces/single/listeners.h"
#include "roost/error.h"

namespace roost {
namespace {

constexpr std::size_t kHistory = 64;

}  // namespace

struct StateManager::Impl {
  std::atomic<ModelState> state{ModelState::Idle};
  faces::Listeners<HistoryEntry> listeners;

  mutable std::mutex mutex;  // guards history; state changes under it
  std::deque<HistoryEntry> history;
};

StateManager::StateManager() : impl_(std::make_unique<Impl>()) {}
StateManager::~StateManager() = default;

ModelState StateManager::current_state() const noexcept {
  return impl_->state;
}

bool StateManager::can_transition(Reason why) const noexcept {
  return next_state(current_state(), why).has_value();
}

bool StateManager::can_transition_to(ModelState target) const noexcept {
  const ModelState from = current_state();
  for (const Transition& transition : kTransitions) {
    if (transition.from == from && transition.to == target) return true;
  }
  return false;
}

ModelState StateManager::transition(Reason why) {
  const std::lock_guard lock(impl_->mutex);
  const ModelState from = impl_->state;
  const auto to = next_state(from, why);
  if (!to) {
    throw RoostError(ErrorCode::InvalidTransition, "state " + std::string(to_string(from)) + ": '" +
                                                       std::string(to_string(why)) +
                                                       "' does not apply");
  }
  const HistoryEntry entry{from, why, *to, std::chrono::steady_clock::now()};
  if (impl_->history.size() == kHistory) impl_->history.pop_front();
  impl_->history.push_back(entry);
  impl_->state = *to;
  impl_->listeners.publish(entry);
  return *to;
}

std::vector<HistoryEntry> StateManager::history() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->history.begin(), impl_->history.end()};
}

Subscription StateManager::subscribe(Listener listener) {
  if (!listener) throw RoostError(ErrorCode::InvalidArgument, "the state listener is empty");
  return impl_->listeners.subscribe(std::move(listener));
}

}  // namespace roost

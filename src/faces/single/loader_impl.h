#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "faces/management/callback_gate.h"
#include "faces/management/executor.h"
#include "faces/management/gate.h"
#include "faces/single/listeners.h"
#include "roost/loader_service.h"

namespace roost {

// One load that was asked for. In the list of attempts from the moment it is asked, so that a
// duplicate is seen before anything is loaded.
struct LoadAttempt {
  std::string id;
  LoadOptions options;
  std::stop_source stop;
  // Guarded by the loader's mutex.
  bool started = false;     // it loads: no longer waits for its turn
  std::string replaced_by;  // who took its place in the slot
  faces::CallbackGate progress;
  int step = 0;  // the last told; touched inside `progress`
};

// What runs inside its gate is PartOf it.
struct LoaderService::Impl {
  Impl(Engine& engine, StateManager& states, PipelineManager& pipeline, ResourceManager& resources,
       LoaderOptions options);

  using Attempt = std::shared_ptr<LoadAttempt>;

  // `replaced`: who has to go for it; see replace().
  Attempt begin(const std::string& name, const LoadOptions& options, std::list<Attempt>& replaced);
  Value run(const Attempt& attempt, std::stop_token stop);
  CleanupMetrics unload(std::stop_token stop);
  void shutdown();

  void forget(const Attempt& attempt);  // that never ran
  void replace(const std::list<Attempt>& older, const std::string& by);
  CancelledException why_cancelled(const Attempt& attempt, const CancelledException& error) const;

  // --- the steps of run()
  // The configuration, when it is in the slot already.
  std::optional<Value> wait_for_turn(const Attempt& attempt);
  ModelHandle acquire(const Attempt& attempt);
  // Nothing: there is no room.
  std::optional<ModelHandle> beside(const Attempt& attempt, const LoadOptions& load);
  bool pause_while_it_leaves(const Attempt& attempt);  // false: it does not
  // For the room of loads that were cancelled. False: there are none.
  bool do_others_leave(const Attempt& attempt) const;
  void pause_for_room(const Attempt& attempt);
  void make_room(const Attempt& attempt);
  void publish(const Attempt& attempt, ModelHandle handle);
  void end_unpublished(const Attempt& attempt, const RoostError& error);
  void settle(const Attempt& attempt) noexcept;
  LoadOptions with_events(const Attempt& attempt);

  // With the mutex held: those that were asked for before, for their stop.
  std::list<Attempt> older_than(const Attempt& attempt) const;
  // Takes the slot's model out: LOADED, UNLOADING, and what follows. Lets the mutex go meanwhile.
  CleanupMetrics empty_slot(std::unique_lock<std::mutex>& lock);
  CleanupMetrics give_back(const std::shared_ptr<ModelHandle>& handle);
  // Is no longer this slot's to give back, unless another load here wants it.
  void leave_to_others(const std::string& id, const Attempt& but);
  void tell(LoaderEvent::Kind kind, const std::string& id, const std::string& message = {});
  void follow(const Event& event);
  void leave_if_gone(const std::string& id);  // takes the slot's model out that the engine lost
  bool others_load(const Attempt& but) const;  // with the mutex held
  bool is_telling_progress() const;            // on this thread: in the callback of a load here
  bool is_part_of_it() const;                  // this thread: shutdown() waits for it

  Engine& engine;
  StateManager& states;
  PipelineManager& pipeline;
  ResourceManager& resources;
  const LoaderOptions options;

  faces::Gate gate;
  faces::Listeners<LoaderEvent> listeners;
  faces::Executor executor;
  std::mutex submitting;  // keeps the order of attempts and that of their threads the same

  mutable std::mutex mutex;  // guards all below; never held over a load, an unload or a callback
  std::condition_variable_any changed;
  std::list<Attempt> attempts;  // in the order they were asked for
  bool unloading = false;       // the slot is being emptied: nothing else changes it
  LoadOptions resident;         // what the model in the slot was asked for with
  std::set<std::string> brought;  // to memory by this slot, and not given back yet
  CleanupMetrics last_cleanup;
  bool closing = false, closed = false;  // shutdown() has begun, has ended

  Subscription following;
};

}  // namespace roost

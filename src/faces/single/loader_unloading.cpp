// How a model leaves the slot: by request, by what others do to it, and at the end.
#include <algorithm>
#include <utility>

#include "faces/management/part_of.h"
#include "faces/single/loader_impl.h"
#include "roost/error.h"

namespace roost {

// The lease first, then the model itself, unless it is leased elsewhere too.
CleanupMetrics LoaderService::Impl::give_back(const std::shared_ptr<ModelHandle>& handle) {
  const std::string id = handle->id();
  bool leased_elsewhere = false, used_here = false;
  CleanupMetrics metrics = resources.cleanup(handle->info().device_id, [&] {
    handle->close();
    try {
      const UnloadReport report =
          engine.unload(id, {.timeout = options.drain_timeout, .only_if_unused = true});
      const ModelStatus left = engine.status(id);
      if (left.state != ModelState::Loaded) return report;
      leased_elsewhere = left.leases != 0;
      if (leased_elsewhere) return UnloadReport();
      return engine.unload(id, {.timeout = options.drain_timeout});  // a call runs on it
    } catch (const RoostError& error) {
      if (error.code() != ErrorCode::InvalidArgument) throw;
      used_here = true;  // by the call that this is part of: it goes after it
      engine.unload_async(id, {.timeout = options.drain_timeout});
      return UnloadReport();
    }
  });
  if (used_here) metrics.error = "'" + id + "' is in use by this call and goes when that ends";
  if (!metrics.code) leave_to_others(id, nullptr);
  if (leased_elsewhere) metrics.error = "'" + id + "' is leased elsewhere too and stays loaded";
  if (metrics.code == ErrorCode::EngineClosed) metrics.code.reset();  // all memory is back
  return metrics;
}

void LoaderService::Impl::leave_to_others(const std::string& id, const Attempt& but) {
  const std::lock_guard lock(mutex);
  const bool wanted = std::any_of(attempts.begin(), attempts.end(), [&](const Attempt& other) {
    return other != but && other->id == id;
  });
  if (!wanted && pipeline.model_id() != id) brought.erase(id);
}

CleanupMetrics LoaderService::Impl::empty_slot(std::unique_lock<std::mutex>& lock) {
  states.transition(Reason::UnloadRequested);
  const auto handle = pipeline.clear_pipeline();
  lock.unlock();
  CleanupMetrics metrics = give_back(handle);
  lock.lock();
  states.transition(metrics.code ? Reason::UnloadFailed : Reason::UnloadCompleted);
  return last_cleanup = std::move(metrics);
}

CleanupMetrics LoaderService::Impl::unload(std::stop_token stop) {
  std::unique_lock lock(mutex);
  const auto cancelled = [] {
    return CancelledException("unloading the slot: cancelled while it waited");
  };
  const bool joins = unloading;
  if (!changed.wait(lock, stop, [this] { return !unloading; })) throw cancelled();
  const bool nothing =
      attempts.empty() && !pipeline.has_model() && states.current_state() != ModelState::Error;
  if (nothing) return joins ? last_cleanup : CleanupMetrics();

  unloading = true;
  const std::list<Attempt> running = attempts;
  lock.unlock();
  for (const Attempt& attempt : running) attempt->stop.request_stop();
  lock.lock();
  const bool alone = changed.wait(lock, stop, [&] {
    return std::none_of(running.begin(), running.end(), [&](const Attempt& attempt) {
      return std::find(attempts.begin(), attempts.end(), attempt) != attempts.end();
    });
  });
  CleanupMetrics metrics;
  if (alone && states.current_state() == ModelState::Loaded) {
    metrics = empty_slot(lock);
  } else if (alone && states.current_state() == ModelState::Error) {
    states.transition(Reason::Reset);
  }
  unloading = false;
  changed.notify_all();
  if (!alone) throw cancelled();
  if (metrics.code) throw RoostError(*metrics.code, metrics.error);
  return metrics;
}

// Runs on the engine's event thread.
void LoaderService::Impl::follow(const Event& event) {
  if (event.model.empty() || event.model != pipeline.model_id()) return;
  if (event.kind == EventKind::ConfigUpdate) pipeline.refresh();
  if (event.kind == EventKind::StateChange) leave_if_gone(event.model);
}

// A leased model leaves memory only by force or by breaking. The lease is asked: an event may be
// older than what is in the slot now, and the model may be loaded again for others.
void LoaderService::Impl::leave_if_gone(const std::string& id) {
  ModelState state = ModelState::Idle;
  try {
    state = engine.status(id).state;
  } catch (const RoostError&) {  // no longer registered
  }
  std::shared_ptr<ModelHandle> gone;
  const std::lock_guard lock(mutex);
  if (unloading || pipeline.model_id() != id || !pipeline.is_revoked()) return;
  gone = pipeline.clear_pipeline();
  brought.erase(id);
  if (state == ModelState::Error) {
    states.transition(Reason::BecameUnusable);
  } else {
    states.transition(Reason::UnloadRequested);
    states.transition(Reason::UnloadCompleted);
  }
  if (others_load(nullptr)) states.transition(Reason::LoadRequested);
  changed.notify_all();
}

void LoaderService::Impl::tell(LoaderEvent::Kind kind, const std::string& id,
                               const std::string& message) {
  LoaderEvent event;
  event.kind = kind;
  event.id = id;
  event.message = message;
  listeners.publish(std::move(event));
}

bool LoaderService::Impl::is_part_of_it() const {
  return faces::PartOf::is(this) || listeners.is_delivering() || is_telling_progress();
}

void LoaderService::Impl::shutdown() {
  const bool within = is_part_of_it();
  std::unique_lock lock(mutex);
  if (closing) {  // by another call, which may be waiting for the engine's work too
    if (!within && engine.may_close()) changed.wait(lock, [this] { return closed; });
    return;
  }
  if (within) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "shutting the slot down from one of its load listeners or from within a load "
                     "or unload: it would wait for itself; do it from another thread");
  }
  closing = true;
  lock.unlock();
  gate.close();
  executor.shutdown();
  following.reset();
  listeners.stop();
  lock.lock();
  if (pipeline.has_model()) empty_slot(lock);
  closed = true;
  changed.notify_all();
}

}  // namespace roost

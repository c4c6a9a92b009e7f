#include "roost/loader_service.h"

#include <algorithm>
#include <utility>

#include "faces/management/part_of.h"
#include "faces/single/loader_impl.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost {
namespace {

constexpr std::size_t kMostAsyncCalls = 16;

// Than what `had` asked for. Who says nothing takes what is there.
bool asks_for_another(const LoadOptions& wants, const LoadOptions& had) {
  return (wants.provider && wants.provider != had.provider) ||
         (!wants.device.empty() && wants.device != had.device) ||
         (!wants.backend.is_null() && wants.backend != had.backend);
}

std::string loading(const std::string& id) {
  return "loading '" + id + "' into the slot";
}

}  // namespace

void LoaderOptions::validate() const {
  if (drain_timeout.count() > 0) return;
  throw RoostError(ErrorCode::InvalidArgument, "LoaderOptions.drain_timeout is " +
                                                   std::to_string(drain_timeout.count()) +
                                                   " ms, allowed is above 0");
}

std::string_view to_string(LoaderEvent::Kind kind) {
  switch (kind) {
    case LoaderEvent::Kind::Started:
      return "model_load_started";
    case LoaderEvent::Kind::Progress:
      return "model_load_progress";
    case LoaderEvent::Kind::Completed:
      return "model_load_completed";
    case LoaderEvent::Kind::Failed:
      return "model_load_failed";
    case LoaderEvent::Kind::Cancelled:
      return "model_load_cancelled";
  }
  return "model_load_failed";
}

Value LoaderEvent::to_value() const {
  return Value::Object{
      {"id", id}, {"step", step}, {"total", total}, {"phase", phase}, {"message", message}};
}

LoaderService::Impl::Impl(Engine& given, StateManager& state_manager, PipelineManager& pipelines,
                          ResourceManager& resource_manager, LoaderOptions loader_options)
    : engine(given),
      states(state_manager),
      pipeline(pipelines),
      resources(resource_manager),
      options(loader_options),
      executor(kMostAsyncCalls) {
  options.validate();
  following = engine.subscribe([this](const Event& event) { follow(event); });
}

LoaderService::LoaderService(Engine& engine, StateManager& states, PipelineManager& pipeline,
                             ResourceManager& resources, LoaderOptions options)
    : impl_(std::make_unique<Impl>(engine, states, pipeline, resources, options)) {}
LoaderService::~LoaderService() {
  shutdown();
}

Value LoaderService::load_model(const std::string& name, const LoadOptions& options,
                                std::stop_token stop) {
  if (impl_->is_telling_progress()) {
    throw RoostError(ErrorCode::InvalidArgument,
                     loading(printable(name)) +
                         ": from the progress of a load here, which it would wait for; call "
                         "load_model_async and wait elsewhere");
  }
  const faces::Gate::Pass pass(impl_->gate, std::move(stop), "loading into the slot");
  const faces::PartOf mark(impl_.get());
  std::list<Impl::Attempt> replaced;
  const auto attempt = impl_->begin(name, options, replaced);
  impl_->replace(replaced, attempt->id);
  return impl_->run(attempt, pass.stop());
}

std::future<Value> LoaderService::load_model_async(const std::string& name,
                                                   const LoadOptions& options,
                                                   std::stop_token stop) {
  auto pass =
      std::make_shared<faces::Gate::Pass>(impl_->gate, std::move(stop), "loading into the slot");
  std::list<Impl::Attempt> replaced;
  std::unique_lock lock(impl_->submitting);
  const auto attempt = impl_->begin(name, options, replaced);
  std::future<Value> result;
  try {
    result = impl_->executor.submit([impl = impl_.get(), pass = std::move(pass), attempt]() mutable {
      const auto inside = std::move(pass);  // not until the future is gone, which keeps the task
      const faces::PartOf mark(impl);
      return impl->run(attempt, inside->stop());
    });
  } catch (...) {  // no thread could be made
    impl_->forget(attempt);
    throw;
  }
  lock.unlock();  // whoever is replaced may be telling its progress, and that may call here
  impl_->replace(replaced, attempt->id);
  return result;
}

CleanupMetrics LoaderService::unload_model(std::stop_token stop) {
  if (impl_->is_telling_progress()) {
    unload_model_async(std::move(stop));
    cancel_current_load();
    CleanupMetrics begun;
    begun.error = "the load that this was called from is cancelled; the slot is emptied after it";
    return begun;
  }
  const faces::Gate::Pass pass(impl_->gate, std::move(stop), "unloading the slot");
  const faces::PartOf mark(impl_.get());
  return impl_->unload(pass.stop());
}

std::future<CleanupMetrics> LoaderService::unload_model_async(std::stop_token stop) {
  auto pass =
      std::make_shared<faces::Gate::Pass>(impl_->gate, std::move(stop), "unloading the slot");
  return impl_->executor.submit([impl = impl_.get(), pass = std::move(pass)]() mutable {
    const auto inside = std::move(pass);
    const faces::PartOf mark(impl);
    return impl->unload(inside->stop());
  });
}

bool LoaderService::cancel_current_load() {
  std::list<Impl::Attempt> running;
  {
    const std::lock_guard lock(impl_->mutex);
    running = impl_->attempts;
  }
  for (const Impl::Attempt& attempt : running) attempt->stop.request_stop();
  return !running.empty();
}

bool LoaderService::is_loading() const {
  const std::lock_guard lock(impl_->mutex);
  return !impl_->attempts.empty();
}

Subscription LoaderService::subscribe(Listener listener) {
  if (!listener) throw RoostError(ErrorCode::InvalidArgument, "the load listener is empty");
  return impl_->listeners.subscribe(std::move(listener));
}

void LoaderService::shutdown() {
  impl_->shutdown();
}

// --- a load

LoaderService::Impl::Attempt LoaderService::Impl::begin(const std::string& name,
                                                        const LoadOptions& load,
                                                        std::list<Attempt>& replaced) {
  load.validate();
  auto attempt = std::make_shared<LoadAttempt>();
  attempt->id = engine.resolve(name);
  attempt->options = load;
  {
    const std::lock_guard lock(mutex);
    for (const Attempt& other : attempts) {
      if (other->id != attempt->id || other->stop.stop_requested()) continue;
      throw RoostError(ErrorCode::DuplicateLoad,
                       loading(attempt->id) + ": it is being loaded already; that load goes on");
    }
    if (options.policy == LoadPolicy::Replace) replaced = attempts;
    attempts.push_back(attempt);
  }
  return attempt;
}

void LoaderService::Impl::replace(const std::list<Attempt>& older, const std::string& by) {
  {
    const std::lock_guard lock(mutex);
    for (const Attempt& attempt : older) {
      if (!attempt->stop.stop_requested()) attempt->replaced_by = by;
    }
  }
  for (const Attempt& attempt : older) attempt->stop.request_stop();
}

void LoaderService::Impl::forget(const Attempt& attempt) {
  const std::lock_guard lock(mutex);
  attempts.remove(attempt);
  changed.notify_all();
}

Value LoaderService::Impl::run(const Attempt& attempt, std::stop_token stop) {
  const std::stop_callback forward(std::move(stop), [&] { attempt->stop.request_stop(); });
  try {
    if (std::optional<Value> there = wait_for_turn(attempt)) return *std::move(there);
    tell(LoaderEvent::Kind::Started, attempt->id);
    ModelHandle handle = acquire(attempt);
    Value config = pipeline.config_of(handle);  // while nobody else can close it
    publish(attempt, std::move(handle));
    tell(LoaderEvent::Kind::Completed, attempt->id);
    return config;
  } catch (const CancelledException& error) {
    const CancelledException why = why_cancelled(attempt, error);
    end_unpublished(attempt, why);
    throw why;
  } catch (const RoostError& error) {
    end_unpublished(attempt, error);
    throw;
  }
}

CancelledException LoaderService::Impl::why_cancelled(const Attempt& attempt,
                                                      const CancelledException& error) const {
  const std::lock_guard lock(mutex);
  if (attempt->replaced_by.empty()) return error;
  return CancelledException(loading(attempt->id) + ": '" + attempt->replaced_by +
                            "' took its place");
}

std::list<LoaderService::Impl::Attempt> LoaderService::Impl::older_than(
    const Attempt& attempt) const {
  return {attempts.begin(), std::find(attempts.begin(), attempts.end(), attempt)};
}

bool LoaderService::Impl::others_load(const Attempt& but) const {
  return std::any_of(attempts.begin(), attempts.end(),
                     [&](const Attempt& other) { return other != but && other->started; });
}

bool LoaderService::Impl::is_telling_progress() const {
  const std::lock_guard lock(mutex);
  return std::any_of(attempts.begin(), attempts.end(),
                     [](const Attempt& attempt) { return attempt->progress.is_calling(); });
}

std::optional<Value> LoaderService::Impl::wait_for_turn(const Attempt& attempt) {
  std::unique_lock lock(mutex);
  const bool turn = changed.wait(lock, attempt->stop.get_token(), [&] {
    return !unloading && (options.policy == LoadPolicy::Parallel || attempts.front() == attempt);
  });
  if (!turn || attempt->stop.stop_requested()) {
    throw CancelledException(loading(attempt->id) + ": cancelled before its turn came");
  }
  const bool there = states.current_state() == ModelState::Loaded &&
                     pipeline.model_id() == attempt->id && !pipeline.is_revoked() &&
                     !attempt->options.isolated;
  if (there && asks_for_another(attempt->options, resident)) {
    throw RoostError(ErrorCode::InvalidArgument,
                     loading(attempt->id) +
                         ": it is there already, loaded with another provider, device or backend "
                         "options; unload it first");
  }
  if (!there) {
    attempt->started = true;
    if (states.can_transition(Reason::LoadRequested)) states.transition(Reason::LoadRequested);
    return std::nullopt;
  }
  Value config = pipeline.config();
  const std::list<Attempt> older = older_than(attempt);
  attempts.remove(attempt);
  changed.notify_all();
  lock.unlock();
  replace(older, attempt->id);
  return config;
}

LoadOptions LoaderService::Impl::with_events(const Attempt& attempt) {
  LoadOptions load = attempt->options;
  load.progress = [this, attempt](const LoadProgress& progress) {
    attempt->progress.call([&] {
      if (progress.step > attempt->step) {
        attempt->step = progress.step;
        listeners.publish({LoaderEvent::Kind::Progress, attempt->id, progress.step, progress.total,
                           progress.phase, progress.message});
      }
      if (attempt->options.progress) attempt->options.progress(progress);
    });
  };
  return load;
}

// Beside the model in the slot if there is room for both, else in its place.
ModelHandle LoaderService::Impl::acquire(const Attempt& attempt) {
  const ModelState found = engine.status(attempt->id).state;
  if (found != ModelState::Loaded && found != ModelState::Loading) {
    const std::lock_guard lock(mutex);
    brought.insert(attempt->id);
  }
  const LoadOptions load = with_events(attempt);
  if (pipeline.has_model()) {
    if (std::optional<ModelHandle> handle = beside(attempt, load)) return *std::move(handle);
    make_room(attempt);
  }
  return engine.model(attempt->id, load, attempt->stop.get_token());
}

std::optional<ModelHandle> LoaderService::Impl::beside(const Attempt& attempt,
                                                       const LoadOptions& load) {
  LoadOptions at_once = load;
  at_once.fail_fast = true;
  const auto began = std::chrono::steady_clock::now();
  while (true) {
    const bool others_leave = do_others_leave(attempt);  // asked first: whoever left has given room
    const PlanReport plan = engine.plan(attempt->id, load);
    const bool no_room = plan.verdict == Verdict::Wait && !plan.short_by.empty();
    if (no_room && (load.fail_fast || !others_leave)) return std::nullopt;
    if (no_room) pause_for_room(attempt);
    try {
      if (!no_room) return engine.model(attempt->id, at_once, attempt->stop.get_token());
    } catch (const BudgetExceededException&) {
      // Refused for ever, or somebody took the room meanwhile: only then the slot's model goes.
      if (plan.verdict == Verdict::Refuse) throw;
      return std::nullopt;
    } catch (const RoostError& error) {
      if (error.code() != ErrorCode::QueueFull || load.fail_fast) throw;
      // It is something else than room that is waited for.
      if (!pause_while_it_leaves(attempt)) {
        return engine.model(attempt->id, load, attempt->stop.get_token());
      }
    }
    if (load.timeout.count() > 0 && std::chrono::steady_clock::now() - began >= load.timeout) {
      throw DeadlineExceededException(loading(attempt->id) + ": " +
                                      (no_room ? "a load that was cancelled still has its room"
                                               : "it is still being unloaded"));
    }
  }
}

bool LoaderService::Impl::pause_while_it_leaves(const Attempt& attempt) {
  const ModelState state = engine.status(attempt->id).state;
  if (state != ModelState::Unloading && state != ModelState::Loading) return false;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, attempt->stop.get_token(), std::chrono::milliseconds(1),
                   [] { return false; });
  return true;
}

bool LoaderService::Impl::do_others_leave(const Attempt& attempt) const {
  const std::lock_guard lock(mutex);
  return std::any_of(attempts.begin(), attempts.end(), [&](const Attempt& other) {
    return other != attempt && other->started && other->stop.stop_requested();
  });
}

void LoaderService::Impl::pause_for_room(const Attempt& attempt) {
  std::unique_lock lock(mutex);
  changed.wait_for(lock, attempt->stop.get_token(), std::chrono::milliseconds(1),
                   [] { return false; });
  if (!attempt->stop.stop_requested()) return;
  throw CancelledException(loading(attempt->id) + ": cancelled while it waited for room");
}

void LoaderService::Impl::make_room(const Attempt& attempt) {
  std::unique_lock lock(mutex);
  changed.wait(lock, attempt->stop.get_token(), [&] { return !unloading; });
  if (attempt->stop.stop_requested())
    throw CancelledException(loading(attempt->id) + ": cancelled");
  if (states.current_state() == ModelState::Loaded) {
    if (faces::PartOf::is(&pipeline)) {
      throw RoostError(ErrorCode::InvalidArgument,
                       loading(attempt->id) +
                           ": from within a use of the model in the slot, which has to leave for "
                           "it: it would wait for itself; call load_model_async and wait elsewhere");
    }
    unloading = true;
    const CleanupMetrics metrics = empty_slot(lock);
    unloading = false;
    changed.notify_all();
    if (metrics.code) throw RoostError(*metrics.code, metrics.error);
  }
  if (states.can_transition(Reason::LoadRequested)) states.transition(Reason::LoadRequested);
}

void LoaderService::Impl::publish(const Attempt& attempt, ModelHandle handle) {
  attempt->progress.close();
  std::shared_ptr<ModelHandle> before;
  std::list<Attempt> older;
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, attempt->stop.get_token(), [&] { return !unloading; });
    if (attempt->stop.stop_requested()) {
      lock.unlock();
      handle.close();
      throw CancelledException(loading(attempt->id) + ": cancelled when it was loaded");
    }
    before = pipeline.set_pipeline(std::move(handle));
    brought.insert(attempt->id);
    resident = attempt->options;
    resident.progress = nullptr;
    if (states.can_transition(Reason::LoadRequested)) states.transition(Reason::LoadRequested);
    if (states.can_transition(Reason::LoadCompleted)) states.transition(Reason::LoadCompleted);
    older = older_than(attempt);
    attempts.remove(attempt);
    changed.notify_all();
  }
  replace(older, attempt->id);
  leave_if_gone(attempt->id);  // forced out before the slot knew of it
  if (!before) return;
  CleanupMetrics metrics = give_back(before);
  const std::lock_guard lock(mutex);
  last_cleanup = std::move(metrics);
}

void LoaderService::Impl::end_unpublished(const Attempt& attempt, const RoostError& error) {
  attempt->progress.close();
  const bool cancelled = error.code() == ErrorCode::Cancelled;
  if (attempt->started) settle(attempt);
  {
    const std::lock_guard lock(mutex);
    attempts.remove(attempt);
    const Reason why = cancelled ? Reason::LoadCancelled : Reason::LoadFailed;
    const bool last = !pipeline.has_model() && !others_load(attempt);
    if (attempt->started && last && states.can_transition(why)) states.transition(why);
    changed.notify_all();
  }
  tell(cancelled ? LoaderEvent::Kind::Cancelled : LoaderEvent::Kind::Failed, attempt->id,
       error.what());
}

// What a load that ended early has taken is back before anything else is loaded. What others wait
// for or use stays, and so does what was in memory before this slot asked for it.
void LoaderService::Impl::settle(const Attempt& attempt) noexcept {
  {
    const std::lock_guard lock(mutex);
    if (!brought.contains(attempt->id)) return;
  }
  try {
    const ModelStatus status = engine.status(attempt->id);
    const bool in_memory =
        status.state == ModelState::Loading || status.state == ModelState::Loaded;
    if (in_memory && status.waiters == 0 && status.leases == 0) {
      UnloadOptions at_once;
      at_once.wait_for_leases = false;
      at_once.only_if_unused = status.state == ModelState::Loaded;
      engine.unload(attempt->id, at_once);
    }
    leave_to_others(attempt->id, attempt);
  } catch (const RoostError&) {  // somebody else's by now, or the engine is closed
  }
}

}  // namespace roost

#include "pool/shell/pool.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "base/foreign_code.h"
#include "base/working_for.h"
#include "roost/ids.h"
#include "pool/shell/decide.h"
#include "pool/shell/slot.h"
#include "roost/error.h"

namespace roost::pool {

Pool::Pool(const PoolOptions& options, Machine machine, events::EventHub& events, Clock& clock,
           LogSink log)
    : options_(options),
      machine_(std::move(machine)),
      log_(std::move(log)),
      events_(events),
      clock_(clock),
      returns_(std::make_shared<Returns>([this](SlotId slot) { returned(slot); })),
      loaders_("roost-load", std::max<std::size_t>(1, options_.core.max_concurrent_loads),
               ThreadPriority::Background, &events_),
      unloaders_("roost-unload", 2, ThreadPriority::Background, &events_),
      core_(options_.core),
      doors_(epoch_) {
  for (const auto& device : machine_.devices) {
    executors_.push_back(std::make_shared<backend::Executor>(device->info().id, clock_, &events_));
  }
  governor_ = std::jthread([this, begun = clock_.now()](std::stop_token stop) {
    set_up_thread("roost-governor", ThreadPriority::Normal);
    const WorkingFor mark(&events_);
    govern(begun, stop);
  });
}

Pool::~Pool() {
  stop();
  MutexLock lock(mutex_);
  slots_.clear();
}

Pool::Slot& Pool::at(SlotId slot) const {
  Slot* known = known_slot(slot);
  ROOST_ASSERT(known != nullptr);
  return *known;
}

Pool::Slot* Pool::known_slot(SlotId slot) const {
  const auto found = slots_.find(static_cast<std::uint32_t>(slot));
  return found == slots_.end() ? nullptr : found->second.get();
}

namespace {

void check_components(const std::string& model, const std::vector<Component>& components) {
  std::set<std::string> names;
  for (const Component& component : components) {
    if (names.insert(component.name).second) continue;
    throw ModelLoadException(model, "its backend names the component '" +
                                        printable(component.name) + "' twice");
  }
}

}  // namespace

SlotId Pool::slot(const ModelSpec& spec) {
  if (const auto known = find(spec.key)) return *known;
  const LoadEstimate estimate = run_foreign(
      [&] { return spec.backend->estimate(spec.description, *spec.device); },
      [&](const std::string& why) {
        return ModelLoadException(spec.description.id, "estimating what it takes: " + why);
      });
  const std::string made_by =
      std::string(spec.backend->name()) + "@" +
      std::to_string(reinterpret_cast<std::uintptr_t>(spec.backend.get()));
  check_components(spec.description.id, estimate.components);
  MutexLock lock(mutex_);
  if (const auto known = core_.find(spec.key)) return *known;
  std::vector<SlotId> images;
  for (const Component& component : estimate.components) {
    images.push_back(image_slot(spec, component, made_by));
  }
  return add_model(spec, estimate, std::move(images));
}

// Images hang on what they are made of, not on the device they will go to.
SlotId Pool::image_slot(const ModelSpec& spec, const Component& component,
                        const std::string& made_by) {
  const ModelDescription& description = spec.description;
  SlotSpec image;
  Value::Array made_of = {made_by, description.source, description.revision, description.options,
                          spec.isolated ? spec.key : "", component.name};
  image.key = "image|" + Value(std::move(made_of)).to_json();
  if (const auto known = core_.find(image.key)) return *known;
  image.model = description.id;
  image.kind = SlotKind::Image;
  image.estimate = MemoryVector::host(component.host_bytes);
  const SlotId id = core_.add(std::move(image));
  auto made = std::make_unique<Slot>();
  made->id = id;
  made->kind = SlotKind::Image;
  made->model = description.id;
  made->description = description;
  made->component = component.name;
  made->backend = spec.backend;
  made->device = machine_.devices.front();
  made->isolated = spec.isolated;
  slots_.emplace(static_cast<std::uint32_t>(id), std::move(made));
  return id;
}

SlotId Pool::add_model(const ModelSpec& spec, const LoadEstimate& estimate,
                       std::vector<SlotId> images) {
  SlotSpec model;
  model.key = spec.key;
  model.model = spec.description.id;
  model.estimate = MemoryVector::on(spec.device->info().memory, estimate.placement_bytes);
  if (!spec.learnt.empty()) model.estimate = spec.learnt;
  model.images = images;
  model.in_place = estimate.in_place;
  model.can_save_images = !estimate.in_place && !images.empty();
  model.policy = spec.policy;
  const SlotId id = core_.add(std::move(model));
  auto made = std::make_unique<Slot>();
  made->id = id;
  made->model = spec.description.id;
  made->description = spec.description;
  made->backend = spec.backend;
  made->device = spec.device;
  made->images = std::move(images);
  made->isolated = spec.isolated;
  if (spec.isolated) made->when_gone = made->gone.get_future().share();
  const auto at = std::find(machine_.devices.begin(), machine_.devices.end(), spec.device);
  ROOST_ASSERT(at != machine_.devices.end());
  made->device_index = static_cast<std::size_t>(at - machine_.devices.begin());
  slots_.emplace(static_cast<std::uint32_t>(id), std::move(made));
  if (!spec.isolated && !spec.only_planned) by_model_.emplace(spec.description.id, id);
  return id;
}

std::optional<SlotId> Pool::find(const std::string& key) const {
  MutexLock lock(mutex_);
  return core_.find(key);
}

std::vector<SlotId> Pool::slots_of(const std::string& model) const {
  MutexLock lock(mutex_);
  std::vector<SlotId> found;
  const auto [begin, end] = by_model_.equal_range(model);
  for (auto it = begin; it != end; ++it) found.push_back(it->second);
  std::sort(found.begin(), found.end());
  return found;
}

bool Pool::forget(SlotId slot) {
  MutexLock lock(mutex_);
  Slot* known = known_slot(slot);
  if (known == nullptr) return true;
  Slot& gone = *known;
  const std::vector<SlotId> images = gone.images;
  for (const std::string& door : gone.doors) doors_.unbind(door);
  gone.doors.clear();
  if (!core_.remove(slot)) return false;
  const auto [begin, end] = by_model_.equal_range(gone.model);
  for (auto it = begin; it != end; ++it) {
    if (it->second == slot) {
      by_model_.erase(it);
      break;
    }
  }
  // Readers of the fast door may still look at the cell.
  const auto node = slots_.extract(static_cast<std::uint32_t>(slot));
  std::shared_ptr<Slot> kept = std::move(const_cast<std::unique_ptr<Slot>&>(node.mapped()));
  epoch_.retire([kept] {});
  for (const SlotId image : images) {  // shared ones refuse until their last model has gone
    if (core_.remove(image)) slots_.erase(static_cast<std::uint32_t>(image));
  }
  epoch_.reclaim();
  return true;
}

void Pool::set_policy(SlotId slot, const SlotPolicy& policy) {
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    if (known_slot(slot) != nullptr) core.set_policy(slot, policy, now, out);
  });
}

bool Pool::keep_image(SlotId image, bool kept) {
  bool before = false;
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    if (known_slot(image) == nullptr) return;
    SlotPolicy policy = core.view(image).policy;
    before = std::exchange(policy.kept, kept);
    core.set_policy(image, policy, now, out);
  });
  return before;
}

// --- the fast door

ModelHandle Pool::try_lease(std::string_view door) {
  const Epoch::Guard guard = epoch_.read();
  const Slot* slot = doors_.find(door);
  if (slot == nullptr) return {};
  Residency* residency = slot->current.load(std::memory_order_seq_cst);
  if (residency == nullptr || !residency->gate().try_lease()) return {};
  residency->add_reference();
  residency->gate().touch(clock_.coarse_now());
  return Residency::handle(residency);
}

void Pool::bind_door(std::string_view door, SlotId slot, std::uint64_t meaning) {
  MutexLock lock(mutex_);
  if (known_slot(slot) == nullptr || meaning != meaning_) return;
  Slot& target = at(slot);
  if (target.isolated) return;
  doors_.bind(door, &target);
  if (std::find(target.doors.begin(), target.doors.end(), door) == target.doors.end()) {
    target.doors.emplace_back(door);
  }
  epoch_.reclaim();
}

void Pool::unbind_door(std::string_view door) {
  MutexLock lock(mutex_);
  ++meaning_;
  doors_.unbind(door);
}

std::uint64_t Pool::meaning_of_names() const {
  MutexLock lock(mutex_);
  return meaning_;
}

void Pool::unbind_all_doors() {
  MutexLock lock(mutex_);
  ++meaning_;
  doors_.unbind_all();
  for (const auto& [id, slot] : slots_) slot->doors.clear();
  epoch_.reclaim();
}

// --- requests

WaiterId Pool::add_waiter(SlotId slot, Progress progress, bool warm_up, Done done) {
  auto waiter = std::make_shared<Waiter>();
  waiter->slot = slot;
  waiter->warm_up = warm_up;
  if (progress) {
    waiter->teller = std::make_shared<Teller<LoadProgress>>(
        [own = &at(slot), tell = std::move(progress)](const LoadProgress& step) {
          const WorkingFor mark(own);
          tell(step);
        });
  }
  waiter->done = std::move(done);
  const std::uint64_t id = next_waiter_++;
  waiters_.emplace(id, std::move(waiter));
  at(slot).waiters.push_back(id);
  return WaiterId{id};
}

// Called after the request is in, without the mutex: a token that has fired already runs the
// callback at once. The waiter may be gone by then, which is fine.
void Pool::watch_stop(WaiterId id, std::stop_token stop) {
  if (!stop.stop_possible()) return;
  auto callback = std::make_unique<std::stop_callback<std::function<void()>>>(
      std::move(stop), std::function<void()>([this, id] {
        decide([&](Core& core, Instant now, Actions& out) {
          core.give_up(id, ErrorCode::Cancelled, "the caller cancelled", now, out);
        });
      }));
  MutexLock lock(mutex_);
  const auto waiter = waiters_.find(static_cast<std::uint64_t>(id));
  if (waiter != waiters_.end()) waiter->second->on_stop = std::move(callback);
}

void Pool::request(SlotId slot, const RequestSpec& spec, std::stop_token stop, Progress progress,
                   bool warm_up, Done done) {
  std::optional<WaiterId> id;
  const MemoryVector available = look_at_memory();
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    core.observe(available, touched_by_loads(), now, out);
    if (known_slot(slot) == nullptr) return;
    id = add_waiter(slot, std::move(progress), warm_up, std::move(done));
    waiters_.at(static_cast<std::uint64_t>(*id))->stop = stop;
    core.request(*id, slot, spec, now, out);
  });
  if (id) {
    watch_stop(*id, std::move(stop));
    return;
  }
  Outcome outcome;
  outcome.refused = Refused{
      {}, slot, refusal_of(ErrorCode::ModelNotFound, "it was unregistered meanwhile")};
  done(std::move(outcome));
}

void Pool::unload(SlotId slot, const UnloadSpec& spec, std::stop_token stop, Done done) {
  std::optional<WaiterId> id;
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    if (known_slot(slot) == nullptr) return;
    id = add_waiter(slot, {}, false, std::move(done));
    core.unload(*id, slot, spec, now, out);
  });
  if (id) {
    watch_stop(*id, std::move(stop));
  } else {
    done({});
  }
}

namespace {

// A place for one outcome, waited for by the thread that asked.
class Latch {
 public:
  void set(Outcome outcome) {
    MutexLock lock(mutex_);
    outcome_ = std::move(outcome);
    set_ = true;
    wake_.notify_all();
  }
  Outcome wait() {
    MutexLock lock(mutex_);
    wake_.wait(mutex_, [this]() ROOST_REQUIRES(mutex_) { return set_; });
    return std::move(outcome_);
  }

 private:
  std::condition_variable_any wake_;
  Mutex mutex_;
  Outcome outcome_ ROOST_GUARDED_BY(mutex_);
  bool set_ ROOST_GUARDED_BY(mutex_) = false;
};

}  // namespace

ModelHandle Pool::acquire(SlotId slot, const RequestSpec& spec, std::stop_token stop,
                          Progress progress, bool warm_up) {
  Latch latch;
  request(slot, spec, std::move(stop), std::move(progress), warm_up,
          [&latch](Outcome outcome) { latch.set(std::move(outcome)); });
  Outcome outcome = latch.wait();
  if (outcome.refused) throw_refusal(model_of(slot), outcome.refused->why);
  return std::move(outcome.handle);
}

Outcome Pool::unload_and_wait(SlotId slot, const UnloadSpec& spec, std::stop_token stop) {
  Latch latch;
  unload(slot, spec, std::move(stop),
         [&latch](Outcome outcome) { latch.set(std::move(outcome)); });
  Outcome outcome = latch.wait();
  if (outcome.refused) throw_refusal(model_of(slot), outcome.refused->why);
  return outcome;
}

std::string Pool::model_of(SlotId slot) const {
  MutexLock lock(mutex_);
  const Slot* known = known_slot(slot);
  return known == nullptr ? std::string() : known->model;
}

bool Pool::cancel_load(SlotId slot, const std::string& why) {
  bool any = false;
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    if (known_slot(slot) == nullptr) return;
    const SlotView before = core.view(slot);
    any = before.state == ModelState::Loading || before.waiters != 0;
    core.cancel_load(slot, why, now, out);
  });
  return any;
}

void Pool::reset(SlotId slot) {
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    if (known_slot(slot) != nullptr) core.reset(slot, now, out);
  });
}

void Pool::set_budget(const MemoryVector& budget) {
  decide([&](Core& core, Instant now, Actions& out) { core.set_budget(budget, now, out); });
}

// A watched gate became unused, or a call ended under a revoked one.
void Pool::returned(SlotId slot) {
  bool unload_isolated = false;
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    if (known_slot(slot) == nullptr) return;
    Slot& known = at(slot);
    core.lease_returned(slot, now, out);
    if (!known.isolated || known.closing) return;
    const SlotView view = core.view(slot);
    unload_isolated = view.state == ModelState::Loaded && view.leases == 0;
    known.closing = unload_isolated;
  });
  if (unload_isolated) drop(slot);
}

void Pool::drop(SlotId isolated) {
  unload(isolated, {}, {}, [this, isolated](const Outcome&) {
    std::promise<void> gone;
    {
      MutexLock lock(mutex_);
      if (Slot* known = known_slot(isolated)) gone.swap(known->gone);
    }
    forget(isolated);
  });
}

void Pool::stop() {
  {
    MutexLock lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    for (const auto& [id, slot] : slots_) {
      Residency* residency = slot->current.load();
      if (residency != nullptr) residency->engine_closes();
    }
  }
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    core.close(now, out);
    doors_.unbind_all();
  });
  unload_every(SlotKind::Model);
  unload_every(SlotKind::Image);  // nobody holds one any more
  governor_.request_stop();
  if (governor_.joinable()) governor_.join();
  loaders_.stop();
  unloaders_.stop();
  returns_->close();
  for (const auto& executor : executors_) executor->stop();
  MutexLock lock(mutex_);
  for (const auto& [id, slot] : slots_) slot->gone = {};
  epoch_.reclaim();
}

// Bounded: revoked leases are not waited for, only calls in flight and loads told to stop. Models
// stay loaded while calls run; what goes of the images is on its way at once.
void Pool::unload_every(SlotKind kind) {
  const auto is_loaded = [kind](const Core& core, const Slot& slot) {
    return slot.kind == kind && core.view(slot.id).state == ModelState::Loaded;
  };
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    UnloadSpec spec;
    spec.force = true;
    for (const auto& [id, slot] : slots_) {
      if (!is_loaded(core, *slot)) continue;
      core.unload(add_waiter(slot->id, {}, false, [](const Outcome&) {}), slot->id, spec, now, out);
    }
  });
  MutexLock lock(mutex_);
  changed_.wait(mutex_, [&]() ROOST_REQUIRES(mutex_) {
    return core_.loading() == 0 &&
           std::none_of(slots_.begin(), slots_.end(), [&](const auto& entry) ROOST_REQUIRES(mutex_) {
             const ModelState state = core_.view(entry.second->id).state;
             return state == ModelState::Loading || state == ModelState::Unloading ||
                    (kind == SlotKind::Model && is_loaded(core_, *entry.second));
           });
  });
}

void throw_refusal(const std::string& model, const Refusal& why) {
  const std::string name = "'" + printable(model) + "'";
  const std::string text = why.message.starts_with(name) ? why.message : name + ": " + why.message;
  switch (why.code) {
    case ErrorCode::BudgetExceeded:
      throw BudgetExceededException(model, why.need, why.free, why.short_by, why.message);
    case ErrorCode::LoadBackoff:
      throw LoadBackoffException(
          model, why.message,
          std::chrono::duration_cast<std::chrono::milliseconds>(why.retry_after));
    case ErrorCode::Cancelled: throw CancelledException(text);
    case ErrorCode::DeadlineExceeded: throw DeadlineExceededException(text);
    case ErrorCode::EngineClosed: throw EngineClosedException();
    case ErrorCode::ModelNotFound: throw ModelNotFoundException(model, why.message);
    case ErrorCode::InUse:
    case ErrorCode::QueueFull: throw RoostError(why.code, text);
    default: throw ModelLoadException(model, why.message, why.code);
  }
}

}  // namespace roost::pool

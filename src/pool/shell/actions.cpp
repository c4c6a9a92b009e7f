// What the core decided, carried out. All of it is quick: work goes to the threads, and what may
// call out waits until the mutex is let go of.
#include <algorithm>

#include "base/assert.h"
#include "pool/shell/decide.h"
#include "pool/shell/slot.h"

namespace roost::pool {
namespace {

Value bytes_of(const MemoryVector& vector) {
  Value out = Value::Object{};
  vector.for_each([&](MemoryId id, std::uint64_t bytes) { out[to_string(id)] = bytes; });
  return out;
}

Outcome refused(SlotId slot, const RoostError& error) {
  Outcome outcome;
  outcome.refused = Refused{{}, slot, refusal_of(error.code(), error.what())};
  return outcome;
}

// Of a model that was loaded already, for one who asks for it warm.
Outcome warm_up(SlotId slot, ModelHandle lease, bool leased, const std::stop_token& stop) {
  Outcome outcome;
  try {
    if (lease) lease.warm_up(stop);
    if (leased) outcome.handle = std::move(lease);
  } catch (const RoostError& error) {
    return refused(slot, error);
  } catch (...) {  // user code may throw anything
    return refused(slot, RoostError(ErrorCode::InferenceFailed, "its warm-up threw"));
  }
  return outcome;
}

}  // namespace

void Pool::apply(Actions& actions, Deferred& later) {
  for (const Action& action : actions) {
    std::visit([&](const auto& what) ROOST_REQUIRES(mutex_) { on(what, later); }, action);
  }
  if (!actions.empty()) changed_.notify_all();
}

void Pool::on(const StartLoad& action, Deferred&) {
  Slot& slot = at(action.slot);
  auto attempt = std::make_shared<Attempt>();
  attempt->slot = slot.id;
  attempt->of = &slot;
  attempt->number = action.attempt;
  attempt->begun = clock_.now();
  attempt->load_begun = slot.load_begun;
  attempt->kind = slot.kind;
  attempt->description = slot.description;
  attempt->component = slot.component;
  attempt->backend = slot.backend;
  attempt->device = slot.device;
  attempt->executor = executors_[slot.device_index];
  attempt->usage = slot.usage;
  attempt->gone = slot.when_gone;
  for (const SlotId image : slot.images) attempt->images.push_back(at(image).image);
  for (const std::uint64_t waiter : slot.waiters) {
    attempt->warm_up = attempt->warm_up || waiters_.at(waiter)->warm_up;
  }
  // What the load allocates past its reservation must be granted first.
  attempt->account = MemoryAccount::create(
      action.reserved, [this, id = slot.id](const MemoryVector& extra) {
        MutexLock lock(mutex_);
        return core_.grow(id, extra);
      });
  slot.attempt = attempt;
  slot.account = attempt->account;
  if (slot.kind == SlotKind::Model) ++counters_.loads;
  const bool posted = loaders_.post([this, attempt] { load(attempt); });
  ROOST_ASSERT(posted);
}

void Pool::on(const StopLoad& action, Deferred& later) {
  const std::shared_ptr<Attempt> attempt = at(action.slot).attempt;
  if (attempt == nullptr || attempt->number != action.attempt) return;
  later.emplace_back([attempt] { attempt->stop.request_stop(); });
}

void Pool::on(const StartUnload& action, Deferred&) {
  const SlotId id = action.slot;
  const bool image = at(id).kind == SlotKind::Image;
  if (!image) ++counters_.unloads;
  const bool posted =
      image ? unloaders_.post([this, id] { unload_image(id); })
            : unloaders_.post([this, id, save = action.save_images] { unload_model(id, save); });
  ROOST_ASSERT(posted);
}

void Pool::on(const Granted& action, Deferred& later) {
  auto outcome = std::make_shared<Outcome>();
  outcome->freed = action.freed;
  outcome->lost = action.lost;
  std::shared_ptr<Waiter> waiter = take(action.waiter);
  Slot& slot = at(action.slot);
  Residency* residency = slot.current.load();
  ModelHandle lease;
  if (action.leased) {
    ROOST_ASSERT(residency != nullptr);
    residency->add_reference();
    residency->gate().touch(clock_.now());
    if (slot.isolated) residency->gate().watch();
    lease = Residency::handle(residency);
  }
  if (!waiter->warm_up || residency == nullptr || residency->is_warm()) {
    outcome->handle = std::move(lease);
    later.emplace_back([waiter, outcome] { waiter->answer(std::move(*outcome)); });
    return;
  }
  if (!lease && residency->gate().try_lease()) {
    residency->add_reference();
    lease = Residency::handle(residency);
  }
  const auto shared = std::make_shared<ModelHandle>(std::move(lease));
  later.emplace_back([this, waiter, shared, leased = action.leased] {
    const auto warm = [waiter, shared, leased, id = waiter->slot] {
      waiter->answer(warm_up(id, std::move(*shared), leased, waiter->stop));
    };
    if (!loaders_.post(warm)) waiter->answer(refused(waiter->slot, EngineClosedException()));
  });
}

void Pool::on(const Refused& action, Deferred& later) {
  later.emplace_back([waiter = take(action.waiter), action] {
    Outcome outcome;
    outcome.refused = action;
    waiter->answer(std::move(outcome));
  });
}

std::shared_ptr<Pool::Waiter> Pool::take(WaiterId id) {
  const auto found = waiters_.find(static_cast<std::uint64_t>(id));
  ROOST_ASSERT(found != waiters_.end());
  std::shared_ptr<Waiter> waiter = std::move(found->second);
  waiters_.erase(found);
  std::erase(at(waiter->slot).waiters, static_cast<std::uint64_t>(id));
  return waiter;
}

void Pool::on(const StateChanged& action, Deferred& later) {
  Slot& slot = at(action.slot);
  const HistoryEntry& change = action.change;
  Value data;
  data["from"] = to_string(change.from);
  data["to"] = to_string(change.to);
  data["reason"] = to_string(change.why);
  data["device"] = slot.device->info().id;
  const SlotView view = core_.view(slot.id);
  if (slot.kind == SlotKind::Image) {
    data["component"] = slot.component;
    if (change.why == Reason::LoadCompleted) data["footprint"] = bytes_of(view.reserved);
    if (change.why == Reason::UnloadCompleted) data["freed"] = bytes_of(slot.freed_last);
  }
  events_.publish(EventKind::StateChange, slot.model, data);
  if (slot.kind == SlotKind::Image) return;
  // An isolated instance that nobody got, or that was unloaded by name, is not kept as a slot.
  const bool over = change.to == ModelState::Idle || change.to == ModelState::Error;
  if (slot.isolated && over && !slot.closing) {
    slot.closing = true;
    later.emplace_back([this, id = slot.id] { drop(id); });
  }

  Value more;
  more["device"] = slot.device->info().id;
  switch (change.why) {
    case Reason::LoadRequested:
      slot.steps_told = 0;
      slot.load_begun = clock_.now();
      slot.fraction_told = 0;
      slot.restores = has_all_images(slot);
      more["reserved"] = bytes_of(view.reserved);
      events_.publish(EventKind::LoadStart, slot.model, more);
      break;
    case Reason::LoadCompleted:
      more["footprint"] = bytes_of(footprint(slot));
      if (const Residency* loaded = slot.current.load()) {
        more["load_ms"] = loaded->latency().load_ms;
        more["warm_up_ms"] = loaded->latency().warm_up_ms;
      }
      events_.publish(EventKind::LoadComplete, slot.model, more);
      if (slot.restores) events_.publish(EventKind::Restore, slot.model, more);
      break;
    case Reason::LoadFailed:
      ++counters_.failed_loads;
      more["code"] = to_string(view.last_failure_code);
      more["message"] = view.last_failure;
      more["retry_after_ms"] =
          std::chrono::duration_cast<std::chrono::milliseconds>(view.retry_after).count();
      events_.publish(EventKind::LoadError, slot.model, more);
      break;
    case Reason::LoadCancelled:
      ++counters_.cancelled_loads;
      events_.publish(EventKind::LoadCancelled, slot.model, more);
      break;
    case Reason::UnloadCompleted:
      more["freed"] = bytes_of(slot.freed_last);
      events_.publish(EventKind::Unload, slot.model, more);
      break;
    default: break;
  }
}

// Nothing has to be read to load it.
bool Pool::has_all_images(const Slot& model) const {
  return !model.images.empty() &&
         std::all_of(model.images.begin(), model.images.end(),
                     [this](SlotId id) ROOST_REQUIRES(mutex_) { return at(id).image != nullptr; });
}

// The model's own bytes and those of the images it is made from, while they are there.
MemoryVector Pool::footprint(const Slot& model) const {
  MemoryVector sum = core_.view(model.id).reserved;
  for (const SlotId image : model.images) sum += core_.view(image).reserved;
  return sum;
}

void Pool::on(const Evicted& action, Deferred&) {
  const Slot& slot = at(action.slot);
  if (!action.demoted) ++counters_.evictions;
  evictions_.push_back({clock_.wall(), slot.model, action.demoted, action.why, action.frees});
  if (evictions_.size() > kEvictionsKept) evictions_.pop_front();
  Value data;
  data["for"] = action.for_model;
  data["reason"] = action.why;
  data["frees"] = bytes_of(action.frees);
  if (slot.kind == SlotKind::Image) data["component"] = slot.component;
  events_.publish(action.demoted ? EventKind::Demote : EventKind::Evict, slot.model, data);
}

void Pool::on(const QueueChanged& action, Deferred&) {
  Value data;
  data["waiting"] = action.waiting;
  events_.publish(EventKind::QueueChange, "", data);
}

void Pool::on(const LeasesRevoked& action, Deferred&) {
  Value data;
  data["leases"] = action.leases;
  events_.publish(EventKind::LeaseRevoked, at(action.slot).model, data);
}

void Pool::on(const BytesLost& action, Deferred& later) {
  const Slot& slot = at(action.slot);
  Value data;
  data["bytes"] = bytes_of(action.bytes);
  data["device"] = slot.device->info().id;
  events_.publish(EventKind::MemoryLost, slot.model, data);
  later.emplace_back([this, text = "unloading '" + slot.model + "': " + to_string(action.bytes) +
                                   " were not seen to come back; they stay reserved"] {
    log_(LogLevel::Warning, text);
  });
}

}  // namespace roost::pool

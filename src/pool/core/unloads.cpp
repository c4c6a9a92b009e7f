// Unloads: drain, give back, answer.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "pool/core/core_impl.h"

namespace roost::pool {

using Phase = UnloadJob::Phase;

void Core::Impl::unload(WaiterId id, Slot& slot, const UnloadSpec& spec, const Input& in) {
  if (auto why = cannot_unload(slot, spec)) {
    in.tell(Refused{id, slot.id, std::move(*why)});
    return;
  }
  if (spec.only_if_unused && !close_if_unused(slot)) {
    in.tell(Granted{id, slot.id, false, {}, {}});
    return;
  }
  cancel_waiters(slot, refusal_of(ErrorCode::Cancelled, "it was unloaded before it was loaded"),
                 in);
  Waiter waiter;
  waiter.slot = slot.id;
  waiter.unload = true;
  waiter.asked = in.now;
  waiter.deadline = spec.deadline;
  add_waiter(id, waiter);
  UnloadJob& job = job_of(slot);
  job.waiters.push_back(id);
  job.evicted = false;
  if (spec.keep == Tier::None) job.keep = Tier::None;
  job.save = job.keep == Tier::Host;
  step_down(slot, spec.force, in);
}

// True when the model is on its way out, or was closed for it. Nobody who leases it or asks for it
// is disturbed; calls without a lease are waited for.
bool Core::Impl::close_if_unused(Slot& slot) {
  if (slot.is_image() || !slot.waiters.empty()) return false;
  if (slot.down) return slot.down->phase == Phase::Running || slot.down->phase == Phase::Images;
  return slot.open() && !slot.spec.policy.pinned && slot.gate->close_if_unleased();
}

std::optional<Refusal> Core::Impl::cannot_unload(const Slot& slot, const UnloadSpec& spec) const {
  const std::string name = "'" + slot.spec.model + "'";
  if (slot.is_image()) {
    if (slot.down || !in_use(slot)) return std::nullopt;
    return refusal_of(ErrorCode::InUse, "a part of " + name + " is held by " +
                                            counted(slot.holders.size(), "model") +
                                            "; unload first what holds it");
  }
  if (spec.keep == Tier::Host && slot.open() && !room_to_save(slot)) {
    Refusal why = refusal_of(ErrorCode::BudgetExceeded,
                             "demoting " + name + " needs " + format_bytes(save_bytes(slot)) +
                                 " of host memory, " +
                                 format_bytes(accounts.totals().headroom()[MemoryId::Host]) +
                                 " can be reserved; unload it, or make room first");
    why.need = MemoryVector::host(save_bytes(slot));
    why.free = accounts.totals().headroom();
    why.short_by = accounts.totals().shortage(why.need);
    return why;
  }
  return std::nullopt;
}

UnloadJob& Core::Impl::job_of(Slot& slot) {
  if (!slot.down) slot.down = std::make_unique<UnloadJob>();
  return *slot.down;
}

// The next step that can be taken now.
void Core::Impl::step_down(Slot& slot, bool force, const Input& in) {
  const Phase phase = slot.down->phase;
  const bool hasten = phase == Phase::Draining && force && !slot.is_image();
  if (hasten) drain(slot, force, in);
  if (phase != Phase::Waiting) return;
  if (slot.loading()) {
    refresh(slot);
  } else if (slot.state() != ModelState::Loaded) {
    model_is_down(slot, in);
  } else if (slot.is_image()) {
    doom_image(slot, in);
  } else {
    drain(slot, force, in);
  }
}

void Core::Impl::drain(Slot& slot, bool force, const Input& in) {
  UnloadJob& job = *slot.down;
  job.phase = Phase::Draining;
  refresh(slot);
  if (force && !job.revoked) {
    job.revoked = true;
    const std::uint32_t leases = slot.gate->revoke().leases;
    if (leases != 0) in.tell(LeasesRevoked{slot.id, leases});
  } else {
    slot.gate->close();
  }
  slot.gate->watch();
  drained(slot, in);
}

// A gate that is drained, or revoked and without calls, opens no more: the unload begins.
void Core::Impl::drained(Slot& slot, const Input& in) {
  UnloadJob& job = *slot.down;
  const bool quiet = job.revoked ? slot.gate->counts().calls == 0 : slot.gate->seal_if_unused();
  if (!quiet) return;
  if (!job.save || job.revoked || job.evicted || room_to_save(slot)) {
    begin_unload(slot, in);
    return;
  }
  const auto why = refusal_of(ErrorCode::BudgetExceeded,
                              "the host memory to demote '" + slot.spec.model +
                                  "' to was taken while its leases came home; it stays loaded");
  for (const WaiterId id : std::exchange(job.waiters, {})) refuse(id, why, in);
  stop_draining(slot, in);
}

// The wish to unload is withdrawn: the model opens again for those who came meanwhile.
void Core::Impl::stop_draining(Slot& slot, const Input& in) {
  slot.gate->reopen();
  slot.down.reset();
  refresh(slot);
  const auto& ttl = slot.spec.policy.ttl;
  if (ttl) arm_idle_timer(slot, std::max(last_used(slot) + *ttl, in.now));
  changed();
  serve(slot, in);
}

// The gate is sealed, or revoked with no call left.
void Core::Impl::begin_unload(Slot& model, const Input& in) {
  UnloadJob& job = job_of(model);
  job.phase = Phase::Running;
  const bool cleaning_up = model.state() == ModelState::Error;
  if (!cleaning_up) move(model, Reason::UnloadRequested, in);
  accounts.release(model.id);
  refresh(model);
  model.last_used = last_used(model);
  model.uses += model.gate->uses();
  arm_idle_timer(model, Instant::max());
  const bool save = job.save && room_to_save(model) && begin_saving(model, in);
  if (job.keep == Tier::None) doom_images_of(model, in);
  in.tell(StartUnload{model.id, save});
}

// True also when there is nothing to save.
bool Core::Impl::room_to_save(const Slot& model) const {
  if (model.spec.in_place) return true;
  const std::uint64_t bytes = save_bytes(model);
  return bytes == kCannotSave || accounts.totals().has_room(MemoryVector::host(bytes));
}

// Its missing images are filled from the device: reserved now, loaded when the unload ends.
bool Core::Impl::begin_saving(Slot& model, const Input& in) {
  if (model.spec.in_place || save_bytes(model) == kCannotSave) return false;
  bool any = false;
  for (const SlotId id : model.spec.images) {
    Slot& image = at(id);
    if (!image.absent()) continue;
    accounts.reserve(id, MemoryVector::host(image.spec.estimate[MemoryId::Host]));
    move(image, Reason::LoadRequested, in);
    image.load = LoadPhase::Saving;
    image.saver = model.id;
    refresh(image);
    place_in_queue(image);
    any = true;
  }
  return any;
}

void Core::Impl::end_saving(Slot& model, const UnloadResult& result, const Input& in) {
  const std::vector<SlotId>& images = model.spec.images;
  for (std::size_t i = 0; i < images.size(); ++i) {
    Slot& image = at(images[i]);
    if (image.load != LoadPhase::Saving || image.saver != model.id) continue;
    const MemoryVector& reserved = accounts.of(image.id).live;
    const bool saved =
        result.saved_images.size() == images.size() && result.saved_images[i].fits(reserved);
    if (saved) {
      became_resident(image, result.saved_images[i], nullptr, in);
      image_arrived(image, false, in);
    } else if (image.wanted()) {
      send_load(image, in);  // the ordinary way, for those who wait
    } else {
      load_stopped(image, in);
    }
  }
}

// The image goes, as soon as the models that run from it have gone.
void Core::Impl::doom_image(Slot& image, const Input& in) {
  job_of(image).phase = Phase::Draining;
  accounts.release(image.id);
  arm_idle_timer(image, Instant::max());
  refresh(image);
  if (!in_use(image)) begin_image_unload(image, in);
}

void Core::Impl::begin_image_unload(Slot& image, const Input& in) {
  image.down->phase = Phase::Running;
  move(image, Reason::UnloadRequested, in);
  in.tell(StartUnload{image.id, false});
}

// The images that only this model uses and nobody asked to keep go with it; its unload ends when
// theirs have.
void Core::Impl::doom_images_of(Slot& model, const Input& in) {
  std::vector<SlotId>& pending = model.down->images;
  for (const SlotId id : model.spec.images) {
    Slot& image = at(id);
    const bool only_ours = std::all_of(image.holders.begin(), image.holders.end(),
                                       [&](SlotId holder) { return holder == model.id; });
    const SlotPolicy& policy = image.spec.policy;
    if (image.open() && only_ours && !policy.kept && !policy.pinned) doom_image(image, in);
    const bool leaving = image.down || image.load == LoadPhase::Stopping;
    if (leaving && std::find(pending.begin(), pending.end(), id) == pending.end()) {
      pending.push_back(id);
    }
  }
}

void Core::Impl::unload_finished(Slot& slot, const UnloadResult& result, const Input& in) {
  UnloadJob& job = *slot.down;
  ROOST_ASSERT(job.phase == Phase::Running);
  if (slot.state() == ModelState::Unloading) {
    move(slot, result.failed ? Reason::UnloadFailed : Reason::UnloadCompleted, in);
  }
  const MemoryVector lost = min(result.lost, accounts.of(slot.id).live);
  accounts.give_back(slot.id, lost);
  if (!lost.empty()) in.tell(BytesLost{slot.id, lost});
  job.freed += result.freed;
  job.lost += lost;
  if (result.failed) {
    job.failure = "unloading '" + slot.spec.model + "' failed: " + result.message;
    slot.failures.note(job.failure);
  }
  slot.gate = nullptr;
  changed();
  if (slot.is_image()) {
    image_settled(slot, job.freed, job.lost, in);
    answer_unload(slot, in);
  } else {
    if (slot.spec.in_place) let_images_go(slot, in);
    end_saving(slot, result, in);
    model_is_down(slot, in);
  }
  drop_uncovered_claims(in);
}

void Core::Impl::model_is_down(Slot& model, const Input& in) {
  UnloadJob& job = *model.down;
  job.phase = Phase::Images;
  if (job.keep == Tier::None && !model.is_image()) doom_images_of(model, in);
  if (job.images.empty()) answer_unload(model, in);
}

// Of several unloads that wait for it one tells of its bytes, so that sums are true.
void Core::Impl::image_settled(Slot& image, MemoryVector freed, MemoryVector lost,
                               const Input& in) {
  const std::vector<SlotId> models = image.users;
  for (const SlotId id : models) {
    Slot& model = at(id);
    if (!model.down || std::erase(model.down->images, image.id) == 0) continue;
    model.down->freed += std::exchange(freed, {});
    model.down->lost += std::exchange(lost, {});
    if (model.down->phase == Phase::Images && model.down->images.empty()) answer_unload(model, in);
  }
}

void Core::Impl::answer_unload(Slot& slot, const Input& in) {
  const std::unique_ptr<UnloadJob> job = std::move(slot.down);
  for (const WaiterId id : job->waiters) {
    if (job->failure.empty()) {
      in.tell(Granted{id, slot.id, false, job->freed, job->lost});
      forget_waiter(id);
    } else {
      refuse(id, refusal_of(ErrorCode::Internal, job->failure), in);
    }
  }
  refresh(slot);
  changed();
  if (!planted(&TestFaults::forget_the_queue)) place_in_queue(slot);
}

void Core::Impl::unload_waiter_leaves(WaiterId id, Slot& slot, const Refusal& why,
                                      const Input& in) {
  UnloadJob& job = *slot.down;
  std::erase(job.waiters, id);
  refuse(id, why, in);
  if (!job.waiters.empty() || closed) return;
  if (job.phase == Phase::Waiting) {
    slot.down.reset();
    refresh(slot);
    place_in_queue(slot);
  } else if (job.phase == Phase::Draining && !slot.is_image() && !job.revoked) {
    stop_draining(slot, in);
  }
}

void Core::Impl::became_unusable(Slot& slot, const std::string& why, const Input& in) {
  if (slot.state() != ModelState::Loaded || slot.is_image()) return;
  UnloadJob& job = job_of(slot);
  job.keep = Tier::None;
  job.save = false;
  move(slot, Reason::BecameUnusable, in);
  slot.failures.record(ErrorCode::HealthFailed, why, in.now, options.backoff_first, options.backoff_most);
  drain(slot, true, in);
}

void Core::Impl::lease_returned(Slot& slot, const Input& in) {
  if (slot.gate == nullptr) return;
  if (slot.down) {
    if (slot.down->phase == Phase::Draining) drained(slot, in);
    return;
  }
  if (!slot.gate->counts().unused()) return;
  slot.gate->unwatch();
  if (const auto& ttl = slot.spec.policy.ttl) arm_idle_timer(slot, last_used(slot) + *ttl);
  if (in.now >= next_lease_plan) {
    next_lease_plan = in.now + kLeasePlanEvery;
    changed();
  } else {
    lease_plan_at = next_lease_plan;
  }
}

}  // namespace roost::pool

// Loads: from the reservation to Loaded, or back to nothing.
#include <algorithm>

#include "base/assert.h"
#include "pool/core/core_impl.h"

namespace roost::pool {

// There is room: the caller made sure.
void Core::Impl::start(Slot& slot, const Input& in) {
  if (slot.is_image()) {
    start_image(slot, in);
    return;
  }
  accounts.reserve(slot.id, slot.spec.estimate);
  move(slot, Reason::LoadRequested, in);
  slot.load = LoadPhase::Staging;
  for (const SlotId id : slot.spec.images) {
    Slot& image = at(id);
    if (image.open()) {
      ++counters.hits;
      use_image(image, in.now);
      continue;
    }
    ++counters.misses;
    if (image.arriving()) continue;
    slot.staged.push_back(id);
    start_image(image, in);
  }
  place_if_staged(slot, in);
}

void Core::Impl::start_image(Slot& image, const Input& in) {
  if (image.load == LoadPhase::MakingRoom) {  // for its own sake; a model that needs it was faster
    accounts.drop_claim(image.id);
    std::erase(making_room, image.id);
  }
  accounts.reserve(image.id, image.spec.estimate);
  move(image, Reason::LoadRequested, in);
  send_load(image, in);
  refresh(image);
  place_in_queue(image);  // who waits for it in the queue waits for this load now
}

void Core::Impl::send_load(Slot& slot, const Input& in) {
  slot.load = LoadPhase::Running;
  slot.attempt = next_attempt++;
  const StartLoad action{slot.id, slot.attempt, accounts.of(slot.id).live};
  in.tell(action);
  if (planted(&TestFaults::start_load_twice)) in.tell(action);
}

void Core::Impl::place_if_staged(Slot& model, const Input& in) {
  if (model.load != LoadPhase::Staging) return;
  for (const SlotId id : model.spec.images) {
    if (!at(id).open()) return;
  }
  send_load(model, in);
}

void Core::Impl::hold_images(Slot& model) {
  for (const SlotId id : model.spec.images) {
    Slot& image = at(id);
    image.holders.push_back(model.id);
    refresh(image);
  }
}

void Core::Impl::let_images_go(Slot& model, const Input& in) {
  for (const SlotId id : model.spec.images) {
    Slot& image = at(id);
    if (std::erase(image.holders, model.id) == 0) continue;
    touch_image(image, in.now);
    if (image.down && image.down->phase == UnloadJob::Phase::Draining && !in_use(image)) {
      begin_image_unload(image, in);
    } else if (image.load == LoadPhase::Running && !image.wanted()) {
      stop(image, in);
    }
  }
}

// A load that came to nothing leaves nothing behind.
void Core::Impl::drop_staged(Slot& model, const Input& in) {
  for (const SlotId id : model.staged) {
    Slot& image = at(id);
    if (image.open() && !image.wanted() && !image.spec.policy.kept) doom_image(image, in);
  }
  model.staged.clear();
}

void Core::Impl::touch_image(Slot& image, Instant now) {
  if (image.open()) {
    image.last_used = now;
    if (const auto& ttl = image.spec.policy.ttl) arm_idle_timer(image, now + *ttl);
  }
  refresh(image);
}

void Core::Impl::use_image(Slot& image, Instant now) {
  ++image.uses;
  residents.at(image.row).rate.add(1, now, options.use_half_life);
  touch_image(image, now);
}

// True while a model reads from it or runs from it; one that only waits for room does neither.
bool Core::Impl::in_use(const Slot& image) const {
  return std::any_of(image.holders.begin(), image.holders.end(),
                     [this](SlotId model) { return at(model).load != LoadPhase::MakingRoom; });
}

void Core::Impl::load_finished(Slot& slot, const LoadSuccess& result, const Input& in) {
  const bool unwanted = !slot.wanted();
  learn(slot, result.footprint, result.seconds);
  became_resident(slot, result.footprint, result.gate, in);
  if (slot.is_image()) {
    image_arrived(slot, unwanted, in);
  } else if (closed || slot.down) {
    job_of(slot).keep = Tier::None;
    step_down(slot, false, in);
  } else {
    serve(slot, in);
  }
}

// `unwanted`: nobody wanted it any more.
void Core::Impl::image_arrived(Slot& image, bool unwanted, const Input& in) {
  if (closed || image.down || (unwanted && !image.spec.policy.kept)) {
    doom_image(image, in);
    return;
  }
  image_settled(image, {}, {}, in);
  serve(image, in);
  const std::vector<SlotId> holders = image.holders;
  for (const SlotId model : holders) place_if_staged(at(model), in);
}

// The next admission asks for the larger of the last two footprints.
void Core::Impl::learn(Slot& slot, const MemoryVector& footprint, double seconds) {
  MemoryVector estimate = footprint;
  if (slot.last_footprint) {
    slot.last_footprint->for_each(
        [&](MemoryId m, std::uint64_t bytes) { estimate[m] = std::max(estimate[m], bytes); });
  }
  slot.last_footprint = std::make_unique<MemoryVector>(footprint);
  slot.spec.estimate = estimate;
  if (seconds > 0) slot.spec.load_seconds = seconds;
}

void Core::Impl::became_resident(Slot& slot, const MemoryVector& footprint, LeaseGate* gate,
                                 const Input& in) {
  ROOST_ASSERT(slot.is_image() || gate != nullptr);
  accounts.settle(slot.id, footprint);
  slot.load = LoadPhase::None;
  slot.staged.clear();
  slot.gate = gate;
  slot.loaded_at = slot.last_used = in.now;
  slot.failures.succeeded();
  slot.rate.start(in.now);
  slot.rate.add(1, in.now, options.use_half_life);  // somebody asked for it
  move(slot, Reason::LoadCompleted, in);
  if (!slot.spec.in_place) let_images_go(slot, in);
  refresh(slot);
  if (const auto& ttl = slot.spec.policy.ttl) arm_idle_timer(slot, in.now + *ttl);
  changed();
}

void Core::Impl::load_failed(Slot& slot, ErrorCode code, const std::string& message,
                             const Input& in) {
  // Whatever a load told to stop says, it stopped.
  if (slot.load == LoadPhase::Stopping) {
    load_stopped(slot, in);
    return;
  }
  fail_load(slot, code, message, in);
  const std::vector<SlotId> models = slot.holders;
  for (const SlotId id : models) {
    Slot& model = at(id);
    if (model.load == LoadPhase::Staging) {
      fail_load(model, code, message, in);
    } else if (model.load == LoadPhase::MakingRoom) {
      refuse_all(model, refusal_of(code, message), in);
      drop_claim(model, in);
    }
  }
}

void Core::Impl::fail_load(Slot& slot, ErrorCode code, const std::string& message,
                           const Input& in) {
  const bool cancelled = code == ErrorCode::Cancelled;
  end_of_load(slot, cancelled ? Reason::LoadCancelled : Reason::LoadFailed, in);
  if (!cancelled) {
    slot.failures.record(code, message, in.now, options.backoff_first, options.backoff_most);
  }
  refuse_all(slot, refusal_of(code, message), in);
  drop_staged(slot, in);
  if (slot.down) step_down(slot, false, in);
}

void Core::Impl::load_stopped(Slot& slot, const Input& in) {
  end_of_load(slot, Reason::LoadCancelled, in);
  drop_staged(slot, in);
  if (slot.down) step_down(slot, false, in);
  place_in_queue(slot);  // who asked meanwhile
}

void Core::Impl::end_of_load(Slot& slot, Reason why, const Input& in) {
  const bool planted_leak =
      why == Reason::LoadFailed && planted(&TestFaults::keep_reservation_of_failed_load);
  if (!planted_leak) accounts.abandon(slot.id);
  slot.load = LoadPhase::None;
  move(slot, why, in);
  let_images_go(slot, in);
  changed();
  if (!slot.is_image()) return;
  refresh(slot);
  image_settled(slot, {}, {}, in);
}

void Core::Impl::reset(Slot& slot, const Input& in) {
  if (slot.state() != ModelState::Error) return;
  slot.failures.succeeded();
  if (!slot.down) move(slot, Reason::Reset, in);  // else what is left is being unloaded
}

void Core::Impl::stop(Slot& slot, const Input& in) {
  slot.load = LoadPhase::Stopping;
  refresh(slot);
  in.tell(StopLoad{slot.id, slot.attempt});
}

bool Core::Impl::grow(Slot& slot, const MemoryVector& extra) {
  if (slot.load != LoadPhase::Running && slot.load != LoadPhase::Stopping) return false;
  if (accounts.grow(slot.id, extra)) return true;
  const MemoryVector wanted = accounts.of(slot.id).live + extra;
  wanted.for_each([&](MemoryId m, std::uint64_t bytes) {
    slot.spec.estimate[m] = std::max(slot.spec.estimate[m], bytes);
  });
  return false;
}

}  // namespace roost::pool

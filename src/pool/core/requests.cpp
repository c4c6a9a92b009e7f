// Requests: who asks, who waits, who is answered what.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "pool/core/core_impl.h"

namespace roost::pool {

Refusal refusal_of(ErrorCode code, std::string message) {
  Refusal why;
  why.code = code;
  why.message = std::move(message);
  return why;
}

void Core::Impl::request(WaiterId id, Slot& slot, const RequestSpec& spec, const Input& in) {
  if (auto why = refused_at_once(slot, spec, in)) {
    in.tell(Refused{id, slot.id, std::move(*why)});
    return;
  }
  if (slot.open() && grant(id, slot, spec.lease, in)) return;
  Waiter waiter;
  waiter.slot = slot.id;
  waiter.lease = spec.lease;
  waiter.fail_fast = spec.fail_fast;
  waiter.retry_now = spec.retry_now;
  waiter.asked = in.now;
  waiter.deadline = spec.deadline;
  waiter.turn = turn_of(in.now, spec.priority, next_order++, options.aging_step);
  add_waiter(id, waiter);
  slot.waiters.push_back(id);
  place_in_queue(slot);
  if (!spec.fail_fast) return;
  pump(in);
  // Not looked at yet when too many are ahead; it does not wait for its turn.
  if (slot.queued) consider(slot, ahead_of(slot.queued->turn, in.now), in);
}

std::optional<Refusal> Core::Impl::refused_at_once(const Slot& slot, const RequestSpec& spec,
                                                   const Input& in) const {
  const std::string name = "'" + slot.spec.model + "'";
  if (closed) return refusal_of(ErrorCode::EngineClosed, "the engine is closed");
  if (spec.deadline <= in.now) {
    return refusal_of(ErrorCode::DeadlineExceeded,
                      name + " was asked for with a deadline that had passed already");
  }
  if (slot.open()) return std::nullopt;
  const Duration wait = slot.load == LoadPhase::None ? back_off(slot, in.now) : Duration::zero();
  if (wait > Duration::zero() && !spec.retry_now) return backing_off(slot, wait, in.now);
  if (requests >= options.max_waiting) {
    return refusal_of(ErrorCode::QueueFull, name +
                                                " cannot be queued: " + std::to_string(requests) +
                                                " requests wait already, which is the limit");
  }
  const bool leaving = slot.down || slot.load == LoadPhase::Stopping;
  if (spec.fail_fast && leaving) {
    return refusal_of(ErrorCode::QueueFull, name +
                                                " is on its way out and would have to be loaded "
                                                "again; ask without fail_fast to queue");
  }
  return std::nullopt;
}

void Core::Impl::refuse_fail_fast(Slot& slot, const Snapshot& s, const Decision& wait,
                                  const Input& in) {
  std::vector<WaiterId> impatient = slot.waiters;
  std::erase_if(impatient, [this](WaiterId id) { return !waiters.at(id).fail_fast; });
  if (impatient.empty()) return;
  Decision instead = wait;
  instead.verdict = Verdict::Refuse;
  const Refusal why = refusal(slot, s, instead);
  for (const WaiterId id : impatient) {
    std::erase(slot.waiters, id);
    refuse(id, why, in);
  }
  place_in_queue(slot);
}

CoreWaiter& Core::Impl::add_waiter(WaiterId id, const Waiter& waiter) {
  const auto [at, fresh] = waiters.emplace(id, waiter);
  ROOST_ASSERT(fresh);
  timers.arm({waiter.deadline, Timers::Kind::Deadline, static_cast<std::uint64_t>(id)});
  if (!waiter.unload) ++requests;
  return at->second;
}

std::size_t Core::Impl::requests_in_line() const {
  std::size_t in_line = requests;
  for (const SlotId id : loading) in_line -= at(id).waiters.size();
  return in_line;
}

void Core::Impl::forget_waiter(WaiterId id) {
  const auto found = waiters.find(id);
  ROOST_ASSERT(found != waiters.end());
  timers.disarm({found->second.deadline, Timers::Kind::Deadline, static_cast<std::uint64_t>(id)});
  if (!found->second.unload) --requests;
  waiters.erase(found);
}

// False when the gate was closed from outside; the core hears of the reason later.
bool Core::Impl::grant(WaiterId id, Slot& slot, bool lease, const Input& in) {
  const bool leased = lease && !slot.is_image();
  if (leased && !slot.gate->try_lease()) return false;
  if (slot.is_image()) use_image(slot, in.now);
  in.tell(Granted{id, slot.id, leased, {}, {}});
  return true;
}

void Core::Impl::serve(Slot& slot, const Input& in) {
  for (const WaiterId id : std::exchange(slot.waiters, {})) {
    if (grant(id, slot, waiters.at(id).lease, in)) {
      forget_waiter(id);
    } else {
      slot.waiters.push_back(id);
    }
  }
}

void Core::Impl::refuse(WaiterId id, Refusal why, const Input& in) {
  in.tell(Refused{id, waiters.at(id).slot, std::move(why)});
  forget_waiter(id);
}

void Core::Impl::refuse_all(Slot& slot, const Refusal& why, const Input& in) {
  for (const WaiterId id : std::exchange(slot.waiters, {})) refuse(id, why, in);
  place_in_queue(slot);
}

// Where one insists on another try, all who wait get it.
void Core::Impl::refuse_backing_off(Slot& slot, const Input& in) {
  const Duration wait = back_off(slot, in.now);
  const bool insisted = std::any_of(slot.waiters.begin(), slot.waiters.end(),
                                    [this](WaiterId id) { return waiters.at(id).retry_now; });
  if (wait > Duration::zero() && !insisted) refuse_all(slot, backing_off(slot, wait, in.now), in);
}

Refusal Core::Impl::backing_off(const Slot& slot, Duration wait, Instant now) const {
  Snapshot s;
  s.now = now;
  s.retry_after = wait;
  s.standing = Standing::BackingOff;
  return refusal(slot, s, decide(s));
}

void Core::Impl::give_up(WaiterId id, const Refusal& why, const Input& in) {
  const auto found = waiters.find(id);
  if (found == waiters.end()) return;  // answered meanwhile
  Slot& slot = at(found->second.slot);
  if (found->second.unload) {
    unload_waiter_leaves(id, slot, why, in);
    return;
  }
  const bool was_oldest = slot.waiters.front() == id;
  std::erase(slot.waiters, id);
  refuse(id, why, in);
  if (slot.waiters.empty()) {
    nobody_waits(slot, in);
  } else {
    place_in_queue(slot);
    if (was_oldest && slot.waits_for != 0) changed();  // it may no longer be overdue
    if (slot.queued) refuse_backing_off(slot, in);  // it may have been the one who insisted
  }
}

void Core::Impl::cancel_waiters(Slot& slot, const Refusal& why, const Input& in) {
  if (slot.waiters.empty()) return;
  if (planted(&TestFaults::lose_waiter_on_cancel)) {
    forget_waiter(slot.waiters.front());
    slot.waiters.erase(slot.waiters.begin());
  }
  refuse_all(slot, why, in);
  nobody_waits(slot, in);
}

// Nobody waits for this load any more: it is given up, unless it is an image that a model loads.
void Core::Impl::nobody_waits(Slot& slot, const Input& in) {
  switch (slot.load) {
    case LoadPhase::None: place_in_queue(slot); break;
    case LoadPhase::MakingRoom: drop_claim(slot, in); break;
    case LoadPhase::Staging: load_stopped(slot, in); break;
    case LoadPhase::Running:
      if (slot.holders.empty()) stop(slot, in);
      break;
    case LoadPhase::Stopping:
    case LoadPhase::Saving: break;
  }
}

// In the queue exactly while someone waits and nothing is under way.
void Core::Impl::place_in_queue(Slot& slot) {
  const bool belongs = !slot.waiters.empty() && slot.absent();
  const auto before = std::exchange(slot.queued, std::nullopt);
  if (before) queue.erase(*before);
  if (!belongs) {
    if (before && std::exchange(slot.waits_for, 0) != 0) changed();  // those behind it may pass
    return;
  }
  if (!before) {
    slot.considered = 0;
    slot.waits_for = 0;
    slot.retry_at = Instant::max();
    dirty = true;
  }
  Turn best = waiters.at(slot.waiters.front()).turn;
  for (const WaiterId id : slot.waiters) best = std::min(best, waiters.at(id).turn);
  slot.queued = {best, slot.id};
  queue.insert(*slot.queued);
  if (before && before->turn != best && slot.waits_for != 0) changed();  // it passed, or fell back
}

Duration Core::Impl::back_off(const Slot& slot, Instant now) const {
  Duration wait =
      slot.failures.retry_at() > now ? slot.failures.retry_at() - now : Duration::zero();
  for (const SlotId id : slot.spec.images) {
    const Slot& image = at(id);
    if (image.state() == ModelState::Error) wait = std::max(wait, back_off(image, now));
  }
  return wait;
}

}  // namespace roost::pool

// What comes with time, from the machine, or from whoever sets the limits.
#include <algorithm>

#include "pool/core/core_impl.h"

namespace roost::pool {

void Core::Impl::tick(const Input& in) {
  while (const auto timer = timers.pop_due(in.now)) {
    if (timer->kind == Timers::Kind::Deadline) {
      deadline_passed(WaiterId{timer->id}, in);
    } else {
      Slot& slot = at(SlotId{static_cast<std::uint32_t>(timer->id)});
      slot.idle_timer = Instant::max();
      look_if_idle(slot, in);
    }
  }
  if (in.now >= lease_plan_at) {
    lease_plan_at = Instant::max();
    next_lease_plan = in.now + kLeasePlanEvery;
    changed();
  }
  if (in.now >= retry_at) changed();
}

void Core::Impl::deadline_passed(WaiterId id, const Input& in) {
  const Waiter& waiter = waiters.at(id);
  const Slot& slot = at(waiter.slot);
  const std::string name = "'" + slot.spec.model + "'";
  if (!waiter.unload) {
    const char* what = slot.loading() ? " was still loading after " : " still waited to load after ";
    give_up(id,
            refusal_of(ErrorCode::DeadlineExceeded,
                       name + what + duration_text(in.now - waiter.asked) +
                           "; allow a longer timeout"),
            in);
    return;
  }
  if (slot.down->phase != UnloadJob::Phase::Draining || slot.is_image()) return;  // it goes on
  const LeaseGate::Counts counts = slot.gate->counts();
  give_up(
      id,
      refusal_of(ErrorCode::InUse,
                 name + " is still in use after " + duration_text(in.now - waiter.asked) + ": " +
                     counted(counts.leases, "lease") + ", " + counted(counts.calls, "call") +
                     "; it stays loaded (force revokes the leases)"),
      in);
}

void Core::Impl::look_if_idle(Slot& slot, const Input& in) {
  const auto& ttl = slot.spec.policy.ttl;
  if (!ttl || !slot.open() || slot.spec.policy.pinned || !slot.holders.empty()) return;
  const Instant expires = last_used(slot) + *ttl;
  if (expires > in.now) {
    arm_idle_timer(slot, expires);
    return;
  }
  if (slot.gate != nullptr && !slot.gate->seal_if_unused()) {
    // The last return arms the timer again; it may have happened just now.
    if (slot.gate->watch().unused()) arm_idle_timer(slot, in.now + *ttl);
    return;
  }
  in.tell(Evicted{slot.id, "", "idle for " + duration_text(in.now - last_used(slot)), false,
                  accounts.of(slot.id).live});
  if (slot.is_image()) {
    ++counters.evictions;
    doom_image(slot, in);
    return;
  }
  UnloadJob& job = job_of(slot);
  job.evicted = true;
  job.keep = Tier::None;
  begin_unload(slot, in);
}

void Core::Impl::observe(const MemoryVector& available, const Input&) {
  if (available == accounts.totals().available) return;
  accounts.observe(available);
  changed();
}

void Core::Impl::set_budget(const MemoryVector& budget, const Input& in) {
  accounts.set_budget(budget);
  drop_uncovered_claims(in);
  changed();
}

void Core::Impl::close(const Input& in) {
  closed = true;
  const Refusal why = refusal_of(ErrorCode::EngineClosed, "the engine is closed");
  std::vector<WaiterId> all;
  for (const auto& [id, waiter] : waiters) all.push_back(id);
  std::sort(all.begin(), all.end());
  for (const WaiterId id : all) give_up(id, why, in);
}

void Core::Impl::finish(const Input& in) {
  latest = in.now;
  keep_cache_limits(in);
  pump(in);
  if (const std::size_t waiting = requests_in_line(); waiting != told_waiting) {
    told_waiting = waiting;
    in.tell(QueueChanged{waiting});
  }
}

}  // namespace roost::pool

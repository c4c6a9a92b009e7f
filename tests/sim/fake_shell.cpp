#include "sim/fake_shell.h"

#include <algorithm>

namespace roost::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kRestlessTicks = 2000;    // at one instant: the core goes round in circles
constexpr int kRestlessSteps = 100000;  // without coming to rest

}  // namespace

FakeShell::FakeShell(const CoreOptions& options, Rng& rng, Trace& trace)
    : core(options),
      auditor(core, options.budget, options.min_residency),
      rng_(rng),
      trace_(trace),
      machine_(options.budget + options.budget) {}

void FakeShell::take(const Actions& actions) {
  auditor.saw(actions, now);
  if (const auto broken = core.check_invariants()) throw Violation(*broken);
  for (const Action& action : actions) {
    std::visit([this](const auto& a) { carry_out(a); }, action);
  }
}

SlotId FakeShell::add(SlotSpec spec) {
  spec.model = spec.key;
  const SlotId id = core.add(spec);
  auditor.add(id, spec);
  (spec.kind == SlotKind::Image ? images : models).push_back(id);
  return id;
}

void FakeShell::remove(SlotId slot) {
  if (!core.remove(slot)) return;
  trace_.line(now, "removed " + auditor.name(slot));
  auditor.remove(slot);
  std::erase(models, slot);
}

void FakeShell::request(SlotId slot, const RequestSpec& spec) {
  const WaiterId waiter{next_waiter_++};
  put("request " + auditor.name(slot) + " " + std::string(to_string(spec.priority)) +
          (spec.fail_fast ? " fail_fast" : "") + (spec.retry_now ? " retry_now" : "") +
          (spec.lease ? "" : " ready"),
      [&](Actions& out) {
        auditor.asks(waiter, slot, spec);
        core.request(waiter, slot, spec, now, out);
      });
}

void FakeShell::unload(SlotId slot, const UnloadSpec& spec) {
  const WaiterId waiter{next_waiter_++};
  put("unload " + auditor.name(slot) + (spec.force ? " force" : "") +
          (spec.only_if_unused ? " only_if_unused" : "") + (spec.keep == Tier::Host ? " keep" : ""),
      [&](Actions& out) {
        auditor.asks_to_unload(waiter, slot, spec);
        core.unload(waiter, slot, spec, now, out);
      });
}

// --- loads

void FakeShell::carry_out(const StartLoad& a) {
  trace_.line(now, "  start load " + auditor.name(a.slot) + " " + to_string(a.reserved));
  running_[a.slot] = a.attempt;
  after(rng_.between(milliseconds(1), rng_.chance(10) ? seconds(10) : milliseconds(300)),
        [this, slot = a.slot, attempt = a.attempt] { end_load(slot, attempt, false); });
}

// Most obey soon; some end well all the same, some break.
void FakeShell::carry_out(const StopLoad& a) {
  trace_.line(now, "  stop load " + auditor.name(a.slot));
  if (!rng_.chance(75)) return;
  after(rng_.between(milliseconds(0), milliseconds(20)),
        [this, slot = a.slot, attempt = a.attempt] { end_load(slot, attempt, true); });
}

void FakeShell::end_load(SlotId slot, std::uint64_t attempt, bool obeys) {
  const auto running = running_.find(slot);
  if (running == running_.end() || running->second != attempt) return;  // ended already
  if (obeys) {
    fail_load(slot, attempt, ErrorCode::Cancelled);
    return;
  }
  if (rng_.chance(10)) {  // its estimate lied
    const MemoryVector extra = part_of(auditor.live(slot), 10);
    const bool granted = core.grow(slot, extra);
    trace_.line(now, "  grow " + auditor.name(slot) + " by " + to_string(extra) +
                         (granted ? ": granted" : ": denied"));
    if (granted) auditor.grew(slot, extra);
    if (!granted) {
      fail_load(slot, attempt, ErrorCode::OutOfMemory);
      return;
    }
  }
  if (rng_.chance(12)) {
    fail_load(slot, attempt, rng_.chance(10) ? ErrorCode::Cancelled : ErrorCode::LoadFailed);
  } else {
    finish_load(slot, attempt);
  }
}

void FakeShell::finish_load(SlotId slot, std::uint64_t attempt) {
  running_.erase(slot);
  LoadSuccess result;
  result.footprint = rng_.chance(30) ? auditor.live(slot) : part_of(auditor.live(slot), 50);
  result.seconds = static_cast<double>(rng_.between(0, 5000)) / 1000;
  const bool is_model = core.view(slot).kind == SlotKind::Model;
  if (is_model) {
    gates_.push_back(std::make_unique<LeaseGate>());
    result.gate = gates_.back().get();
  }
  put("loaded " + auditor.name(slot) + " " + to_string(result.footprint), [&](Actions& out) {
    auditor.load_ends(slot, true, result.footprint, result.gate, now);
    core.load_finished(slot, attempt, result, now, out);
  });
}

void FakeShell::fail_load(SlotId slot, std::uint64_t attempt, ErrorCode code) {
  running_.erase(slot);
  put("load of " + auditor.name(slot) + " ends: " + std::string(to_string(code)),
      [&](Actions& out) {
        auditor.load_ends(slot, false, {}, nullptr, now);
        core.load_failed(slot, attempt, code, "it broke", now, out);
      });
}

// --- unloads

void FakeShell::carry_out(const StartUnload& a) {
  trace_.line(now, "  start unload " + auditor.name(a.slot));
  after(rng_.between(milliseconds(0), rng_.chance(5) ? seconds(3) : milliseconds(50)),
        [this, slot = a.slot, save = a.save_images] { end_unload(slot, save); });
}

void FakeShell::end_unload(SlotId slot, bool save) {
  UnloadResult result;
  if (rng_.chance(8)) lose_some(slot, result);
  result.failed = rng_.chance(4);
  if (result.failed) result.message = "it would not go";
  result.freed = auditor.live(slot) - result.lost;
  if (save && rng_.chance(80)) {
    for (const SlotId image : auditor.images_of(slot)) {
      result.saved_images.push_back(part_of(core.view(image).reserved, 80));
    }
  }
  put("unloaded " + auditor.name(slot) +
          (result.lost.empty() ? "" : ", lost " + to_string(result.lost)),
      [&](Actions& out) {
        auditor.unload_ends(slot, result, now);
        core.unload_finished(slot, result, now, out);
      });
}

void FakeShell::lose_some(SlotId slot, UnloadResult& result) {
  result.lost = part_of(auditor.live(slot), 1);
  if (result.lost.empty()) return;
  after(rng_.between(milliseconds(1), seconds(20)), [this, slot, bytes = result.lost] {
    put("found " + to_string(bytes) + " of " + auditor.name(slot), [&](Actions& out) {
      auditor.found(slot, bytes);
      core.found(slot, bytes, now, out);
    });
  });
}

// --- leases

void FakeShell::carry_out(const StateChanged& a) {
  trace_.line(now, "  " + auditor.name(a.slot) + " is " + std::string(to_string(a.change.to)));
}

void FakeShell::carry_out(const Evicted& a) {
  trace_.line(now, "  evict " + auditor.name(a.slot) + " for " +
                       (a.for_model.empty() ? a.why : a.for_model));
}

void FakeShell::carry_out(const Refused& a) {
  trace_.line(now, "  refused " + auditor.name(a.slot) + ": " + a.why.message);
}

void FakeShell::carry_out(const Granted& a) {
  trace_.line(now, "  granted " + auditor.name(a.slot));
  if (a.leased) use(a.slot, auditor.gate(a.slot));
}

void FakeShell::lease_directly(SlotId slot) {
  LeaseGate* gate = auditor.gate(slot);
  if (gate != nullptr && gate->try_lease()) use(slot, gate);
}

void FakeShell::use(SlotId slot, LeaseGate* gate) {
  gate->touch(now);
  const std::uint64_t id = next_lease_++;
  leases_[id] = {slot, gate, gate->try_call()};
  const Duration held =
      rng_.between(milliseconds(0), rng_.chance(10) ? seconds(30) : milliseconds(200));
  after(held / 2, [this, id] { end_call(id); });
  after(held, [this, id] { end_lease(id); });
}

void FakeShell::end_call(std::uint64_t id) {
  const auto at = leases_.find(id);
  if (at == leases_.end() || !at->second.calling) return;
  at->second.calling = false;
  const LeaseGate::Counts left = at->second.gate->end_call();
  if (left.watched && left.calls == 0) tell_return(at->second.slot);
}

void FakeShell::end_lease(std::uint64_t id) {
  if (hold_leases) return;  // return_all_leases() will
  end_call(id);
  const auto at = leases_.find(id);
  if (at == leases_.end()) return;
  const Lease lease = at->second;
  leases_.erase(at);
  const LeaseGate::Counts left = lease.gate->end_lease();
  if (left.leases == 0) lease.gate->idle_from(now);
  if (left.watched && left.leases == 0) tell_return(lease.slot);
}

void FakeShell::tell_return(SlotId slot) {
  put("lease returned " + auditor.name(slot),
      [&](Actions& out) { core.lease_returned(slot, now, out); });
}

void FakeShell::return_all_leases() {
  hold_leases = false;
  while (!leases_.empty()) end_lease(leases_.begin()->first);
}

// --- time and the machine

void FakeShell::observe() {
  MemoryVector used = others, touched;
  for (const SlotId slot : auditor.ids()) {
    const bool loads = auditor.loads(slot);
    const MemoryVector part = loads ? part_of(auditor.live(slot), 0) : auditor.live(slot);
    if (loads) touched += part;
    used += part + core.view(slot).lost;
  }
  const MemoryVector available = machine_ - used;
  put("observe " + to_string(available),
      [&](Actions& out) { core.observe(available, touched, now, out); });
}

void FakeShell::settle_machine() {
  others = {};
  observe();
}

void FakeShell::shut_down() {
  put("close", [&](Actions& out) {
    auditor.closes();
    core.close(now, out);
  });
  auditor.check_all_answered();
  UnloadSpec force;
  force.force = true;
  const std::vector<SlotId> all = models;
  for (const SlotId slot : all) {
    if (core.view(slot).state == ModelState::Loaded) unload(slot, force);
  }
}

void FakeShell::advance(Duration by) { step_to(now + by); }

// Events and the core's timers, in order of time.
void FakeShell::step_to(Instant until) {
  int ticks_here = 0;
  for (;;) {
    const Instant event = events_.empty() ? Instant::max() : events_.begin()->first;
    const Instant timer = core.next_timer();
    const Instant next = std::max(now, std::min(event, timer));
    if (std::min(event, timer) > until) break;
    ticks_here = next == now ? ticks_here + 1 : 0;
    if (ticks_here > kRestlessTicks) throw Violation("the core is ticked for ever at one instant");
    now = next;
    if (event <= timer) {
      const Event run = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      run();
    } else {
      put("tick", [&](Actions& out) { core.tick(now, out); });
    }
  }
  now = until;
}

bool FakeShell::come_to_rest() {
  for (int steps = 0; steps < kRestlessSteps; ++steps) {
    const Instant event = events_.empty() ? Instant::max() : events_.begin()->first;
    const Instant next = std::min(event, core.next_timer());
    if (next == Instant::max()) return true;
    step_to(std::max(now, next));
  }
  return false;
}

MemoryVector FakeShell::part_of(const MemoryVector& bytes, unsigned least_percent) {
  MemoryVector part;
  bytes.for_each([&](MemoryId m, std::uint64_t all) {
    part[m] = all * rng_.between(least_percent, 100) / 100;
  });
  return part;
}

}  // namespace roost::sim

#include "sim/simulation.h"

#include <algorithm>

namespace roost::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kHostBudget = 1000;

}  // namespace

Simulation::Simulation(std::uint64_t seed, Trace& trace, const TestFaults* faults)
    : rng_(seed),
      trace_(trace),
      options_(random_options(rng_, faults)),
      shell_(options_, rng_, trace) {
  add_slots();
}

CoreOptions Simulation::random_options(Rng& rng, const TestFaults* faults) {
  CoreOptions options;
  options.budget = MemoryVector::host(kHostBudget);
  const std::uint64_t devices = rng.below(3);
  for (std::uint64_t d = 0; d < devices; ++d)
    options.budget[device_memory(d)] = rng.between(200, 600);
  options.policy = rng.chance(50) ? EvictionPolicy::CostAware : EvictionPolicy::Lru;
  options.max_concurrent_loads = rng.between(1, 4);
  options.max_waiting = rng.chance(20) ? 8 : 4096;
  options.min_residency = rng.chance(30) ? Duration::zero() : Duration(milliseconds(500));
  options.cache_bytes = rng.chance(30) ? rng.between(0, 300) : UINT64_MAX;
  options.cache_entries = rng.chance(30) ? rng.below(4) : SIZE_MAX;
  options.faults = faults;
  return options;
}

MemoryVector Simulation::random_bytes(MemoryId memory) {
  // Some are larger than the budget, some next to nothing.
  return MemoryVector::on(memory,
                          rng_.chance(5) ? rng_.below(2 * kHostBudget) : rng_.between(0, 250));
}

void Simulation::add_slots() {
  for (int i = 0; i < 8; ++i) {
    SlotSpec spec;
    spec.key = "image" + std::to_string(i);
    spec.kind = SlotKind::Image;
    spec.estimate = MemoryVector::host(rng_.between(1, 150));
    spec.policy.kept = rng_.chance(30);
    shell_.add(std::move(spec));
  }
  for (std::uint64_t i = rng_.between(10, 40); i > 0; --i) shell_.add(random_model());
}

SlotSpec Simulation::random_model() {
  SlotSpec spec;
  spec.key = "model" + std::to_string(next_model_++);
  const bool on_device = rng_.chance(50);  // perhaps one that is not there
  const MemoryId memory = on_device ? device_memory(rng_.below(2)) : MemoryId::Host;
  spec.estimate = random_bytes(memory);
  if (rng_.chance(10)) spec.estimate += random_bytes(device_memory(rng_.below(2)));
  if (rng_.chance(60)) {
    std::vector<SlotId> images = shell_.images;
    for (std::uint64_t n = rng_.between(1, 3); n > 0; --n) {
      const auto at = static_cast<std::ptrdiff_t>(rng_.below(images.size()));
      spec.images.push_back(images[static_cast<std::size_t>(at)]);
      images.erase(images.begin() + at);
    }
    spec.in_place = !on_device;
    spec.can_save_images = on_device && rng_.chance(60);
  }
  spec.policy = random_policy();
  return spec;
}

SlotPolicy Simulation::random_policy() {
  SlotPolicy policy;
  policy.pinned = rng_.chance(8);
  policy.retention = static_cast<LoadPriority>(rng_.below(4));
  if (rng_.chance(25)) policy.ttl = rng_.between(milliseconds(10), seconds(20));
  if (rng_.chance(20)) policy.group = rng_.chance(50) ? "g" : "h";
  policy.kept = rng_.chance(30);
  return policy;
}

void Simulation::run(std::uint64_t steps) {
  for (std::uint64_t i = 0; i < steps; ++i) step();
  wind_down();
}

void Simulation::step() {
  shell_.advance(rng_.between(milliseconds(0), rng_.chance(5) ? seconds(3) : milliseconds(60)));
  const std::uint64_t dice = rng_.below(100);
  if (dice < 45) {
    random_request();
  } else if (dice < 65) {
    shell_.lease_directly(rng_.pick(shell_.models));
  } else if (dice < 75) {
    random_unload();
  } else {
    random_input();
  }
}

void Simulation::random_request() {
  RequestSpec spec;
  spec.priority = static_cast<LoadPriority>(rng_.below(4));
  if (rng_.chance(30)) spec.deadline = shell_.now + rng_.between(milliseconds(0), seconds(10));
  spec.fail_fast = rng_.chance(15);
  spec.lease = rng_.chance(70);
  spec.retry_now = rng_.chance(10);
  const SlotId slot = any_slot();
  check_plan(slot, spec);
  const std::uint64_t callers = rng_.chance(10) ? rng_.between(2, 6) : 1;
  for (std::uint64_t i = 0; i < callers; ++i) shell_.request(slot, spec);
}

// What a plan says is what a request meets.
void Simulation::check_plan(SlotId slot, const RequestSpec& spec) {
  const bool first = shell_.core.view(slot).waiters == 0;
  const bool room = shell_.core.waiting() < options_.max_waiting;
  if (!first || !room || spec.deadline <= shell_.now || shell_.core.next_timer() <= shell_.now)
    return;
  const PlanReport plan = shell_.core.plan(slot, spec, shell_.now);
  const std::size_t before = shell_.core.waiting();
  const bool was_loaded = shell_.core.view(slot).state == ModelState::Loaded;
  shell_.request(slot, spec);
  const SlotView after = shell_.core.view(slot);
  const bool waits = shell_.core.waiting() > before;
  const bool under_way = after.making_room || after.state == ModelState::Loading;
  const bool kept = [&] {
    switch (plan.verdict) {
      case Verdict::Admit: return plan.already_loaded ? was_loaded && !waits : under_way;
      case Verdict::Wait: return waits && !after.making_room;
      case Verdict::Refuse: return !waits;
    }
    return false;
  }();
  if (!kept) {
    throw Violation("the plan for '" + after.key + "' was " + std::string(to_string(plan.verdict)) +
                    " (" + plan.explanation + "), the request met something else");
  }
}

void Simulation::random_unload() {
  UnloadSpec spec;
  spec.force = rng_.chance(30);
  spec.only_if_unused = !spec.force && rng_.chance(25);
  if (rng_.chance(50)) spec.deadline = shell_.now + rng_.between(milliseconds(0), seconds(5));
  spec.keep = rng_.chance(30) ? Tier::Host : Tier::None;
  shell_.unload(any_slot(), spec);
}

void Simulation::random_input() {
  const SlotId slot = any_slot();
  const std::string name = shell_.auditor.name(slot);
  Core& core = shell_.core;
  const Instant now = shell_.now;
  switch (rng_.below(8)) {
    case 0: {
      const std::vector<WaiterId> waiters = shell_.auditor.unanswered();
      if (waiters.empty()) return;
      const WaiterId waiter = rng_.pick(waiters);
      shell_.put("give up " + std::to_string(static_cast<std::uint64_t>(waiter)),
                 [&](Actions& out) {
                   core.give_up(waiter, ErrorCode::Cancelled, "no longer wanted", now, out);
                 });
      return;
    }
    case 1:
      shell_.put("cancel " + name,
                 [&](Actions& out) { core.cancel_load(slot, "by hand", now, out); });
      return;
    case 2: random_policy_change(); return;
    case 3: shell_.put("reset " + name, [&](Actions& out) { core.reset(slot, now, out); }); return;
    case 4:
      if (!rng_.chance(30)) return;
      shell_.put(name + " became unusable", [&](Actions& out) {
        shell_.auditor.became_unusable(slot);
        core.became_unusable(slot, "it died", now, out);
      });
      return;
    case 5:
      if (rng_.chance(20)) core.set_estimate(slot, random_bytes(MemoryId::Host));
      if (rng_.chance(20) && shell_.models.size() > 5) shell_.remove(rng_.pick(shell_.models));
      if (rng_.chance(20) && shell_.models.size() < 40) shell_.add(random_model());
      return;
    default: random_pressure();
  }
}

void Simulation::random_policy_change() {
  const SlotId slot = any_slot();
  const SlotPolicy policy = random_policy();
  shell_.put("policy of " + shell_.auditor.name(slot) + (policy.pinned ? " pinned" : ""),
             [&](Actions& out) {
               shell_.auditor.set_policy(slot, policy);
               shell_.core.set_policy(slot, policy, shell_.now, out);
             });
}

void Simulation::random_pressure() {
  const auto memory = static_cast<MemoryId>(rng_.below(3));
  switch (rng_.below(4)) {
    case 0:
      shell_.others[memory] = rng_.chance(50) ? 0 : rng_.below(2 * kHostBudget);
      shell_.observe();
      return;
    case 1: {
      if (!rng_.chance(20)) return;
      MemoryVector budget = options_.budget;
      if (rng_.chance(60)) budget[memory] = budget[memory] * rng_.below(120) / 100;
      shell_.put("budget " + to_string(budget), [&](Actions& out) {
        shell_.auditor.set_budget(budget);
        shell_.core.set_budget(budget, shell_.now, out);
      });
      return;
    }
    case 2:
      shell_.put("relieve " + to_string(memory), [&](Actions& out) {
        shell_.core.relieve(memory, rng_.below(400), rng_.between(milliseconds(0), seconds(3)),
                            "high memory pressure", shell_.now, out);
      });
      return;
    default: shell_.observe();
  }
}

// First every lease stays out, and who still waits must wait for one; then all come home, and
// nobody may be left waiting.
void Simulation::wind_down() {
  trace_.line(shell_.now, "--- winding down");
  if (rng_.chance(20)) {
    shell_.shut_down();
    if (!shell_.come_to_rest()) throw Violation("does not come to rest after the end");
    shell_.auditor.check_all_down();
    return;
  }
  shell_.hold_leases = true;
  shell_.settle_machine();
  shell_.put("budget back", [&](Actions& out) {
    shell_.auditor.set_budget(options_.budget);
    shell_.core.set_budget(options_.budget, shell_.now, out);
  });
  if (!shell_.come_to_rest()) throw Violation("does not come to rest while leases are held");
  const std::vector<SlotId> slots = shell_.core.slots();
  const bool drains = std::any_of(slots.begin(), slots.end(),
                                  [this](SlotId slot) { return shell_.core.view(slot).draining; });
  for (const SlotId slot : slots) {
    const SlotView view = shell_.core.view(slot);
    if (view.waiters == 0 || view.draining) continue;
    RequestSpec asks;
    asks.retry_now = shell_.auditor.insisted(slot);
    const Snapshot seen = shell_.core.snapshot(slot, asks, shell_.now);
    const Decision d = decide(seen);
    const bool for_a_lease = d.obstacle == Obstacle::Leases || d.obstacle == Obstacle::Group ||
                             d.obstacle == Obstacle::QueueAhead ||
                             d.obstacle == Obstacle::Leaving ||
                             (d.obstacle == Obstacle::Unloads && drains);
    if (d.verdict != Verdict::Wait || !for_a_lease) {
      throw Violation("'" + view.key + "' is waited for, but not for a lease: " +
                      shell_.core.report(slot, seen, d).explanation);
    }
  }
  shell_.return_all_leases();
  if (!shell_.come_to_rest()) throw Violation("does not come to rest");
  shell_.auditor.check_all_answered();
  for (const SlotId slot : shell_.core.slots()) {
    const SlotView view = shell_.core.view(slot);
    const bool expires = view.policy.ttl && !view.policy.pinned && view.holds == 0;
    if (expires && view.state == ModelState::Loaded) {
      throw Violation("'" + view.key + "' outlives its time");
    }
  }
}

}  // namespace roost::sim

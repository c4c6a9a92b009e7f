// Decisions and slots as people and programs see them.
#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <unordered_set>

#include "roost/ids.h"
#include "pool/core/core_impl.h"

namespace roost::pool {

std::string duration_text(Duration d) {
  const double seconds = std::max(0.0, std::chrono::duration<double>(d).count());
  std::array<char, 32> text{};
  const auto print = [&text](const char* format, double number) {
    std::snprintf(text.data(), text.size(), format, number);
    return std::string(text.data());
  };
  if (seconds >= 9.95 || seconds == 0) return print("%.0f s", seconds);
  if (seconds >= 0.9995) return print("%.2g s", seconds);
  return seconds >= 0.9995e-3 ? print("%.0f ms", seconds * 1e3) : print("%.0f us", seconds * 1e6);
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

namespace {

ErrorCode code_of(Obstacle obstacle) {
  switch (obstacle) {
    case Obstacle::BackOff: return ErrorCode::LoadBackoff;
    case Obstacle::Closed: return ErrorCode::EngineClosed;
    case Obstacle::LoadSlots:
    case Obstacle::QueueAhead:
    case Obstacle::Leaving: return ErrorCode::QueueFull;
    default: return ErrorCode::BudgetExceeded;
  }
}

std::string what_it_waits_for(Obstacle obstacle) {
  switch (obstacle) {
    case Obstacle::Leases: return "leases on models that are in use";
    case Obstacle::Residency: return "models that were loaded a moment ago";
    case Obstacle::Loads: return "loads that run";
    case Obstacle::Unloads: return "unloads that run";
    case Obstacle::Claims: return "memory that is promised to earlier requests";
    case Obstacle::Group: return "another model of its group";
    case Obstacle::LoadSlots: return "a load slot";
    case Obstacle::QueueAhead: return "earlier requests for the same memory";
    case Obstacle::Leaving: return "its own unload";
    default: return "";
  }
}

std::string unbudgeted(const Snapshot& s) {
  std::string memories;
  s.need.for_each([&](MemoryId m, std::uint64_t) {
    if (s.totals.budget[m] == 0) memories += (memories.empty() ? "" : ", ") + to_string(m);
  });
  return memories;
}

std::string over_budget(const Snapshot& s, const Decision& d) {
  MemoryVector budget, left;
  d.short_by.for_each([&](MemoryId m, std::uint64_t bytes) {
    budget[m] = s.totals.budget[m];
    left[m] = s.need[m] - bytes;
  });
  const std::string text = ", and the budget is " + to_string(budget);
  if (left == budget) return text + "; raise the budget, or choose a smaller model or variant";
  return text + ", of which what is pinned or lost leaves " + to_string(left) +
         "; raise the budget, unpin something, or choose a smaller model or variant";
}

std::string fate_of(std::size_t evicted, std::size_t demoted) {
  std::string to_host =
      std::to_string(demoted) + (evicted == 0 ? " would be" : "") + " demoted to host memory";
  if (evicted == 0) return to_host;
  const std::string gone = std::to_string(evicted) + " would be evicted";
  return demoted == 0 ? gone : gone + " and " + to_host;
}

}  // namespace

Standing Core::Impl::standing_of(const Slot& slot, const RequestSpec& spec, Instant now) const {
  if (closed) return Standing::Closed;
  if (slot.open()) return Standing::Loaded;
  if (slot.load != LoadPhase::None) {
    return slot.down || slot.load == LoadPhase::Stopping ? Standing::Leaving : Standing::Loading;
  }
  if (back_off(slot, now) > Duration::zero() && !spec.retry_now) return Standing::BackingOff;
  return slot.down ? Standing::Leaving : Standing::Absent;
}

Snapshot Core::Impl::snapshot(const Slot& slot, const RequestSpec& spec, Instant now) const {
  const Standing standing = standing_of(slot, spec, now);
  Snapshot s = standing == Standing::Absent ? snapshot_for(slot, now) : blank_snapshot(now);
  s.slot = slot.id;
  s.standing = standing;
  s.fail_fast = spec.fail_fast;
  if (standing == Standing::BackingOff) s.retry_after = back_off(slot, now);
  if (standing != Standing::Absent) return s;
  const Turn turn = turn_of(now, spec.priority, next_order, options.aging_step);
  const Ahead ahead = ahead_of(slot.queued ? std::min(slot.queued->turn, turn) : turn, now);
  s.ahead_patient = ahead.patient;
  s.ahead_overdue = ahead.overdue;
  return s;
}

void Core::Impl::keep(Snapshot& s, const Slot& slot) const {
  if (slot.row != Residents::kNone && !s.rows.empty()) s.rows[slot.row].flags |= Row::kPinned;
  if (slot.loading() && !slot.spec.policy.pinned) s.pinned_loads += accounts.of(slot.id).live;
}

bool Core::Impl::needs_end_of(const Slot& slot, const RequestSpec& spec,
                              const std::vector<SlotId>& inside,
                              const std::vector<SlotId>& waiting, Instant now) const {
  Snapshot s = snapshot(slot, spec, now);
  const Decision decision = decide(s);
  if (s.standing != Standing::Absent || decision.verdict != Verdict::Wait) return false;
  const auto waits = [&](SlotId load) {
    return std::find(waiting.begin(), waiting.end(), load) != waiting.end();
  };
  if (decision.obstacle == Obstacle::LoadSlots) {
    return std::all_of(loading.begin(), loading.end(), waits);
  }
  for (const SlotId id : inside) {
    const auto known = slots.find(id);
    if (known == slots.end()) continue;
    const Slot& kept = *known->second;
    const std::string& group = kept.spec.policy.group;
    if (!group.empty() && group == slot.spec.policy.group) return true;
    keep(s, kept);
    for (const SlotId image : kept.spec.images) {
      const std::vector<SlotId>& holders = at(image).holders;
      if (std::find(holders.begin(), holders.end(), id) != holders.end()) keep(s, at(image));
    }
  }
  return decide(s).verdict == Verdict::Refuse;
}

PlanReport Core::Impl::report(const Slot& slot, const Snapshot& s, const Decision& d) const {
  PlanReport out;
  out.model = slot.spec.model;
  out.verdict = d.verdict;
  out.already_loaded = s.standing == Standing::Loaded;
  out.need = s.need;
  out.free = d.free;
  out.short_by = d.short_by;
  for (const Victim& victim : d.victims) {
    const auto known = slots.find(victim.slot);
    if (known == slots.end()) continue;  // gone since the snapshot
    const Slot& resident = *known->second;
    out.victims.push_back({resident.spec.model, victim.demote, accounts.of(resident.id).live,
                           victim_text(slot, s, victim)});
  }
  if (d.verdict == Verdict::Refuse) out.refused_as = code_of(d.obstacle);
  out.waits_for = d.verdict == Verdict::Wait ? what_it_waits_for(d.obstacle) : "";
  out.explanation = explain(slot, s, d);
  return out;
}

Refusal Core::Impl::refusal(const Slot& slot, const Snapshot& s, const Decision& d) const {
  Refusal why = refusal_of(code_of(d.obstacle), explain(slot, s, d));
  if (why.code == ErrorCode::BudgetExceeded) {
    why.need = s.need;
    why.free = d.free;
    why.short_by = d.short_by;
  }
  why.retry_after = s.retry_after;
  return why;
}

std::string Core::Impl::explain(const Slot& slot, const Snapshot& s, const Decision& d) const {
  if (d.verdict != Verdict::Admit) {
    return d.obstacle >= Obstacle::Leases ? explain_wait(slot, d) : explain_refusal(slot, s, d);
  }
  const std::string name = "'" + slot.spec.model + "'";
  if (s.standing == Standing::Loaded) return name + " is loaded already";
  if (s.standing == Standing::Loading) return name + " is being loaded already";
  const std::string needs = name + " needs " + to_string(s.need);
  if (d.victims.empty()) return needs + ", which is free";
  return needs + "; " + explain_victims(slot, s, d.victims);
}

// Who would go, and what for: a model and its weights once, and the first few by name, for who asks
// for a sentence does not want a list.
std::string Core::Impl::explain_victims(const Slot& slot, const Snapshot& s,
                                        const std::vector<Victim>& victims) const {
  constexpr std::size_t kNamed = 3;
  std::unordered_set<std::string_view> all, demoted, evicted, of_its_group;
  std::string names;
  for (const Victim& victim : victims) {
    const auto known = slots.find(victim.slot);
    if (known == slots.end()) continue;  // gone since the snapshot
    const std::string& model = known->second->spec.model;
    (victim.demote ? demoted : evicted).insert(model);
    if (s.rows[victim.row].is(Row::kForced)) of_its_group.insert(model);
    if (!all.insert(model).second || all.size() > kNamed) continue;
    names += (names.empty() ? "'" : ", '") + printable(model) + "'";
  }
  if (all.size() > kNamed) names += " and " + std::to_string(all.size() - kNamed) + " more";

  std::string what_for;
  if (!of_its_group.empty()) {
    what_for = "only one of its group '" + printable(slot.spec.policy.group) + "' may be loaded";
  }
  if (of_its_group.size() < demoted.size() + evicted.size()) {
    what_for += (what_for.empty() ? "" : "; ") + std::string("to make room");
  }
  return what_for + ", " + fate_of(evicted.size(), demoted.size()) + ": " + names;
}

std::string Core::Impl::explain_wait(const Slot& slot, const Decision& d) const {
  std::string text = "'" + slot.spec.model + "' has to wait for " + what_it_waits_for(d.obstacle);
  if (d.obstacle == Obstacle::LoadSlots) {
    text += " (max_concurrent_loads is " + std::to_string(options.max_concurrent_loads) + ")";
  }
  if (!d.short_by.empty()) text += ": " + to_string(d.short_by) + " short";
  if (d.verdict == Verdict::Refuse) text += "; ask without fail_fast to queue";
  return text;
}

std::string Core::Impl::explain_refusal(const Slot& slot, const Snapshot& s,
                                        const Decision& d) const {
  const std::string name = "'" + slot.spec.model + "'";
  const std::string needs = name + " needs " + to_string(s.need);
  switch (d.obstacle) {
    case Obstacle::NoBudget:
      return needs + ", and there is no budget for " + unbudgeted(s) +
             "; give that memory one, or choose another device";
    case Obstacle::TooBig: return needs + over_budget(s, d);
    case Obstacle::OtherProcesses:
      return needs + ", and other processes leave less, whatever is evicted; stop some of them, " +
             "or choose a smaller model or variant";
    case Obstacle::PinnedGroup:
      return name + " cannot be loaded while a pinned model of its group '" +
             printable(slot.spec.policy.group) + "' is; unpin that one first";
    case Obstacle::BackOff: {
      const std::string failure = why_it_backs_off(slot, s.now);
      return name + " failed to load" + (failure.empty() ? "" : " (" + failure + ")") +
             "; the next try is allowed in " + duration_text(s.retry_after) +
             " (a call with LoadOptions may set retry_now)";
    }
    default: return "the engine is closed";
  }
}

std::string Core::Impl::why_it_backs_off(const Slot& slot, Instant now) const {
  if (slot.failures.retry_at() > now) return slot.failures.message();
  for (const SlotId id : slot.spec.images) {
    if (back_off(at(id), now) > Duration::zero()) return at(id).failures.message();
  }
  return "";
}

std::string Core::Impl::victim_text(const Slot& slot, const Snapshot& s,
                                    const Victim& victim) const {
  const Slot& resident = at(victim.slot);
  std::string text;
  if (s.rows[victim.row].is(Row::kForced)) {
    text = "of the same group '" + printable(slot.spec.policy.group) + "', ";
  }
  return text + "idle " + duration_text(s.now - last_used(resident)) + ", " +
         duration_text(std::chrono::duration_cast<Duration>(
             std::chrono::duration<double>(resident.spec.load_seconds))) +
         " to reload, " + to_string(accounts.of(resident.id).live);
}

Tier Core::Impl::tier(const Slot& slot) const {
  const ModelState state = slot.state();
  if (slot.is_image()) return state == ModelState::Loaded ? Tier::Host : Tier::None;
  if (state == ModelState::Loaded || state == ModelState::Unloading) return Tier::Device;
  return all_images_there(slot) ? Tier::Host : Tier::None;
}

SlotView Core::Impl::view(const Slot& slot, Instant now) const {
  SlotView v{};
  v.id = slot.id;
  v.key = slot.spec.key;
  v.model = slot.spec.model;
  v.kind = slot.spec.kind;
  v.state = slot.state();
  v.tier = tier(slot);
  v.policy = slot.spec.policy;
  v.reserved = accounts.of(slot.id).live;
  v.estimate = slot.spec.estimate;
  v.lost = accounts.of(slot.id).lost;
  if (slot.gate != nullptr) {
    const LeaseGate::Counts counts = slot.gate->counts();
    v.leases = counts.leases;
    v.calls = counts.calls;
  }
  const bool counting = slot.gate != nullptr && slot.open();
  v.uses = slot.uses + (counting ? slot.gate->uses() : 0);
  v.holds = static_cast<std::uint32_t>(slot.holders.size());
  v.waiters = slot.waiters.size();
  v.draining = slot.down && slot.down->phase == UnloadJob::Phase::Draining;
  v.making_room = slot.load == LoadPhase::MakingRoom;
  v.last_used = last_used(slot);
  v.loaded_at = slot.loaded_at;
  v.load_seconds = slot.spec.load_seconds;
  v.last_failure = slot.failures.message();
  v.last_failure_code = slot.failures.code();
  v.failures_in_a_row = slot.failures.in_a_row();
  v.retry_after = back_off(slot, now);
  return v;
}

}  // namespace roost::pool

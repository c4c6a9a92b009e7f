#include "pool/core/plan.h"

#include "pool/core/victims.h"

namespace roost::pool {
namespace {

Decision refuse(Decision d, Obstacle why) {
  d.verdict = Verdict::Refuse;
  d.obstacle = why;
  return d;
}

Decision wait(Decision d, Obstacle why) {
  d.verdict = Verdict::Wait;
  d.obstacle = why;
  return d;
}

Decision by_standing(const Snapshot& s, Decision d) {
  switch (s.standing) {
    case Standing::Leaving: return wait(d, Obstacle::Leaving);
    case Standing::BackingOff: return refuse(d, Obstacle::BackOff);
    case Standing::Closed: return refuse(d, Obstacle::Closed);
    default: return d;
  }
}

// Of each memory that is needed: what can never go, and what can, sooner or later.
struct Sums {
  MemoryVector never, some_day;
};

Sums sum_rows(const Snapshot& s) {
  Sums sums;
  s.need.for_each([&](MemoryId m, std::uint64_t) {
    std::uint64_t never = 0, some_day = 0;
    for (std::size_t i = 0; i < s.rows.size(); ++i) {
      (s.rows[i].is(Row::kPinned | Row::kOwn) ? never : some_day) += s.frees_on(i, m);
    }
    sums.never[m] = never;
    sums.some_day[m] = some_day;
  });
  return sums;
}

// Could it ever fit? Sets the reason when not.
bool feasible(const Snapshot& s, Decision& d) {
  bool budgeted = true;
  s.need.for_each(
      [&](MemoryId m, std::uint64_t) { budgeted = budgeted && s.totals.budget[m] != 0; });
  if (!budgeted) {
    d = refuse(d, Obstacle::NoBudget);
    d.short_by = s.need - s.totals.budget;
    return false;
  }
  const Sums sums = sum_rows(s);
  const MemoryVector ours = s.totals.budget - sums.never - s.pinned_loads - s.totals.lost;
  if (!s.need.fits(ours)) {
    d = refuse(d, Obstacle::TooBig);
    d.short_by = s.need - ours;
    return false;
  }
  const MemoryVector machine =
      s.totals.available + s.totals.releasing + sums.some_day - s.pinned_loads;
  if (!s.need.fits(machine)) {
    d = refuse(d, Obstacle::OtherProcesses);
    d.short_by = s.need - machine;
    return false;
  }
  return true;
}

// Only one of a group may be resident: the others must be free to go.
bool group_gives_way(const Snapshot& s, VictimChoice& choice, Decision& d) {
  if (s.group_busy) {
    d = wait(d, Obstacle::Group);
    return false;
  }
  for (std::uint32_t i = 0; i < s.rows.size(); ++i) {
    const Row& row = s.rows[i];
    if (!row.is(Row::kForced)) continue;
    if (row.is(Row::kPinned)) {
      d = refuse(d, Obstacle::PinnedGroup);
      return false;
    }
    if (!VictimChoice::movable(s, row)) {
      d = wait(d, Obstacle::Group);
      if (!row.is(Row::kLeased | Row::kBusy)) d.retry_at = std::min(d.retry_at, row.evictable_from);
      return false;
    }
    choice.force(i);
  }
  return true;
}

// Why the bytes that are missing cannot be had now: the first of these that hold some of them.
Decision wait_for_memory(const Snapshot& s, const MemoryVector& missing, Decision d) {
  d.short_by = missing;
  d.waits_for = mask_of(missing);
  bool leased = false, fresh = false, held = false, leaving = false;
  for (std::size_t i = 0; i < s.rows.size(); ++i) {
    const Row& row = s.rows[i];
    if (row.is(Row::kVacant | Row::kPinned | Row::kOwn)) continue;
    if (!s.reaches(i, d.waits_for)) continue;
    if (row.is(Row::kBusy)) {
      leaving = true;  // and may hold images
    } else if (row.is(Row::kLeased)) {
      leased = true;
    } else if (row.evictable_from > s.now) {
      fresh = true;
      d.retry_at = std::min(d.retry_at, row.evictable_from);
    } else if (row.holders != 0) {
      held = true;
    }
  }
  if (leased) return wait(d, Obstacle::Leases);
  if (fresh) return wait(d, Obstacle::Residency);
  if ((held && !leaving) || !s.totals.loading.empty()) return wait(d, Obstacle::Loads);
  if (!s.totals.claimed.empty()) return wait(d, Obstacle::Claims);
  return wait(d, Obstacle::Unloads);
}

Decision judge(const Snapshot& s) {
  Decision d;
  d.free = s.totals.headroom();
  if (s.standing != Standing::Absent) return by_standing(s, d);
  if (!feasible(s, d)) return d;

  const MemoryVector missing = s.totals.shortage(s.need);
  VictimChoice choice(s, missing);
  if (!group_gives_way(s, choice, d)) return d;
  if (!s.load_slot_free) return wait(d, Obstacle::LoadSlots);
  // A request that waited long lets nobody pass who needs the same memory; a younger one only
  // those who leave alone what it could evict.
  const MemoryMask blocked =
      (mask_of(s.need) & s.ahead_overdue) | (mask_of(missing) & s.ahead_patient);
  if (blocked != 0) {
    d.waits_for = blocked;
    return wait(d, Obstacle::QueueAhead);
  }
  choice.pick();
  if (!choice.missing().empty()) return wait_for_memory(s, choice.missing(), d);
  d.victims = choice.victims();
  return d;
}

}  // namespace

MemoryMask mask_of(const MemoryVector& bytes) {
  MemoryMask mask = 0;
  bytes.for_each([&](MemoryId m, std::uint64_t) { mask |= MemoryMask{1} << index_of(m); });
  return mask;
}

std::uint32_t Snapshot::add(const Row& row, const MemoryVector& bytes) {
  const std::size_t index = rows.size();
  rows.push_back(row);
  for (std::size_t m = 0; m < kMaxMemories; ++m) {
    const std::uint64_t here = bytes[static_cast<MemoryId>(m)];
    if (here == 0 && frees[m].empty()) continue;
    frees[m].resize(rows.size());
    frees[m][index] = here;
  }
  return static_cast<std::uint32_t>(index);
}

bool Snapshot::reaches(std::size_t row, MemoryMask memories) const {
  for (std::size_t m = 0; m < kMaxMemories; ++m) {
    if ((memories >> m & 1u) == 0) continue;
    const auto memory = static_cast<MemoryId>(m);
    if (frees_on(row, memory) != 0) return true;
    for (std::uint32_t i = 0; i < rows[row].images; ++i) {
      if (frees_on(images[rows[row].first_image + i], memory) != 0) return true;
    }
  }
  return false;
}

Decision decide(const Snapshot& snapshot) {
  Decision d = judge(snapshot);
  if (d.verdict == Verdict::Wait && snapshot.fail_fast) d.verdict = Verdict::Refuse;
  return d;
}

std::vector<Victim> choose_relief(const Snapshot& snapshot, const MemoryVector& bytes,
                                  Duration idle_for) {
  VictimChoice choice(snapshot, bytes, idle_for);
  choice.pick();
  return choice.victims();
}

}  // namespace roost::pool

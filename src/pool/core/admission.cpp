// Admission: who of those that wait may load now, and who makes room for it.
#include <algorithm>

#include "base/assert.h"
#include "pool/core/core_impl.h"

namespace roost::pool {
namespace {

constexpr std::size_t kConsideredAtOnce = 16;  // requests per pump; the next tick goes on
constexpr int kPatienceSteps = 4;  // aging steps after which nobody passes on the same memory

}  // namespace

void Core::Impl::pump(const Input& in) {
  if (closed || (!dirty && !unconsidered)) return;
  dirty = unconsidered = false;
  retry_at = Instant::max();
  advance_claims(in);
  shrink_to_budget(in);
  if (!queue.empty()) residents.count_uses(options.use_half_life);

  Ahead ahead;
  std::size_t considered = 0;
  for (auto at_entry = queue.begin(); at_entry != queue.end();) {
    const RequestQueue::Entry entry = *at_entry;
    Slot& slot = at(entry.slot);
    const bool full = busy_loads() >= options.max_concurrent_loads;
    // With all load slots taken, only newcomers are looked at: some can be refused at once.
    const bool settled = slot.considered == version || (full && slot.considered != 0);
    if (!settled && considered == kConsideredAtOnce) {
      unconsidered = true;
      break;
    }
    if (!settled) {
      ++considered;
      consider(slot, ahead, in);
    }
    if (slot.queued) {
      add_to(ahead, slot, in.now);
      if (slot.considered == version) retry_at = std::min(retry_at, slot.retry_at);
    }
    at_entry = queue.after(entry);
  }
  unconsidered = unconsidered || dirty;  // what changed on the way may concern those passed
}

MemoryVector Core::Impl::need_of(const Slot& slot) const {
  MemoryVector need = slot.spec.estimate;
  for (const SlotId id : slot.spec.images) {
    const Slot& image = at(id);
    if (!image.open() && !image.arriving()) need += image.spec.estimate;
  }
  return need;
}

// Models that are being staged, placed or made room for; images that load for nobody of these.
std::size_t Core::Impl::busy_loads() const {
  std::size_t busy = making_room.size();
  for (const SlotId id : loading) {
    const Slot& slot = at(id);
    const bool of_a_model = std::any_of(slot.holders.begin(), slot.holders.end(), [this](SlotId h) {
      return at(h).load == LoadPhase::Staging;
    });
    if (slot.load != LoadPhase::Saving && !of_a_model) ++busy;
  }
  return busy;
}

Snapshot Core::Impl::blank_snapshot(Instant now) const {
  Snapshot s;
  s.rows.swap(spare.rows);
  s.images.swap(spare.images);
  s.frees.swap(spare.frees);
  s.rows.clear();
  s.images.clear();
  for (auto& column : s.frees) column.clear();
  s.now = now;
  s.policy = options.policy;
  s.half_life = options.use_half_life;
  s.totals = accounts.totals();
  if (planted(&TestFaults::ignore_claims)) s.totals.claimed = {};
  for (const SlotId id : loading) {
    if (at(id).spec.policy.pinned) s.pinned_loads += accounts.of(id).live;
  }
  return s;
}

void Core::Impl::copy_residents(Snapshot& s, MemoryMask mask) const {
  residents.copy_to(s, mask | 1u);  // the host's column for what demotions keep there
  if (!planted(&TestFaults::evict_leased)) return;
  for (Row& row : s.rows) row.flags &= static_cast<std::uint16_t>(~Row::kLeased);
}

Snapshot Core::Impl::snapshot_for(const Slot& slot, Instant now) const {
  Snapshot s = blank_snapshot(now);
  s.slot = slot.id;
  s.need = need_of(slot);
  s.load_slot_free = busy_loads() < options.max_concurrent_loads;
  std::vector<std::uint32_t> forced;
  s.group_busy = group_in_the_way(slot, forced);
  if (forced.empty() && s.totals.shortage(s.need).empty()) return s;  // nobody is in the way
  copy_residents(s, mask_of(s.need));
  for (const std::uint32_t row : forced) s.rows[row].flags |= Row::kForced;
  for (const SlotId id : slot.spec.images) {
    const std::uint32_t row = at(id).row;
    if (row != Residents::kNone) s.rows[row].flags |= Row::kOwn;
  }
  return s;
}

// True when another of the group is on its way in or being drained. `forced`: those who must go.
bool Core::Impl::group_in_the_way(const Slot& slot, std::vector<std::uint32_t>& forced) const {
  const auto group = groups.find(slot.spec.policy.group);
  if (group == groups.end() || slot.is_image()) return false;
  bool busy = false;
  for (const SlotId id : group->second) {
    const Slot& other = at(id);
    if (id == slot.id || other.is_image()) continue;
    const bool draining = other.down && other.state() == ModelState::Loaded;
    busy = busy || draining || other.loading() || other.load == LoadPhase::MakingRoom;
    if (other.open()) forced.push_back(other.row);
  }
  return busy;
}

void Core::Impl::add_to(Ahead& ahead, const Slot& slot, Instant now) const {
  if (slot.waits_for == 0) return;
  const Instant asked = waiters.at(slot.waiters.front()).asked;
  const bool is_overdue = now - asked >= kPatienceSteps * options.aging_step;
  (is_overdue ? ahead.overdue : ahead.patient) |= slot.waits_for;
}

Ahead Core::Impl::ahead_of(const Turn& turn, Instant now) const {
  Ahead ahead;
  for (const RequestQueue::Entry& entry : queue) {
    if (turn <= entry.turn) break;
    add_to(ahead, at(entry.slot), now);
  }
  return ahead;
}

void Core::Impl::consider(Slot& slot, const Ahead& ahead, const Input& in) {
  refuse_backing_off(slot, in);
  if (!slot.queued) return;
  Snapshot s = snapshot_for(slot, in.now);
  s.ahead_patient = ahead.patient;
  s.ahead_overdue = ahead.overdue;
  Decision d;
  seal_all(s, [&d](const Snapshot& seen) {
    d = decide(seen);
    return d.victims;
  });
  slot.considered = version;
  switch (d.verdict) {
    case Verdict::Admit: admit(slot, s, d, in); break;
    case Verdict::Wait: hold_back(slot, s, d, in); break;
    case Verdict::Refuse: refuse_all(slot, refusal(slot, s, d), in); break;
  }
  spare = std::move(s);
}

// Closes the gates of all that `choose` picks. One that was leased since the snapshot is marked
// so and the choice is made again; what is closed stays so while the choice still wants it.
template <class Choose>
std::vector<Victim> Core::Impl::seal_all(Snapshot& s, Choose&& choose) {
  enum : std::uint8_t { kOpen, kSealed, kWanted };
  std::vector<std::uint8_t> gates(s.rows.size(), kOpen);
  const auto seal_these = [&](const std::vector<Victim>& victims) {
    for (const Victim& victim : victims) {
      if (gates[victim.row] != kOpen) continue;
      if (!seal(victim)) {
        s.rows[victim.row].flags |= Row::kLeased;
        return false;
      }
      gates[victim.row] = kSealed;
    }
    return true;
  };
  std::vector<Victim> chosen = choose(s);
  while (!seal_these(chosen)) chosen = choose(s);
  for (const Victim& victim : chosen) gates[victim.row] = kWanted;
  for (std::size_t row = 0; row < gates.size(); ++row) {
    LeaseGate* gate = gates[row] == kSealed ? at(s.rows[row].slot).gate : nullptr;
    if (gate != nullptr) gate->reopen();
  }
  return chosen;
}

bool Core::Impl::seal(const Victim& victim) {
  LeaseGate* gate = at(victim.slot).gate;
  if (gate == nullptr) return true;  // an image
  if (planted(&TestFaults::evict_leased)) {
    gate->revoke();
    return true;
  }
  return gate->seal_if_unused();
}

void Core::Impl::admit(Slot& slot, const Snapshot& s, const Decision& d, const Input& in) {
  for (const Victim& victim : d.victims) {
    evict(victim, slot.spec.model, victim_text(slot, s, victim), in);
  }
  slot.load = LoadPhase::MakingRoom;
  making_room.push_back(slot.id);
  refresh(slot);
  place_in_queue(slot);
  hold_images(slot);
  accounts.claim(slot.id, s.need);
  try_start(slot, in);
}

void Core::Impl::hold_back(Slot& slot, const Snapshot& s, const Decision& d, const Input& in) {
  refuse_fail_fast(slot, s, d, in);
  if (!slot.queued) return;
  slot.waits_for = d.waits_for;
  slot.retry_at = d.retry_at;
  if (d.obstacle == Obstacle::Leases || d.obstacle == Obstacle::Group) {
    const MemoryMask mask = d.obstacle == Obstacle::Group ? ~MemoryMask{0} : d.waits_for;
    slot.retry_at = std::min(slot.retry_at, watch_leased(s, mask));
  }
}

Instant Core::Impl::watch_leased(const Snapshot& s, MemoryMask mask) {
  Instant look_again = Instant::max();
  for (std::size_t i = 0; i < s.rows.size(); ++i) {
    const Row& row = s.rows[i];
    if (!row.is(Row::kLeased) || row.is(Row::kPinned | Row::kBusy)) continue;
    if (!row.is(Row::kForced) && !s.reaches(i, mask)) continue;
    // Whoever returned it since will not tell.
    if (at(row.slot).gate->watch().unused()) look_again = s.now + kLeasePlanEvery;
  }
  return look_again;
}

void Core::Impl::evict(const Victim& victim, const std::string& for_model, const std::string& why,
                       const Input& in) {
  Slot& slot = at(victim.slot);
  in.tell(Evicted{slot.id, for_model, why, victim.demote, accounts.of(slot.id).live});
  if (slot.is_image()) {
    ++counters.evictions;
    doom_image(slot, in);
    return;
  }
  UnloadJob& job = job_of(slot);  // which images go, the plan said
  job.evicted = true;
  job.save = victim.save;
  begin_unload(slot, in);
}

// --- claims: admitted loads that wait for bytes to come back

void Core::Impl::advance_claims(const Input& in) {
  const std::vector<SlotId> oldest_first = making_room;
  for (const SlotId id : oldest_first) {
    if (at(id).load == LoadPhase::MakingRoom) try_start(at(id), in);
  }
}

void Core::Impl::try_start(Slot& slot, const Input& in) {
  const Start start_when = may_start(slot);
  if (start_when == Start::PlanAgain) {
    drop_claim(slot, in);
    return;
  }
  if (start_when == Start::Later) return;
  const MemoryVector claimed = accounts.of(slot.id).claim;
  const MemoryVector need = need_of(slot);
  accounts.drop_claim(slot.id);
  Totals totals = accounts.totals();
  if (planted(&TestFaults::ignore_claims)) totals.claimed = {};
  const bool promised = totals.shortage(need).empty();
  if (totals.has_room(need) || (promised && planted(&TestFaults::count_releasing_as_free))) {
    std::erase(making_room, slot.id);
    slot.load = LoadPhase::None;
    start(slot, in);
  } else if (promised) {
    accounts.claim(slot.id, need);
    if (!claimed.fits(need)) changed();  // an image came without its doing: room for others
  } else {
    drop_claim(slot, in);
  }
}

Core::Impl::Start Core::Impl::may_start(const Slot& slot) const {
  Start when = Start::Now;
  for (const SlotId id : slot.spec.images) {
    const Slot& image = at(id);
    if (image.down || image.load == LoadPhase::Stopping) when = Start::Later;
  }
  const auto group = groups.find(slot.spec.policy.group);
  if (group == groups.end() || slot.is_image()) return when;
  for (const SlotId id : group->second) {
    const Slot& other = at(id);
    if (id == slot.id || other.is_image()) continue;
    // A drain may take for ever: nobody holds a claim meanwhile.
    if (other.state() == ModelState::Loaded) return Start::PlanAgain;
    if (other.loading() || other.down) when = Start::Later;
  }
  return when;
}

void Core::Impl::drop_claim(Slot& slot, const Input& in) {
  accounts.drop_claim(slot.id);
  std::erase(making_room, slot.id);
  slot.load = LoadPhase::None;
  refresh(slot);
  let_images_go(slot, in);
  changed();
  place_in_queue(slot);
}

// An unload lost bytes, or the budget fell: the newest promises are taken back, to be planned
// again.
void Core::Impl::drop_uncovered_claims(const Input& in) {
  while (!making_room.empty() && !accounts.totals().claims_covered()) {
    drop_claim(at(making_room.back()), in);
  }
}

// --- eviction for nobody in particular

MemoryVector Core::Impl::give_up_residents(Snapshot& s, const MemoryVector& bytes,
                                           Duration idle_for, const std::string& why,
                                           const Input& in) {
  copy_residents(s, mask_of(bytes));
  const std::vector<Victim> victims =
      seal_all(s, [&](const Snapshot& seen) { return choose_relief(seen, bytes, idle_for); });
  MemoryVector freed;
  for (const Victim& victim : victims) {
    freed += accounts.of(victim.slot).live;
    evict(victim, "", why, in);
  }
  return freed;
}

// Bytes that are on their way already count.
MemoryVector Core::Impl::relieve(MemoryId memory, std::uint64_t bytes, Duration idle_for,
                                 const std::string& why, const Input& in) {
  const MemoryVector wanted = MemoryVector::on(memory, bytes) - accounts.totals().releasing;
  if (wanted.empty()) return {};
  residents.count_uses(options.use_half_life);
  Snapshot s = blank_snapshot(in.now);
  return give_up_residents(s, wanted, idle_for, why, in);
}

void Core::Impl::shrink_to_budget(const Input& in) {
  const Totals& totals = accounts.totals();
  const MemoryVector excess = totals.reserved - totals.releasing - totals.budget;
  if (excess.empty()) return;
  if (shrunk_in != version) {
    shrunk_in = version;
    Snapshot s = blank_snapshot(in.now);
    give_up_residents(s, excess, Duration::zero(), "the budget was lowered", in);
    shrink_again = watch_leased(s, mask_of(excess));
    for (const Row& row : s.rows) {
      if (row.evictable_from > in.now) shrink_again = std::min(shrink_again, row.evictable_from);
    }
  }
  retry_at = std::min(retry_at, shrink_again);
}

void Core::Impl::keep_cache_limits(const Input& in) {
  while (cache.over_limit()) {
    const auto oldest = std::find_if(cache.begin(), cache.end(), [this](const auto& entry) {
      return !at(entry.slot).spec.policy.pinned;
    });
    if (oldest == cache.end()) return;
    const std::string why = "the cache holds " + std::to_string(cache.size()) + " images of " +
                            format_bytes(cache.bytes()) + ", more than its limit";
    Slot& image = at(oldest->slot);
    in.tell(Evicted{image.id, "", why, false, accounts.of(image.id).live});
    ++counters.evictions;
    doom_image(image, in);
  }
}

}  // namespace roost::pool

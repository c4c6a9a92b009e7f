#include "sim/auditor.h"

#include <algorithm>

namespace roost::sim {
namespace {

bool within(const MemoryVector& bytes, const MemoryVector& need, const MemoryVector& limit) {
  bool fits = true;
  need.for_each([&](MemoryId m, std::uint64_t) { fits = fits && bytes[m] <= limit[m]; });
  return fits;
}

bool starts_with(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

}  // namespace

void Auditor::broken(SlotId slot, const std::string& what) const {
  throw Violation("'" + names_.at(slot) + "' " + what);
}

void Auditor::add(SlotId slot, const SlotSpec& spec) {
  slots_[slot].spec = spec;
  names_[slot] = spec.key;
}

void Auditor::remove(SlotId slot) {
  const Slot& gone = at(slot);
  if (gone.resident || gone.attempt || !gone.lost.empty()) broken(slot, "is removed and is there");
  slots_.erase(slot);
}

void Auditor::set_budget(const MemoryVector& budget) {
  budget_ = budget;
  ceiling_ = core_.ledger().reserved;
  ++budgets_;
}

MemoryVector Auditor::held() const {
  MemoryVector sum;
  for (const auto& [id, slot] : slots_) sum += slot.live + slot.lost;
  return sum;
}

std::size_t Auditor::in_line() const {
  return static_cast<std::size_t>(std::count_if(waiters_.begin(), waiters_.end(), [&](auto& w) {
    return !w.second.unload && at(w.second.slot).state != ModelState::Loading;
  }));
}

// --- what the shell does

void Auditor::asks(WaiterId waiter, SlotId slot, const RequestSpec& spec) {
  waiters_[waiter] = {.slot = slot, .insists = spec.retry_now};
}

void Auditor::asks_to_unload(WaiterId waiter, SlotId id, const UnloadSpec& spec) {
  waiters_[waiter] = {id, true, spec.only_if_unused};
  Slot& slot = at(id);
  slot.wanted_down = true;
  if (spec.force && slot.resident) slot.forced = true;
}

void Auditor::load_ends(SlotId id, bool well, const MemoryVector& footprint, LeaseGate* gate,
                        Instant now) {
  Slot& slot = at(id);
  slot.attempt.reset();
  slot.saver.reset();
  slot.stopped = false;
  slot.resident = well;
  slot.live = well ? footprint : MemoryVector{};
  slot.gate = gate;
  slot.loaded_at = now;
  slot.evicted = slot.forced = false;
}

void Auditor::grew(SlotId slot, const MemoryVector& extra) {
  at(slot).live += extra;
  if (!within(held(), extra, budget_)) broken(slot, "was let grow beyond the budget");
}

void Auditor::unload_ends(SlotId id, const UnloadResult& result, Instant now) {
  Slot& slot = at(id);
  slot.resident = slot.unloading = slot.wanted_down = slot.evicted = slot.forced = false;
  slot.lost += result.lost;
  slot.live = {};
  slot.gate = nullptr;
  const std::vector<SlotId> images = slot.spec.images;
  if (result.saved_images.size() != images.size()) {
    for (const SlotId image : images) {
      if (at(image).saver == id) at(image).saver.reset();
    }
    return;
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    Slot& image = at(images[i]);
    if (image.saver != id) continue;
    load_ends(images[i], true, result.saved_images[i], nullptr, now);
  }
}

void Auditor::found(SlotId slot, const MemoryVector& bytes) { at(slot).lost -= bytes; }

// --- what the core decides

void Auditor::saw(const Actions& actions, Instant now) {
  for (const Action& action : actions) {
    std::visit([&](const auto& a) { on(a, now); }, action);
  }
  if (told_waiting_ != in_line()) {
    throw Violation("the queue's length was told as " + std::to_string(told_waiting_) + ", but " +
                    std::to_string(in_line()) + " wait");
  }
  check_books();
}

void Auditor::on(const StartLoad& a, Instant) {
  Slot& slot = at(a.slot);
  if (slot.attempt) broken(a.slot, "is loaded twice at once");
  if (slot.resident) broken(a.slot, "is loaded though it is there");
  for (const SlotId image : slot.spec.images) {
    if (!at(image).resident) broken(a.slot, "is placed before '" + names_.at(image) + "' is there");
  }
  slot.attempt = a.attempt;
  slot.live = a.reserved;
  if (slot.asked_in == budgets_ && !within(held(), a.reserved, budget_)) {
    broken(a.slot, "is loaded over the budget: " + to_string(held()) + " of " + to_string(budget_));
  }
}

void Auditor::on(const StopLoad& a, Instant) {
  Slot& slot = at(a.slot);
  if (slot.attempt != a.attempt) broken(a.slot, "is told to stop a load that does not run");
  if (slot.stopped) broken(a.slot, "is told to stop twice");
  slot.stopped = true;
}

void Auditor::on(const StartUnload& a, Instant) {
  Slot& slot = at(a.slot);
  if (!slot.resident) broken(a.slot, "is unloaded though it is not there");
  if (slot.unloading) broken(a.slot, "is unloaded twice at once");
  slot.unloading = true;
  for (const SlotId id : slot.spec.images) {
    Slot& image = at(id);
    const bool being_saved = image.state == ModelState::Loading && !image.attempt && !image.saver;
    if (a.save_images && being_saved) image.saver = a.slot;
  }
  if (slot.spec.kind == SlotKind::Image) {
    check_unload_of_image(a.slot);
  } else {
    check_unload_of_model(slot, a.slot);
  }
}

void Auditor::check_unload_of_model(const Slot& slot, SlotId id) const {
  if (!slot.evicted && !slot.wanted_down && !slot.forced && !closed_) {
    broken(id, "is unloaded though nobody wanted it");
  }
  const LeaseGate::Counts counts = slot.gate->counts();
  if (counts.calls != 0) broken(id, "is unloaded with calls inside");
  if (counts.leases != 0 && !slot.forced) broken(id, "is leased and unloaded without force");
  if (!counts.closed) broken(id, "is unloaded with an open gate");
}

void Auditor::check_unload_of_image(SlotId image) const {
  for (const auto& [id, model] : slots_) {
    const auto& images = model.spec.images;
    if (std::find(images.begin(), images.end(), image) == images.end()) continue;
    const bool uses = model.attempt.has_value() || (model.resident && model.spec.in_place);
    if (uses) broken(image, "is unloaded while '" + model.spec.key + "' uses it");
  }
}

void Auditor::on(const Granted& a, Instant) {
  const auto known = waiters_.find(a.waiter);
  const Waiter waiter = known == waiters_.end() ? Waiter{} : known->second;
  answer(a.waiter, a.slot);
  const Slot& slot = at(a.slot);
  if (waiter.unload) {
    const bool there = slot.resident && !slot.attempt && !waiter.only_if_unused;
    if (there) broken(a.slot, "is said to be unloaded and is there");
    return;
  }
  if (!slot.resident || slot.unloading) broken(a.slot, "is granted and not there");
  if (a.leased && slot.gate->counts().leases == 0) broken(a.slot, "is granted without a lease");
}

void Auditor::on(const Refused& a, Instant) {
  if (a.why.message.empty()) broken(a.slot, "is refused without a reason");
  answer(a.waiter, a.slot);
  at(a.slot).wanted_down = std::any_of(waiters_.begin(), waiters_.end(), [&](const auto& w) {
    return w.second.unload && w.second.slot == a.slot;
  });
}

void Auditor::answer(WaiterId id, SlotId slot) {
  const auto waiter = waiters_.find(id);
  if (waiter == waiters_.end()) broken(slot, "answers somebody twice, or who did not ask");
  if (waiter->second.slot != slot) broken(slot, "answers who asked for another");
  waiters_.erase(waiter);
}

void Auditor::on(const StateChanged& a, Instant now) {
  Slot& slot = at(a.slot);
  if (a.change.from != slot.state) broken(a.slot, "changes from a state it was not in");
  if (next_state(a.change.from, a.change.why) != a.change.to) {
    broken(a.slot, "makes a transition that the table does not list");
  }
  if (a.change.at != now) broken(a.slot, "changes at another time than now");
  slot.state = a.change.to;
  if (a.change.why != Reason::LoadRequested) return;
  slot.asked_in = budgets_;
  check_group(a.slot);
}

void Auditor::check_group(SlotId id) const {
  const SlotPolicy& policy = at(id).spec.policy;
  if (policy.group.empty() || at(id).spec.kind == SlotKind::Image) return;
  for (const auto& [other_id, other] : slots_) {
    if (other_id == id || other.spec.kind == SlotKind::Image) continue;
    if (other.spec.policy.group == policy.group && (other.resident || other.attempt)) {
      broken(id, "is loaded beside '" + other.spec.key + "' of its group");
    }
  }
}

void Auditor::on(const Evicted& a, Instant now) {
  Slot& slot = at(a.slot);
  slot.evicted = true;
  if (slot.spec.policy.pinned) broken(a.slot, "is pinned and evicted");
  // Its own idle time and the cache's limits may be shorter.
  const bool on_its_own = a.for_model.empty() &&
                          (starts_with(a.why, "idle for") || starts_with(a.why, "the cache holds"));
  if (!on_its_own && now < slot.loaded_at + min_residency_) {
    broken(a.slot, "is evicted within its minimum residency");
  }
}

void Auditor::on(const QueueChanged& a, Instant) { told_waiting_ = a.waiting; }
void Auditor::on(const LeasesRevoked& a, Instant) {
  if (!at(a.slot).forced) broken(a.slot, "has leases revoked that nobody asked to");
}
void Auditor::on(const BytesLost&, Instant) {}

void Auditor::check_books() const {
  const Ledger ledger = core_.ledger();
  MemoryVector staged;  // reserved for models whose images are still on their way
  for (const auto& [id, slot] : slots_) {
    const SlotView view = core_.view(id);
    if (view.state != slot.state) broken(id, "is in a state that was never told");
    if (view.lost != slot.lost) broken(id, "has other lost bytes than were told");
    const bool working = slot.attempt || slot.resident;
    if (working && view.reserved != slot.live) {
      broken(id,
             "holds " + to_string(slot.live) + " and the ledger says " + to_string(view.reserved));
    }
    if (!working) staged += view.reserved;
    const bool loading = view.state == ModelState::Loading;
    if (!working && !loading && !view.reserved.empty()) broken(id, "is not there and holds memory");
  }
  const MemoryVector all = held() + staged;
  if (ledger.reserved != all) {
    throw Violation("the ledger says " + to_string(ledger.reserved) + ", there are " +
                    to_string(all));
  }
  for (std::size_t i = 0; i < kMaxMemories; ++i) {
    const auto m = static_cast<MemoryId>(i);
    if (all[m] > std::max(budget_[m], ceiling_[m])) {
      throw Violation("over the budget: " + to_string(all) + " of " + to_string(budget_));
    }
  }
}

std::vector<SlotId> Auditor::ids() const {
  std::vector<SlotId> all;
  for (const auto& [id, slot] : slots_) all.push_back(id);
  return all;
}

void Auditor::check_all_down() const {
  for (const auto& [id, slot] : slots_) {
    const bool model = slot.spec.kind == SlotKind::Model;
    if (slot.attempt || slot.unloading || (model && slot.resident)) broken(id, "outlives the end");
  }
}

void Auditor::check_all_answered() const {
  if (waiters_.empty()) return;
  broken(waiters_.begin()->second.slot, "never answers " + std::to_string(waiters_.size()) +
                                            " who wait though nothing is in the way");
}

bool Auditor::insisted(SlotId slot) const {
  return std::any_of(waiters_.begin(), waiters_.end(), [slot](const auto& waiter) {
    return waiter.second.slot == slot && waiter.second.insists;
  });
}

std::vector<WaiterId> Auditor::unanswered() const {
  std::vector<WaiterId> ids;
  for (const auto& [id, waiter] : waiters_) ids.push_back(id);
  return ids;
}

}  // namespace roost::sim

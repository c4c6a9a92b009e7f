#include "pool/core/core.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "pool/core/core_impl.h"

namespace roost::pool {

Core::Core(const CoreOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Core::~Core() = default;

SlotId Core::add(SlotSpec spec) { return impl_->add(std::move(spec)); }
bool Core::remove(SlotId slot) { return impl_->remove(slot); }

std::optional<SlotId> Core::find(const std::string& key) const {
  const auto found = impl_->keys.find(key);
  if (found == impl_->keys.end()) return std::nullopt;
  return found->second;
}

void Core::set_policy(SlotId slot, SlotPolicy policy, Instant now, Actions& out) {
  const Input in{now, out};
  impl_->set_policy(impl_->at(slot), std::move(policy), in);
  impl_->finish(in);
}

void Core::set_estimate(SlotId slot, const MemoryVector& estimate) {
  CoreSlot& known = impl_->at(slot);
  known.spec.estimate = estimate;
  known.last_footprint.reset();
  impl_->refresh(known);
  impl_->changed();
}

void Core::request(WaiterId waiter, SlotId slot, const RequestSpec& spec, Instant now,
                   Actions& out) {
  const Input in{now, out};
  impl_->request(waiter, impl_->at(slot), spec, in);
  impl_->finish(in);
}

void Core::give_up(WaiterId waiter, ErrorCode code, const std::string& why, Instant now,
                   Actions& out) {
  const Input in{now, out};
  impl_->give_up(waiter, refusal_of(code, why), in);
  impl_->finish(in);
}

void Core::cancel_load(SlotId slot, const std::string& why, Instant now, Actions& out) {
  const Input in{now, out};
  impl_->cancel_waiters(impl_->at(slot), refusal_of(ErrorCode::Cancelled, why), in);
  impl_->finish(in);
}

void Core::unload(WaiterId waiter, SlotId slot, const UnloadSpec& spec, Instant now, Actions& out) {
  const Input in{now, out};
  impl_->unload(waiter, impl_->at(slot), spec, in);
  impl_->finish(in);
}

void Core::reset(SlotId slot, Instant now, Actions& out) {
  const Input in{now, out};
  CoreSlot& known = impl_->at(slot);
  impl_->reset(known, in);
  for (const SlotId image : known.spec.images) impl_->reset(impl_->at(image), in);
  impl_->finish(in);
}

void Core::became_unusable(SlotId slot, const std::string& why, Instant now, Actions& out) {
  const Input in{now, out};
  impl_->became_unusable(impl_->at(slot), why, in);
  impl_->finish(in);
}

void Core::load_finished(SlotId slot, std::uint64_t attempt, const LoadSuccess& result, Instant now,
                         Actions& out) {
  const Input in{now, out};
  CoreSlot& known = impl_->at(slot);
  ROOST_ASSERT(known.loading() && known.attempt == attempt);
  impl_->load_finished(known, result, in);
  impl_->finish(in);
}

void Core::load_failed(SlotId slot, std::uint64_t attempt, ErrorCode code,
                       const std::string& message, Instant now, Actions& out) {
  const Input in{now, out};
  CoreSlot& known = impl_->at(slot);
  ROOST_ASSERT(known.loading() && known.attempt == attempt);
  impl_->load_failed(known, code, message, in);
  impl_->finish(in);
}

void Core::unload_finished(SlotId slot, const UnloadResult& result, Instant now, Actions& out) {
  const Input in{now, out};
  impl_->unload_finished(impl_->at(slot), result, in);
  impl_->finish(in);
}

void Core::lease_returned(SlotId slot, Instant now, Actions& out) {
  const Input in{now, out};
  if (CoreSlot* known = impl_->find(slot)) impl_->lease_returned(*known, in);
  impl_->finish(in);
}

void Core::found(SlotId slot, const MemoryVector& bytes, Instant now, Actions& out) {
  const Input in{now, out};
  if (!impl_->accounts.found(slot, bytes).empty()) impl_->changed();
  impl_->finish(in);
}

bool Core::grow(SlotId slot, const MemoryVector& extra) {
  return impl_->grow(impl_->at(slot), extra);
}

void Core::observe(const MemoryVector& available, const MemoryVector& touched_by_loads, Instant now,
                   Actions& out) {
  const Input in{now, out};
  impl_->observe(available + touched_by_loads, in);
  impl_->finish(in);
}

void Core::set_budget(const MemoryVector& budget, Instant now, Actions& out) {
  const Input in{now, out};
  impl_->set_budget(budget, in);
  impl_->finish(in);
}

MemoryVector Core::relieve(MemoryId memory, std::uint64_t bytes, Duration idle_for,
                           const std::string& why, Instant now, Actions& out) {
  const Input in{now, out};
  const MemoryVector frees = impl_->relieve(memory, bytes, idle_for, why, in);
  impl_->finish(in);
  return frees;
}

void Core::tick(Instant now, Actions& out) {
  const Input in{now, out};
  impl_->tick(in);
  impl_->finish(in);
}

Instant Core::next_timer() const {
  if (impl_->closed) return impl_->timers.next();
  if (impl_->unconsidered || impl_->dirty) return impl_->latest;
  return std::min({impl_->timers.next(), impl_->retry_at, impl_->lease_plan_at});
}

void Core::close(Instant now, Actions& out) {
  const Input in{now, out};
  impl_->close(in);
  impl_->finish(in);
}

PlanReport Core::plan(SlotId slot, const RequestSpec& spec, Instant now) const {
  const Snapshot seen = snapshot(slot, spec, now);
  return report(slot, seen, decide(seen));
}

Snapshot Core::snapshot(SlotId slot, const RequestSpec& spec, Instant now) const {
  return impl_->snapshot(std::as_const(*impl_).at(slot), spec, now);
}

PlanReport Core::report(SlotId slot, const Snapshot& snapshot, const Decision& decision) const {
  return impl_->report(std::as_const(*impl_).at(slot), snapshot, decision);
}

bool Core::needs_end_of(SlotId slot, const RequestSpec& spec, const std::vector<SlotId>& inside,
                        const std::vector<SlotId>& waiting, Instant now) const {
  return impl_->needs_end_of(std::as_const(*impl_).at(slot), spec, inside, waiting, now);
}

void Core::recycle(Snapshot&& done) const { impl_->spare = std::move(done); }

SlotView Core::view(SlotId slot) const {
  return impl_->view(std::as_const(*impl_).at(slot), impl_->latest);
}

std::vector<SlotId> Core::slots() const {
  std::vector<SlotId> ids;
  for (const auto& [id, slot] : impl_->slots) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<HistoryEntry> Core::history(SlotId slot) const {
  return impl_->at(slot).history.entries();
}

Ledger Core::ledger() const {
  const Totals& t = impl_->accounts.totals();
  return {t.budget, t.reserved, t.releasing, t.claimed, t.lost};
}

CacheCounters Core::cache_counters() const { return impl_->counters; }
std::size_t Core::waiting() const { return impl_->requests; }
std::size_t Core::loading() const { return impl_->loading.size(); }
std::vector<SlotId> Core::loading_slots() const { return impl_->loading; }

std::vector<SlotId> Core::loading_from(SlotId image) const {
  std::vector<SlotId> models;
  for (const SlotId id : impl_->at(image).holders) {
    if (impl_->at(id).load == LoadPhase::Staging) models.push_back(id);
  }
  return models;
}

std::optional<std::string> Core::check_invariants() const { return impl_->broken_law(); }

}  // namespace roost::pool

#include "pool/core/ledger.h"

#include "base/assert.h"

namespace roost::pool {
namespace {

constexpr std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  return a + b < a ? UINT64_MAX : a + b;
}
constexpr std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

template <class F>
void for_each_memory(F&& f) {
  for (std::size_t i = 0; i < kMaxMemories; ++i) f(static_cast<MemoryId>(i));
}

MemoryVector max(MemoryVector a, const MemoryVector& b) {
  for_each_memory([&](MemoryId m) { a[m] = std::max(a[m], b[m]); });
  return a;
}

}  // namespace

MemoryVector Totals::headroom() const {
  MemoryVector room;
  for_each_memory([&](MemoryId m) {
    const std::uint64_t by_budget =
        minus(sum(budget[m], releasing[m]), sum(reserved[m], claimed[m]));
    const std::uint64_t by_machine =
        minus(sum(available[m], releasing[m]), sum(loading[m], claimed[m]));
    room[m] = std::min(by_budget, by_machine);
  });
  return room;
}

MemoryVector Totals::shortage(const MemoryVector& need) const {
  MemoryVector missing;
  need.for_each([&](MemoryId m, std::uint64_t bytes) {
    const std::uint64_t by_budget =
        minus(sum(bytes, sum(reserved[m], claimed[m])), sum(budget[m], releasing[m]));
    const std::uint64_t by_machine =
        minus(sum(bytes, sum(loading[m], claimed[m])), sum(available[m], releasing[m]));
    missing[m] = std::max(by_budget, by_machine);
  });
  return missing;
}

bool Totals::has_room(const MemoryVector& need) const {
  bool room = shortage(need).empty();
  need.for_each([&](MemoryId m, std::uint64_t bytes) {
    if (sum(bytes, reserved[m]) > budget[m]) room = false;
    if (sum(bytes, loading[m]) > available[m]) room = false;
  });
  return room;
}

bool Totals::claims_covered() const {
  bool covered = true;
  claimed.for_each([&](MemoryId m, std::uint64_t bytes) {
    if (sum(bytes, reserved[m]) > sum(budget[m], releasing[m])) covered = false;
  });
  return covered;
}

const Accounts::Account& Accounts::of(SlotId slot) const {
  static const Account kEmpty;
  const auto found = accounts_.find(slot);
  return found == accounts_.end() ? kEmpty : found->second;
}

void Accounts::set_budget(const MemoryVector& budget) {
  totals_.budget = budget;
  ceiling_ = totals_.reserved;
}

void Accounts::reserve(SlotId slot, const MemoryVector& bytes) {
  ROOST_ASSERT(!asserts_ || totals_.has_room(bytes));
  Account& account = accounts_[slot];
  ROOST_ASSERT(!asserts_ || account.stage == Account::Stage::Absent);
  account.stage = Account::Stage::Loading;
  account.live += bytes;
  totals_.reserved += bytes;
  totals_.loading += bytes;
}

bool Accounts::grow(SlotId slot, const MemoryVector& extra) {
  Account& account = accounts_[slot];
  ROOST_ASSERT(account.stage == Account::Stage::Loading);
  if (!totals_.has_room(extra)) return false;
  account.live += extra;
  totals_.reserved += extra;
  totals_.loading += extra;
  return true;
}

void Accounts::settle(SlotId slot, const MemoryVector& footprint) {
  Account& account = accounts_[slot];
  ROOST_ASSERT(account.stage == Account::Stage::Loading && footprint.fits(account.live));
  account.stage = Account::Stage::Resident;
  totals_.loading -= account.live;
  totals_.reserved -= account.live - footprint;
  totals_.available -= footprint;
  account.live = footprint;
  reserved_fell();
}

void Accounts::abandon(SlotId slot) {
  Account& account = accounts_[slot];
  ROOST_ASSERT(account.stage == Account::Stage::Loading);
  totals_.loading -= account.live;
  totals_.reserved -= account.live;
  account.live = {};
  account.stage = Account::Stage::Absent;
  forget_if_empty(slot);
  reserved_fell();
}

void Accounts::release(SlotId slot) {
  Account& account = accounts_[slot];
  ROOST_ASSERT(account.stage == Account::Stage::Resident);
  account.stage = Account::Stage::Releasing;
  totals_.releasing += account.live;
}

void Accounts::give_back(SlotId slot, const MemoryVector& lost) {
  Account& account = accounts_[slot];
  ROOST_ASSERT(account.stage == Account::Stage::Releasing);
  const MemoryVector missing = min(lost, account.live);
  const MemoryVector back = account.live - missing;
  totals_.releasing -= account.live;
  totals_.reserved -= back;
  totals_.available += back;
  totals_.lost += missing;
  account.lost += missing;
  account.live = {};
  account.stage = Account::Stage::Absent;
  forget_if_empty(slot);
  reserved_fell();
}

MemoryVector Accounts::found(SlotId slot, const MemoryVector& bytes) {
  const auto at = accounts_.find(slot);
  if (at == accounts_.end()) return {};
  const MemoryVector back = min(bytes, at->second.lost);
  at->second.lost -= back;
  totals_.lost -= back;
  totals_.reserved -= back;
  totals_.available += back;
  forget_if_empty(slot);
  reserved_fell();
  return back;
}

void Accounts::claim(SlotId slot, const MemoryVector& bytes) {
  Account& account = accounts_[slot];
  ROOST_ASSERT(account.claim.empty());
  account.claim = bytes;
  totals_.claimed += bytes;
  forget_if_empty(slot);
}

void Accounts::drop_claim(SlotId slot) {
  const auto at = accounts_.find(slot);
  if (at == accounts_.end()) return;
  totals_.claimed -= at->second.claim;
  at->second.claim = {};
  forget_if_empty(slot);
}

void Accounts::forget_if_empty(SlotId slot) {
  const auto at = accounts_.find(slot);
  const Account& account = at->second;
  if (account.stage != Account::Stage::Absent) return;
  if (account.lost.empty() && account.claim.empty()) accounts_.erase(at);
}

void Accounts::reserved_fell() { ceiling_ = min(ceiling_, totals_.reserved); }

std::optional<std::string> Accounts::broken_law() const {
  Totals sums;
  for (const auto& [slot, account] : accounts_) {
    sums.reserved += account.live + account.lost;
    sums.lost += account.lost;
    sums.claimed += account.claim;
    if (account.stage == Account::Stage::Loading) sums.loading += account.live;
    if (account.stage == Account::Stage::Releasing) sums.releasing += account.live;
    if (account.stage == Account::Stage::Absent && !account.live.empty()) {
      return "a slot that is not there holds " + to_string(account.live);
    }
  }
  const auto differs = [](const char* what, const MemoryVector& total, const MemoryVector& sum_of) {
    return std::string("the ledger's ") + what + " is " + to_string(total) + ", its accounts say " +
           to_string(sum_of);
  };
  if (sums.reserved != totals_.reserved) {
    return differs("reserved", totals_.reserved, sums.reserved);
  }
  if (sums.lost != totals_.lost) return differs("lost", totals_.lost, sums.lost);
  if (sums.claimed != totals_.claimed) return differs("claimed", totals_.claimed, sums.claimed);
  if (sums.loading != totals_.loading) return differs("loading", totals_.loading, sums.loading);
  if (sums.releasing != totals_.releasing) {
    return differs("releasing", totals_.releasing, sums.releasing);
  }
  if (!totals_.reserved.fits(max(totals_.budget, ceiling_))) {
    return "reserved " + to_string(totals_.reserved) + " of a budget of " +
           to_string(totals_.budget);
  }
  if (!totals_.claims_covered()) {
    return "claims of " + to_string(totals_.claimed) + " are not covered: reserved " +
           to_string(totals_.reserved) + ", releasing " + to_string(totals_.releasing) +
           ", budget " + to_string(totals_.budget);
  }
  return std::nullopt;
}

}  // namespace roost::pool

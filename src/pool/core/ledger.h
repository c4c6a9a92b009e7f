#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "pool/core/slot_id.h"
#include "roost/memory.h"

namespace roost::pool {

constexpr MemoryVector everything() {
  MemoryVector v;
  for (std::size_t i = 0; i < kMaxMemories; ++i) v[static_cast<MemoryId>(i)] = UINT64_MAX;
  return v;
}

// The sums that admission works with, per memory. Two limits hold at once: the budget, and what
// the machine has left beside other processes.
struct Totals {
  MemoryVector budget;
  MemoryVector reserved;   // of all slots, lost bytes included
  MemoryVector lost;       // the part that an unload did not give back
  MemoryVector releasing;  // the part whose unload runs
  MemoryVector loading;    // the part that running loads fill
  MemoryVector claimed;    // promised to loads that wait for a release; not in `reserved` yet
  MemoryVector available = everything();  // on the machine, if no running load had begun

  // What a plan may count on: bytes that are free, or on their way, and promised to nobody.
  MemoryVector headroom() const;
  // What `need` lacks of that; nothing on memories that it does not need.
  MemoryVector shortage(const MemoryVector& need) const;
  // True when `need` can be reserved now: its bytes are free, and no claim loses its own.
  bool has_room(const MemoryVector& need) const;
  // False when an unload gave back less than the claims were promised.
  bool claims_covered() const;
};

// Who holds what of the budget. Nothing else changes the sums: every change goes through a slot's
// account and both move in one step. An account without bytes does not exist.
class Accounts {
 public:
  struct Account {
    MemoryVector live;  // of a load that runs or a copy that is there
    MemoryVector lost;
    MemoryVector claim;
    enum class Stage : std::uint8_t { Absent, Loading, Resident, Releasing } stage = Stage::Absent;
  };

  explicit Accounts(const MemoryVector& budget) { totals_.budget = budget; }

  const Totals& totals() const { return totals_; }
  const Account& of(SlotId slot) const;  // an empty one when the slot holds nothing
  const std::unordered_map<SlotId, Account>& all() const { return accounts_; }

  void set_budget(const MemoryVector& budget);
  void observe(const MemoryVector& available) { totals_.available = available; }

  // A load: reserve, perhaps grow, then settle or abandon.
  void reserve(SlotId slot, const MemoryVector& bytes);
  bool grow(SlotId slot, const MemoryVector& extra);  // false, and unchanged, without room
  void settle(SlotId slot, const MemoryVector& footprint);
  void abandon(SlotId slot);
  // An unload: releasing, then give back. `lost` stays until found() and is at most what is held.
  void release(SlotId slot);
  void give_back(SlotId slot, const MemoryVector& lost);
  MemoryVector found(SlotId slot, const MemoryVector& bytes);  // how much of it was missed

  void claim(SlotId slot, const MemoryVector& bytes);
  void drop_claim(SlotId slot);

  // Tests plant bugs that break the laws on purpose.
  void do_not_assert() { asserts_ = false; }
  // The sums equal the accounts; reserved is within the budget, or above it only because the
  // budget was lowered since, and then it only shrinks; claims are covered by what is free or
  // releasing.
  std::optional<std::string> broken_law() const;

 private:
  void forget_if_empty(SlotId slot);
  void reserved_fell();

  Totals totals_;
  MemoryVector ceiling_;  // what reserved may be where a lowered budget left it above
  std::unordered_map<SlotId, Account> accounts_;
  bool asserts_ = true;
};

}  // namespace roost::pool

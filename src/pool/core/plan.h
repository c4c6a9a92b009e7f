#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/clock.h"
#include "pool/core/ledger.h"
#include "pool/core/policy.h"
#include "pool/core/slot_id.h"
#include "roost/lifecycle.h"
#include "roost/memory.h"

namespace roost::pool {

// A set of memories, a bit each.
using MemoryMask = std::uint32_t;
MemoryMask mask_of(const MemoryVector& bytes);  // those with bytes on them

inline constexpr std::uint64_t kCannotSave = std::numeric_limits<std::uint64_t>::max();

// One resident, as the planner sees it. What it frees stands in the snapshot's columns.
struct Row {
  enum Flag : std::uint16_t {
    kVacant = 1,    // no resident: skip
    kImage = 2,
    kPinned = 4,    // never goes; also an image that a pinned model holds
    kLeased = 8,
    kBusy = 16,     // on its way out already, or drained
    kOwn = 32,      // an image of the very request
    kForced = 64,   // another of the request's group: must go
    kInPlace = 128, // runs from its images: they can only go with it
    kKept = 256,    // an image that stays when its last model goes
  };
  SlotId slot{};
  std::uint16_t flags = 0;
  LoadPriority retention = LoadPriority::Normal;
  std::uint32_t holders = 0;      // an image's
  std::uint32_t first_image = 0;  // an in-place model's images: rows, in Snapshot::images
  std::uint32_t images = 0;
  std::uint64_t recent_uses = 0;  // not yet in `rate`
  UseRate rate;
  Instant last_used{};
  Instant evictable_from{};  // the end of its minimum residency
  double load_seconds = 0.1;
  std::uint64_t save_bytes = kCannotSave;  // host bytes that keep its images; 0: they are there

  bool is(std::uint16_t any) const { return (flags & any) != 0; }
};

// Where the asked slot stands, when that alone answers.
enum class Standing : std::uint8_t { Absent, Loaded, Loading, Leaving, BackingOff, Closed };

// All that a decision hangs on, in plain values: take it under the lock, decide without it.
struct Snapshot {
  SlotId slot{};
  Standing standing = Standing::Absent;
  MemoryVector need;              // of the model and of its images that are not there
  bool fail_fast = false;
  bool load_slot_free = true;
  bool group_busy = false;        // one of its group is on its way in, or cannot be moved
  MemoryMask ahead_patient = 0;   // memories that earlier requests wait for,
  MemoryMask ahead_overdue = 0;   // and have waited for so long that none may pass them
  Duration retry_after{};         // BackingOff

  Instant now{};
  EvictionPolicy policy = EvictionPolicy::CostAware;
  Duration half_life = std::chrono::minutes(10);
  Totals totals;
  MemoryVector pinned_loads;      // reserved by loads of pinned models: will never go either
  std::vector<Row> rows;
  std::vector<std::uint32_t> images;  // rows of in-place models' images, see Row::first_image
  std::array<std::vector<std::uint64_t>, kMaxMemories> frees;  // a column per memory that matters

  std::uint32_t add(const Row& row, const MemoryVector& bytes);
  // True when giving the row up frees something there, at once or with the images it runs from.
  bool reaches(std::size_t row, MemoryMask memories) const;
  std::uint64_t frees_on(std::size_t row, MemoryId memory) const {
    const auto& column = frees[index_of(memory)];
    return column.empty() ? 0 : column[row];
  }
};

// What stands in the way.
enum class Obstacle : std::uint8_t {
  None,
  // Refuse
  NoBudget, TooBig, OtherProcesses, PinnedGroup, BackOff, Closed,
  // Wait
  Leases, Residency, Loads, Unloads, Claims, Group, LoadSlots, QueueAhead, Leaving,
};

struct Victim {
  std::uint32_t row;
  SlotId slot;
  bool demote;  // its images stay in host memory,
  bool save;    // and are copied back from the device first
};

struct Decision {
  Verdict verdict = Verdict::Admit;
  Obstacle obstacle = Obstacle::None;
  MemoryVector free;      // Totals::headroom()
  MemoryVector short_by;  // Wait: after all that may go now; Refuse: after all that may ever go
  std::vector<Victim> victims;  // models first, then images
  MemoryMask waits_for = 0;
  Instant retry_at = Instant::max();  // a minimum residency ends
};

// Pure: the same snapshot gives the same decision. Feasibility comes first, so nobody is evicted
// for a request that cannot be served.
Decision decide(const Snapshot& snapshot);

// Whom to give up so that `bytes` fewer are reserved; as much of it as can be. Only those idle
// for so long.
std::vector<Victim> choose_relief(const Snapshot& snapshot, const MemoryVector& bytes,
                                  Duration idle_for);

}  // namespace roost::pool

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pool/core/lease_gate.h"
#include "pool/core/plan.h"

namespace roost::pool {

// The residents as a dense table, so that a snapshot of thousands is a few copies and one look at
// each gate. A row keeps its number while its resident stays.
class Residents {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // `gate` is null for an image. `images`: rows of what the model runs from.
  std::uint32_t add(const Row& row, LeaseGate* gate, const MemoryVector& bytes,
                    const std::vector<std::uint32_t>& images);
  void remove(std::uint32_t row);
  Row& at(std::uint32_t row) { return rows_[row]; }
  const Row& at(std::uint32_t row) const { return rows_[row]; }
  std::size_t size() const { return rows_.size() - vacant_.size(); }

  // Everything as it is now, with the columns of the memories in `mask`.
  void copy_to(Snapshot& snapshot, MemoryMask mask) const;
  // Takes the uses that the gates counted into the rates.
  void count_uses(Duration half_life);
  // The rate of one, all its uses counted.
  UseRate rate(std::uint32_t row, Duration half_life) const;

 private:
  struct Use {
    LeaseGate* gate = nullptr;
    std::uint64_t counted = 0;
  };
  void look_at_gate(Row& row, const Use& use) const;
  void put_bytes(std::uint32_t row, const MemoryVector& bytes);
  void compact_images();

  std::vector<Row> rows_;
  std::vector<Use> uses_;
  std::array<std::vector<std::uint64_t>, kMaxMemories> bytes_;  // a column once one has bytes there
  std::vector<std::uint32_t> images_;  // see Row::first_image; with gaps where models went
  std::size_t gaps_ = 0;
  std::vector<std::uint32_t> vacant_;
};

}  // namespace roost::pool

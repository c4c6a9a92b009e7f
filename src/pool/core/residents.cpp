#include "pool/core/residents.h"

#include <algorithm>

namespace roost::pool {
namespace {

constexpr std::size_t kAhead = 16;  // gates lie anywhere: asked for so many rows before

}  // namespace

std::uint32_t Residents::add(const Row& row, LeaseGate* gate, const MemoryVector& bytes,
                             const std::vector<std::uint32_t>& images) {
  std::uint32_t index = static_cast<std::uint32_t>(rows_.size());
  if (vacant_.empty()) {
    rows_.emplace_back();
    uses_.emplace_back();
  } else {
    index = vacant_.back();
    vacant_.pop_back();
  }
  rows_[index] = row;
  rows_[index].first_image = static_cast<std::uint32_t>(images_.size());
  rows_[index].images = static_cast<std::uint32_t>(images.size());
  images_.insert(images_.end(), images.begin(), images.end());
  uses_[index] = {gate, gate == nullptr ? 0 : gate->uses()};
  put_bytes(index, bytes);
  return index;
}

void Residents::remove(std::uint32_t row) {
  gaps_ += rows_[row].images;
  rows_[row] = Row{};
  rows_[row].flags = Row::kVacant;
  uses_[row] = {};
  put_bytes(row, {});
  vacant_.push_back(row);
  if (gaps_ > images_.size() / 2) compact_images();
}

void Residents::put_bytes(std::uint32_t row, const MemoryVector& bytes) {
  for (std::size_t m = 0; m < kMaxMemories; ++m) {
    const std::uint64_t here = bytes[static_cast<MemoryId>(m)];
    if (here == 0 && bytes_[m].empty()) continue;
    bytes_[m].resize(rows_.size());
    bytes_[m][row] = here;
  }
}

void Residents::compact_images() {
  std::vector<std::uint32_t> dense;
  dense.reserve(images_.size() - gaps_);
  for (Row& row : rows_) {
    const auto first = images_.begin() + row.first_image;
    row.first_image = static_cast<std::uint32_t>(dense.size());
    dense.insert(dense.end(), first, first + row.images);
  }
  images_ = std::move(dense);
  gaps_ = 0;
}

void Residents::look_at_gate(Row& row, const Use& use) const {
  if (use.gate == nullptr) return;
  const LeaseGate::Counts counts = use.gate->counts();
  if (!counts.unused() || counts.revoked) row.flags |= Row::kLeased;
  row.recent_uses = use.gate->uses() - use.counted;
  row.last_used = std::max(row.last_used, use.gate->last_used());
}

void Residents::copy_to(Snapshot& snapshot, MemoryMask mask) const {
  snapshot.images = images_;
  for (std::size_t m = 0; m < kMaxMemories; ++m) {
    if ((mask >> m & 1u) == 0 || bytes_[m].empty()) continue;
    snapshot.frees[m] = bytes_[m];
    snapshot.frees[m].resize(rows_.size());
  }
  snapshot.rows.clear();
  snapshot.rows.reserve(rows_.size());
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (i + kAhead < uses_.size()) __builtin_prefetch(uses_[i + kAhead].gate);
    look_at_gate(snapshot.rows.emplace_back(rows_[i]), uses_[i]);
  }
}

void Residents::count_uses(Duration half_life) {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    Use& use = uses_[i];
    if (use.gate == nullptr || use.gate->uses() == use.counted) continue;
    const std::uint64_t uses = use.gate->uses();
    rows_[i].rate.add(uses - use.counted, use.gate->last_used(), half_life);
    use.counted = uses;
  }
}

UseRate Residents::rate(std::uint32_t row, Duration half_life) const {
  Row seen = rows_[row];
  look_at_gate(seen, uses_[row]);
  seen.rate.add(seen.recent_uses, seen.last_used, half_life);
  return seen.rate;
}

}  // namespace roost::pool

#include "pool/core/victims.h"

#include <algorithm>

namespace roost::pool {

VictimChoice::VictimChoice(const Snapshot& snapshot, const MemoryVector& missing, Duration idle_for)
    : snapshot_(snapshot),
      wanted_(missing),
      idle_for_(idle_for),
      missing_(missing),
      is_picked_(snapshot.rows.size(), 0),
      holders_left_(snapshot.rows.size(), 0) {
  missing.for_each([this](MemoryId m, std::uint64_t) { memories_.push_back(m); });
  for (std::size_t i = 0; i < snapshot.rows.size(); ++i) {
    holders_left_[i] = snapshot.rows[i].holders;
  }
}

bool VictimChoice::movable(const Snapshot& snapshot, const Row& row) {
  if (row.is(Row::kVacant | Row::kPinned | Row::kLeased | Row::kBusy | Row::kOwn)) return false;
  return row.holders == 0 && row.evictable_from <= snapshot.now;
}

template <class F>
void VictimChoice::for_each_image(std::uint32_t row, F&& f) const {
  const Row& model = snapshot_.rows[row];
  for (std::uint32_t i = 0; i < model.images; ++i) f(snapshot_.images[model.first_image + i]);
}

MemoryVector VictimChoice::bytes_of(std::uint32_t row) const {
  MemoryVector bytes;
  for (const MemoryId m : memories_) bytes[m] = snapshot_.frees_on(row, m);
  return bytes;
}

// Bytes that giving this up brings nearer: its own, and its share of the images it runs from.
std::uint64_t VictimChoice::reach(std::uint32_t row) const {
  std::uint64_t bytes = 0;
  for (const MemoryId m : memories_) {
    bytes += snapshot_.frees_on(row, m);
    for_each_image(row, [&](std::uint32_t image) {
      bytes += snapshot_.frees_on(image, m) / std::max(snapshot_.rows[image].holders, 1u);
    });
  }
  return bytes;
}

bool VictimChoice::helps(std::uint32_t row) const {
  bool any = false;
  missing_.for_each([&](MemoryId m, std::uint64_t) {
    any = any || snapshot_.frees_on(row, m) != 0;
    for_each_image(row, [&](std::uint32_t image) {
      any = any || (is_picked_[image] == 0 && snapshot_.frees_on(image, m) != 0);
    });
  });
  return any;
}

VictimChoice::Candidate VictimChoice::candidate(std::uint32_t row, std::uint64_t reach) const {
  const Row& r = snapshot_.rows[row];
  Candidate c{r.retention, 0, r.last_used, row};
  if (snapshot_.policy == EvictionPolicy::Lru) return c;
  UseRate rate = r.rate;
  rate.add(r.recent_uses, r.last_used, snapshot_.half_life);
  double seconds = r.load_seconds;
  for_each_image(row, [&](std::uint32_t image) {
    const Row& i = snapshot_.rows[image];
    seconds += i.load_seconds / std::max(i.holders, 1u);
  });
  c.worth = log2_worth(seconds, rate.log2_weight(), reach);
  return c;
}

bool VictimChoice::sooner(const Candidate& a, const Candidate& b) {
  if (a.retention != b.retention) return a.retention < b.retention;
  if (a.worth != b.worth) return a.worth < b.worth;
  if (a.last_used != b.last_used) return a.last_used < b.last_used;
  return a.row < b.row;
}

void VictimChoice::force(std::uint32_t row) {
  take(row);
  forced_ = picked_.size();
}

void VictimChoice::pick() {
  if (missing_.empty()) return;
  for (std::uint32_t row = 0; row < snapshot_.rows.size(); ++row) {
    const Row& r = snapshot_.rows[row];
    if (is_picked_[row] != 0 || !movable(snapshot_, r)) continue;
    if (idle_for_ > Duration::zero() && r.last_used > snapshot_.now - idle_for_) continue;
    const std::uint64_t bytes = reach(row);
    if (bytes != 0) heap_.push_back(candidate(row, bytes));
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
  while (!missing_.empty() && !heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const std::uint32_t row = heap_.back().row;
    heap_.pop_back();
    if (is_picked_[row] == 0 && helps(row)) take(row);
  }
  if (missing_.empty()) drop_unnecessary();
}

void VictimChoice::take(std::uint32_t row) {
  picked_.push_back(row);
  is_picked_[row] = 1;
  freed_ += bytes_of(row);
  missing_ = wanted_ - freed_;
  for_each_image(row, [&](std::uint32_t image) {
    if (--holders_left_[image] == 0) let_image_go(image);
  });
}

// Its last holder goes. An image that nobody asked to keep goes along.
void VictimChoice::let_image_go(std::uint32_t row) {
  const Row& image = snapshot_.rows[row];
  if (image.is(Row::kPinned | Row::kBusy | Row::kOwn)) return;
  if (!image.is(Row::kKept)) {
    take(row);
  } else if (const std::uint64_t bytes = reach(row); bytes != 0) {
    heap_.push_back(candidate(row, bytes));
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
}

// What the plan would lose without this row: its bytes, and those of images that then stay.
MemoryVector VictimChoice::given_by(std::uint32_t row) const {
  MemoryVector bytes = bytes_of(row);
  for_each_image(row, [&](std::uint32_t image) {
    if (is_picked_[image] != 0) bytes += bytes_of(image);
  });
  return bytes;
}

void VictimChoice::untake(std::uint32_t row) {
  freed_ -= given_by(row);
  is_picked_[row] = 0;
  for_each_image(row, [&](std::uint32_t image) { is_picked_[image] = 0; });
}

void VictimChoice::drop_unnecessary() {
  std::vector<Candidate> most_worth_first;
  for (std::size_t i = forced_; i < picked_.size(); ++i) {
    const Row& r = snapshot_.rows[picked_[i]];
    const bool went_along = r.is(Row::kImage) && r.holders != 0 && !r.is(Row::kKept);
    if (!went_along) most_worth_first.push_back(candidate(picked_[i], reach(picked_[i])));
  }
  std::sort(most_worth_first.begin(), most_worth_first.end(), later);
  for (const Candidate& c : most_worth_first) {
    if (is_picked_[c.row] == 0) continue;
    if (wanted_.fits(freed_ - given_by(c.row))) untake(c.row);
  }
  std::erase_if(picked_, [this](std::uint32_t row) { return is_picked_[row] == 0; });
}

std::vector<Victim> VictimChoice::victims() {
  const Totals& totals = snapshot_.totals;
  const auto host = MemoryId::Host;
  const bool host_is_short = wanted_[host] != 0;
  // Saved images are reserved before anything is freed, beside the newcomer's own need.
  std::uint64_t room = (totals.headroom() - snapshot_.need)[host];
  room = std::min(room, (totals.budget - totals.reserved)[host]);
  room = std::min(room, (totals.available - totals.loading)[host]);
  if (host_is_short) room = 0;

  std::vector<Victim> models, images;
  for (const std::uint32_t row : picked_) {
    const Row& r = snapshot_.rows[row];
    Victim victim{row, r.slot, false, false};
    if (r.is(Row::kImage)) {
      images.push_back(victim);
      continue;
    }
    if (r.is(Row::kInPlace)) {
      victim.demote = r.images != 0;
      for_each_image(row, [&](std::uint32_t image) {
        if (is_picked_[image] != 0) victim.demote = false;
      });
    } else if (r.save_bytes <= room) {
      victim.demote = true;
      victim.save = r.save_bytes != 0;
      room -= r.save_bytes;
    }
    models.push_back(victim);
  }
  models.insert(models.end(), images.begin(), images.end());
  return models;
}

}  // namespace roost::pool

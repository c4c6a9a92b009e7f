// Slots: what is known of each, and the tables that are kept up to date with it.
#include <algorithm>

#include "base/assert.h"
#include "pool/core/core_impl.h"

namespace roost::pool {

Core::Impl::Impl(CoreOptions given)
    : options([&given] {
        given.max_concurrent_loads = std::max<std::size_t>(given.max_concurrent_loads, 1);
        given.use_half_life = std::max<Duration>(given.use_half_life, std::chrono::milliseconds(1));
        return given;
      }()),
      accounts(options.budget),
      cache(options.cache_bytes, options.cache_entries) {
  if (options.faults != nullptr) accounts.do_not_assert();
}

CoreSlot& Core::Impl::at(SlotId id) {
  Slot* slot = find(id);
  ROOST_ASSERT(slot != nullptr);
  return *slot;
}

const CoreSlot& Core::Impl::at(SlotId id) const {
  const auto found = slots.find(id);
  ROOST_ASSERT(found != slots.end());
  return *found->second;
}

CoreSlot* Core::Impl::find(SlotId id) {
  const auto found = slots.find(id);
  return found == slots.end() ? nullptr : found->second.get();
}

SlotId Core::Impl::add(SlotSpec spec) {
  const SlotId id{next_slot++};
  ROOST_ASSERT(keys.emplace(spec.key, id).second);
  auto slot = std::make_unique<Slot>();
  slot->id = id;
  slot->spec = std::move(spec);
  for (const SlotId image : slot->spec.images) {
    ROOST_ASSERT(at(image).is_image() && !slot->is_image());
    std::vector<SlotId>& users = at(image).users;
    ROOST_ASSERT(users.empty() || users.back() != id);  // each image once
    users.push_back(id);
  }
  join_group(*slot);
  slots.emplace(id, std::move(slot));
  return id;
}

bool Core::Impl::remove(SlotId id) {
  Slot& slot = at(id);
  const Accounts::Account& account = accounts.of(id);
  if (!slot.absent() || !slot.waiters.empty() || !slot.users.empty()) return false;
  if (!account.lost.empty() || account.stage != Accounts::Account::Stage::Absent) return false;
  for (const SlotId image : slot.spec.images) std::erase(at(image).users, id);
  leave_group(slot);
  arm_idle_timer(slot, Instant::max());
  keys.erase(slot.spec.key);
  slots.erase(id);
  return true;
}

void Core::Impl::join_group(Slot& slot) {
  if (!slot.spec.policy.group.empty()) groups[slot.spec.policy.group].push_back(slot.id);
}

void Core::Impl::leave_group(Slot& slot) {
  const auto group = groups.find(slot.spec.policy.group);
  if (group == groups.end()) return;
  std::erase(group->second, slot.id);
  if (group->second.empty()) groups.erase(group);
}

void Core::Impl::set_policy(Slot& slot, SlotPolicy policy, const Input& in) {
  leave_group(slot);
  slot.spec.policy = std::move(policy);
  join_group(slot);
  refresh(slot);
  const auto& ttl = slot.spec.policy.ttl;
  const bool expires = ttl && slot.open();
  arm_idle_timer(slot, expires ? std::max(last_used(slot) + *ttl, in.now) : Instant::max());
  changed();
}

void Core::Impl::move(Slot& slot, Reason why, const Input& in) {
  const HistoryEntry change = slot.history.move(why, in.now);
  if (change.from == ModelState::Loading) std::erase(loading, slot.id);
  if (change.to == ModelState::Loading) loading.push_back(slot.id);
  if (slot.is_image() && !making_room.empty()) dirty = true;  // claims that count it may shrink
  in.tell(StateChanged{slot.id, change});
}

// What a row says hangs on the slot itself, a model's on its images too, and an image's on its
// holders.
void Core::Impl::refresh(Slot& slot) {
  place_row(slot);
  if (!slot.is_image()) {
    for (const SlotId image : slot.spec.images) place_row(at(image));
    return;
  }
  place_in_cache(slot);
  for (const SlotId user : slot.users) {
    const Slot& model = at(user);
    if (model.row != Residents::kNone) residents.at(model.row).save_bytes = save_bytes(model);
  }
}

void Core::Impl::place_row(Slot& slot) {
  const bool draining = slot.down && slot.down->phase == UnloadJob::Phase::Draining;
  const bool resident =
      slot.state() == ModelState::Loaded && (!slot.down || (draining && !slot.is_image()));
  if (!resident && slot.row != Residents::kNone) {
    slot.rate = residents.rate(slot.row, options.use_half_life);
    residents.remove(slot.row);
    slot.row = Residents::kNone;
  } else if (resident && slot.row == Residents::kNone) {
    std::vector<std::uint32_t> images;
    if (slot.spec.in_place) {
      for (const SlotId image : slot.spec.images) images.push_back(at(image).row);
    }
    slot.row = residents.add(row_of(slot), slot.gate, accounts.of(slot.id).live, images);
  } else if (resident) {
    const Row fresh = row_of(slot);
    Row& row = residents.at(slot.row);
    row.flags = fresh.flags;
    row.retention = fresh.retention;
    row.holders = fresh.holders;
    row.last_used = fresh.last_used;
    row.save_bytes = fresh.save_bytes;
  }
}

void Core::Impl::place_in_cache(Slot& slot) {
  if (slot.cached) cache.erase(*slot.cached);
  slot.cached.reset();
  if (!slot.open() || !slot.holders.empty()) return;
  slot.cached = {slot.last_used, slot.id, accounts.of(slot.id).live.total()};
  cache.insert(*slot.cached);
}

Row Core::Impl::row_of(const Slot& slot) const {
  Row row;
  row.slot = slot.id;
  bool pinned = slot.spec.policy.pinned && !slot.down;
  for (const SlotId holder : slot.holders) {
    const Slot& model = at(holder);
    pinned = pinned || (model.spec.policy.pinned && !model.down);
  }
  if (slot.is_image()) row.flags |= Row::kImage;
  if (pinned) row.flags |= Row::kPinned;
  if (slot.down) row.flags |= Row::kBusy;
  if (slot.spec.in_place) row.flags |= Row::kInPlace;
  if (slot.spec.policy.kept) row.flags |= Row::kKept;
  row.retention = slot.spec.policy.retention;
  row.holders = static_cast<std::uint32_t>(slot.holders.size());
  row.rate = slot.rate;
  row.last_used = slot.last_used;
  row.evictable_from = slot.loaded_at + options.min_residency;
  if (planted(&TestFaults::skip_min_residency)) row.evictable_from = slot.loaded_at;
  row.load_seconds = slot.spec.load_seconds;
  row.save_bytes = save_bytes(slot);
  return row;
}

// Host bytes to reserve so that all images of a model are there after it has gone.
std::uint64_t Core::Impl::save_bytes(const Slot& model) const {
  if (model.spec.images.empty()) return kCannotSave;
  std::uint64_t bytes = 0;
  for (const SlotId id : model.spec.images) {
    const Slot& image = at(id);
    if (image.open() || image.arriving()) continue;
    if (!model.spec.can_save_images || !image.absent()) return kCannotSave;
    bytes += image.spec.estimate[MemoryId::Host];
  }
  return bytes;
}

bool Core::Impl::all_images_there(const Slot& model) const {
  return !model.spec.images.empty() &&
         std::all_of(model.spec.images.begin(), model.spec.images.end(),
                     [this](SlotId image) { return at(image).open(); });
}

void Core::Impl::arm_idle_timer(Slot& slot, Instant when) {
  const auto id = static_cast<std::uint64_t>(slot.id);
  timers.disarm({slot.idle_timer, Timers::Kind::Idle, id});
  slot.idle_timer = when;
  timers.arm({when, Timers::Kind::Idle, id});
}

Instant Core::Impl::last_used(const Slot& slot) const {
  return slot.gate == nullptr ? slot.last_used : std::max(slot.last_used, slot.gate->last_used());
}

}  // namespace roost::pool

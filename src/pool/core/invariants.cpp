// The laws that hold between two inputs. Tests and the simulator ask after every step.
#include <algorithm>

#include "pool/core/core_impl.h"

namespace roost::pool {

using Stage = Accounts::Account::Stage;

std::optional<std::string> Core::Impl::broken_law() const {
  if (auto broken = accounts.broken_law()) return broken;
  for (const auto& [id, account] : accounts.all()) {
    if (slots.count(id) == 0) return "a slot that is gone holds memory";
  }
  std::size_t images_cached = 0;
  for (const auto& [id, slot] : slots) {
    auto broken = broken_law_of(*slot);
    if (!broken && slot->is_image()) broken = broken_law_of_image(*slot);
    if (broken) return "'" + slot->spec.key + "' " + *broken;
    if (slot->cached) ++images_cached;
  }
  if (images_cached != cache.size()) return "the image cache lists what is not there";
  return broken_law_of_waiters();
}

namespace {

// What the ledger must hold of a slot, by what the slot says of itself.
Stage stage_of(const CoreSlot& slot) {
  const bool leaving = slot.down && (slot.down->phase == UnloadJob::Phase::Running ||
                                     (slot.is_image() && slot.state() == ModelState::Loaded));
  switch (slot.state()) {
    case ModelState::Loading: return Stage::Loading;
    case ModelState::Loaded: return leaving ? Stage::Releasing : Stage::Resident;
    case ModelState::Unloading: return Stage::Releasing;
    case ModelState::Error:
    case ModelState::Idle: break;
  }
  if (slot.gate == nullptr) return Stage::Absent;  // else a copy that broke is still there
  return leaving ? Stage::Releasing : Stage::Resident;
}

}  // namespace

std::optional<std::string> Core::Impl::broken_law_of(const Slot& slot) const {
  const ModelState state = slot.state();
  const Accounts::Account& account = accounts.of(slot.id);
  if (account.stage != stage_of(slot)) return "is not in the ledger as its state says";
  const bool making_room_listed = std::count(making_room.begin(), making_room.end(), slot.id) == 1;
  if (making_room_listed != (slot.load == LoadPhase::MakingRoom)) return "makes room unlisted";
  if (!account.claim.empty() && !making_room_listed) return "has a claim and makes no room";

  const bool attempt_runs = slot.load != LoadPhase::None && slot.load != LoadPhase::MakingRoom;
  if (attempt_runs != (state == ModelState::Loading)) return "loads in another state";
  if (std::count(loading.begin(), loading.end(), slot.id) != (slot.loading() ? 1 : 0)) {
    return "is not listed as loading once";
  }
  const bool unload_runs = slot.down && slot.down->phase == UnloadJob::Phase::Running;
  if (state == ModelState::Unloading && !unload_runs) return "unloads without anyone at it";
  if (unload_runs && state == ModelState::Loaded) return "is loaded while it is unloaded";
  if (unload_runs && slot.down->evicted && slot.gate != nullptr) {
    const LeaseGate::Counts counts = slot.gate->counts();
    if (counts.leases != 0) return "was evicted with " + std::to_string(counts.leases) + " leases";
  }
  const bool has_row = slot.row != Residents::kNone;
  const bool should_have_row =
      state == ModelState::Loaded && (!slot.down || (!slot.is_image() && !unload_runs));
  if (has_row != should_have_row) return "is not among the residents as its state says";
  if (!has_row) return std::nullopt;
  const Row& row = residents.at(slot.row);
  const Row fresh = row_of(slot);
  if (row.slot != slot.id) return "has another's row";
  if (row.flags != fresh.flags || row.holders != fresh.holders ||
      row.save_bytes != fresh.save_bytes) {
    return "has a row that is out of date";
  }
  return std::nullopt;
}

std::optional<std::string> Core::Impl::broken_law_of_image(const Slot& image) const {
  for (const SlotId id : image.users) {
    const Slot& model = at(id);
    const bool needs =
        model.load != LoadPhase::None || (model.spec.in_place && model.gate != nullptr);
    const auto held = std::count(image.holders.begin(), image.holders.end(), id);
    if (held != (needs ? 1 : 0)) {
      return "is held " + std::to_string(held) + " times by '" + model.spec.key + "'";
    }
    const bool reads = model.load == LoadPhase::Running || model.load == LoadPhase::Stopping;
    const bool runs = needs && model.load == LoadPhase::None;
    if ((reads || runs) && image.state() != ModelState::Loaded) {
      return "is not there while '" + model.spec.key + "' uses it";
    }
    if (model.load == LoadPhase::Staging && !image.open() && !image.arriving()) {
      return "does not come although '" + model.spec.key + "' waits for it";
    }
  }
  const bool listed = image.open() && image.holders.empty();
  if (listed != image.cached.has_value()) return "is not in the cache as its state says";
  return std::nullopt;
}

std::optional<std::string> Core::Impl::broken_law_of_waiters() const {
  std::size_t places = 0, in_queue = 0, asking = 0;
  for (const auto& [id, slot] : slots) {
    places += slot->waiters.size();
    if (slot->down) places += slot->down->waiters.size();
    for (const WaiterId waiter : slot->waiters) {
      const auto known = waiters.find(waiter);
      if (known == waiters.end() || known->second.slot != id || known->second.unload) {
        return "'" + slot->spec.key + "' lists a waiter that is none";
      }
    }
    const bool belongs = !slot->waiters.empty() && slot->absent();
    if (belongs != slot->queued.has_value()) {
      return "'" + slot->spec.key + "' is not in the queue as its waiters say";
    }
    if (slot->queued) ++in_queue;
    if (slot->load == LoadPhase::MakingRoom && slot->waiters.empty()) {
      return "'" + slot->spec.key + "' makes room for nobody";
    }
  }
  for (const auto& [id, waiter] : waiters) asking += waiter.unload ? 0 : 1;
  if (places != waiters.size()) return "a waiter is in two places, or in none";
  if (asking != requests) return "the count of requests is wrong";
  if (in_queue != queue.size()) return "the queue lists what does not wait";
  return std::nullopt;
}

}  // namespace roost::pool

#include "pool/core/world.h"

#include <gtest/gtest.h>

namespace roost::pool::test {

SlotId World::model(SlotSpec spec) {
  if (spec.model.empty()) spec.model = spec.key;
  return core.add(std::move(spec));
}

SlotId World::model(const std::string& name, const MemoryVector& bytes) {
  SlotSpec spec;
  spec.key = name;
  spec.estimate = bytes;
  return model(std::move(spec));
}

SlotId World::image(const std::string& name, std::uint64_t bytes, bool kept) {
  SlotSpec spec;
  spec.key = name;
  spec.kind = SlotKind::Image;
  spec.estimate = host(bytes);
  spec.policy.kept = kept;
  return model(std::move(spec));
}

SlotId World::model_of(const std::string& name, const MemoryVector& bytes,
                       std::vector<SlotId> images, bool in_place, bool can_save) {
  SlotSpec spec;
  spec.key = name;
  spec.estimate = bytes;
  spec.images = std::move(images);
  spec.in_place = in_place;
  spec.can_save_images = can_save;
  return model(std::move(spec));
}

WaiterId World::ask(SlotId slot, const RequestSpec& spec) {
  const WaiterId waiter{next_waiter_++};
  core.request(waiter, slot, spec, now, out);
  settle();
  return waiter;
}

WaiterId World::unload(SlotId slot, const UnloadSpec& spec) {
  const WaiterId waiter{next_waiter_++};
  core.unload(waiter, slot, spec, now, out);
  settle();
  return waiter;
}

void World::loaded(SlotId slot) { loaded(slot, core.view(slot).reserved); }

void World::loaded(SlotId slot, const MemoryVector& footprint, double load_seconds) {
  ASSERT_TRUE(loads(slot)) << core.view(slot).key << " does not load";
  LoadSuccess result;
  result.footprint = footprint;
  result.seconds = load_seconds;
  if (core.view(slot).kind == SlotKind::Model) {
    all_gates_.push_back(std::make_unique<LeaseGate>());
    result.gate = gates[slot] = all_gates_.back().get();
  }
  const std::uint64_t attempt = attempts.at(slot);
  attempts.erase(slot);
  stops.erase(slot);
  core.load_finished(slot, attempt, result, now, out);
  settle();
}

void World::load_failed(SlotId slot, ErrorCode code) {
  ASSERT_TRUE(loads(slot)) << core.view(slot).key << " does not load";
  const std::uint64_t attempt = attempts.at(slot);
  attempts.erase(slot);
  stops.erase(slot);
  core.load_failed(slot, attempt, code, "it broke", now, out);
  settle();
}

void World::unloaded(SlotId slot, const MemoryVector& lost) {
  UnloadResult result;
  result.lost = lost;
  result.freed = core.view(slot).reserved - lost;
  unloaded(slot, result);
}

void World::unloaded(SlotId slot, const UnloadResult& result) {
  ASSERT_TRUE(unloads(slot)) << core.view(slot).key << " is not being unloaded";
  unloading.erase(slot);
  core.unload_finished(slot, result, now, out);
  settle();
}

void World::release(SlotId slot) {
  LeaseGate& gate = *gates.at(slot);
  const LeaseGate::Counts left = gate.end_lease();
  if (left.leases == 0) gate.idle_from(now);
  if (!left.watched || left.leases != 0) return;
  core.lease_returned(slot, now, out);
  settle();
}

void World::advance(Duration by) {
  const Instant until = now + by;
  for (int ticks = 0; core.next_timer() <= until; ++ticks) {
    ASSERT_LT(ticks, 1000) << "the core wants to be ticked for ever";
    now = std::max(now, core.next_timer());
    core.tick(now, out);
    settle();
  }
  now = until;
}

SlotId World::resident(SlotId slot) {
  RequestSpec spec;
  spec.lease = false;
  const WaiterId waiter = ask(slot, spec);
  load_all();
  EXPECT_TRUE(granted(waiter)) << core.view(slot).key << " was not loaded";
  advance(seconds(1));
  return slot;
}

void World::load_all() {
  while (!attempts.empty()) loaded(attempts.begin()->first);
}

ErrorCode World::refused(WaiterId waiter) const {
  const auto found = refusals.find(waiter);
  if (found == refusals.end()) {
    ADD_FAILURE() << "the waiter was not refused";
    return ErrorCode::Internal;
  }
  EXPECT_FALSE(found->second.message.empty());
  return found->second.code;
}

std::vector<std::string> World::evicted() const {
  std::vector<std::string> keys;
  for (const Evicted& e : all<Evicted>()) {
    keys.push_back((e.demoted ? "demote " : "") + core.view(e.slot).key);
  }
  return keys;
}

void World::settle() {
  for (const Action& action : out) note(action);
  log.insert(log.end(), out.begin(), out.end());
  out.clear();
  const auto broken = core.check_invariants();
  EXPECT_FALSE(broken.has_value()) << *broken;
}

void World::note(const Action& action) {
  if (const auto* start = std::get_if<StartLoad>(&action)) {
    EXPECT_TRUE(attempts.emplace(start->slot, start->attempt).second) << "loaded twice";
  } else if (const auto* stop = std::get_if<StopLoad>(&action)) {
    EXPECT_EQ(attempts.at(stop->slot), stop->attempt);
    EXPECT_TRUE(stops.emplace(stop->slot, stop->attempt).second) << "stopped twice";
  } else if (const auto* unload = std::get_if<StartUnload>(&action)) {
    EXPECT_TRUE(unloading.emplace(unload->slot, *unload).second) << "unloaded twice";
  } else if (const auto* grant = std::get_if<Granted>(&action)) {
    EXPECT_TRUE(waits(grant->waiter)) << "answered twice";
    grants.emplace(grant->waiter, *grant);
    if (grant->leased) gates.at(grant->slot)->touch(now);
  } else if (const auto* refusal = std::get_if<Refused>(&action)) {
    EXPECT_TRUE(waits(refusal->waiter)) << "answered twice";
    refusals.emplace(refusal->waiter, refusal->why);
  }
}

}  // namespace roost::pool::test

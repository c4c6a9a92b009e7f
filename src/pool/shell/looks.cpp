// What is going on in the pool; none of it counts as a use. A slot that was forgotten meanwhile is
// simply not there.
#include <algorithm>
#include <set>

#include "roost/ids.h"
#include "base/working_for.h"
#include "pool/shell/pool.h"
#include "pool/shell/slot.h"
#include "roost/error.h"

namespace roost::pool {
namespace {

PlanReport gone_report() {
  PlanReport report;
  report.verdict = Verdict::Refuse;
  report.explanation = "it was unregistered meanwhile";
  return report;
}

}  // namespace

PlanReport Pool::plan(SlotId slot, const RequestSpec& spec) const {
  const Instant now = clock_.now();
  Snapshot snapshot;
  {
    MutexLock lock(mutex_);
    if (known_slot(slot) == nullptr) return gone_report();
    const Instant begin = system_clock().now();
    snapshot = core_.snapshot(slot, spec, now);
    last_plan_held_ = system_clock().now() - begin;
  }
  const Decision decision = roost::pool::decide(snapshot);
  MutexLock lock(mutex_);
  if (known_slot(slot) == nullptr) return gone_report();
  PlanReport report = core_.report(slot, snapshot, decision);
  core_.recycle(std::move(snapshot));
  return report;
}

Duration Pool::mutex_held_by_last_plan() const {
  MutexLock lock(mutex_);
  return last_plan_held_;
}

Pool::Look Pool::look(const Slot& slot) const {
  Look found{core_.view(slot.id), slot.device->info().id, slot.component, {}, {}, false};
  if (const Residency* residency = slot.current.load()) {
    found.latency = residency->latency();
    found.health = residency->last_finding();
  }
  found.used_here = is_at_work_here(slot);
  return found;
}

Pool::ModelLook Pool::look_at(const std::string& model) const {
  ModelLook found;
  std::set<SlotId> parts;
  MutexLock lock(mutex_);
  const auto [begin, end] = by_model_.equal_range(model);
  for (auto it = begin; it != end; ++it) {
    const Slot& slot = at(it->second);
    found.slots.push_back(look(slot));
    parts.insert(slot.id);
    parts.insert(slot.images.begin(), slot.images.end());
  }
  for (const SlotId part : parts) found.footprint += core_.view(part).reserved;
  std::sort(found.slots.begin(), found.slots.end(),
            [](const Look& a, const Look& b) { return a.slot.id < b.slot.id; });
  return found;
}

std::vector<Pool::Look> Pool::look_at_all() const {
  std::vector<Look> all;
  MutexLock lock(mutex_);
  for (const SlotId id : core_.slots()) all.push_back(look(at(id)));
  return all;
}

Pool::Overview Pool::overview() const {
  Overview found;
  MutexLock lock(mutex_);
  for (const auto& [id, slot] : slots_) {
    if (slot->kind == SlotKind::Model) ++found.models[index_of(core_.view(slot->id).state)];
  }
  found.waiting = core_.waiting();
  found.counters = counters_;
  found.ledger = core_.ledger();
  found.pressure = pressure_;
  return found;
}

std::optional<SlotView> Pool::view(SlotId slot) const {
  MutexLock lock(mutex_);
  if (known_slot(slot) == nullptr) return std::nullopt;
  return core_.view(slot);
}

bool Pool::is_warm(SlotId slot) const {
  MutexLock lock(mutex_);
  const Slot* known = known_slot(slot);
  const Residency* residency = known == nullptr ? nullptr : known->current.load();
  return residency != nullptr && residency->is_warm();
}

bool Pool::is_at_work_here(const Slot& slot) const {
  const Residency* residency = slot.current.load();
  return WorkingFor::is(&slot) || (residency != nullptr && residency->is_used_here());
}

bool Pool::is_at_work_here(SlotId model) const {
  MutexLock lock(mutex_);
  const Slot* slot = known_slot(model);
  if (slot == nullptr) return false;
  return is_at_work_here(*slot) ||
         std::any_of(slot->images.begin(), slot->images.end(),
                     [this](SlotId image) ROOST_REQUIRES(mutex_) {
                       return WorkingFor::is(known_slot(image));
                     });
}

std::vector<SlotId> Pool::at_work_here() const {
  std::vector<SlotId> found;
  if (!WorkingFor::is(&events_)) return found;
  MutexLock lock(mutex_);
  for (const auto& [id, slot] : slots_) {
    if (is_at_work_here(*slot)) found.push_back(slot->id);
  }
  return found;
}

bool Pool::needs_end_of(SlotId slot, const RequestSpec& spec, const std::vector<SlotId>& inside,
                        const std::vector<SlotId>& waiting) const {
  const Instant now = clock_.now();
  MutexLock lock(mutex_);
  return known_slot(slot) != nullptr && core_.needs_end_of(slot, spec, inside, waiting, now);
}

bool Pool::is_running_here(const Device& device) const {
  for (std::size_t i = 0; i < executors_.size(); ++i) {
    if (machine_.devices[i].get() == &device) return WorkingFor::is(executors_[i].get());
  }
  return false;
}

std::vector<HistoryEntry> Pool::history(SlotId slot) const {
  MutexLock lock(mutex_);
  if (known_slot(slot) == nullptr) return {};
  return core_.history(slot);
}

std::vector<SlotId> Pool::image_slots(SlotId model,
                                      const std::vector<std::string>& components) const {
  std::string name;
  std::shared_ptr<Backend> backend;
  std::vector<std::pair<std::string, SlotId>> known;
  {
    MutexLock lock(mutex_);
    const Slot* slot = known_slot(model);
    if (slot == nullptr) return {};
    name = slot->model;
    backend = slot->backend;
    for (const SlotId image : slot->images) known.emplace_back(at(image).component, image);
  }
  if (known.empty()) {
    throw RoostError(ErrorCode::Unsupported,
                     "'" + name + "' has no parts that host memory can keep: its backend '" +
                         std::string(backend->name()) + "' loads it whole");
  }
  std::vector<SlotId> found;
  std::string names;
  for (const auto& [component, image] : known) {
    names += (names.empty() ? "'" : ", '") + printable(component) + "'";
    if (components.empty()) found.push_back(image);
  }
  for (const std::string& wanted : components) {
    const auto image = std::find_if(known.begin(), known.end(),
                                    [&](const auto& one) { return one.first == wanted; });
    if (image == known.end()) {
      std::string problem = "'" + name + "' has no component '";
      throw RoostError(ErrorCode::InvalidArgument,
                       problem.append(printable(wanted)).append("'; it has ").append(names));
    }
    found.push_back(image->second);
  }
  return found;
}

CacheCounters Pool::cache_counters() const {
  MutexLock lock(mutex_);
  return core_.cache_counters();
}

std::vector<EvictionRecord> Pool::evictions() const {
  MutexLock lock(mutex_);
  return {evictions_.begin(), evictions_.end()};
}

UsageDelta Pool::take_usage(const std::string& model) {
  UsageDelta sum;
  MutexLock lock(mutex_);
  const auto [begin, end] = by_model_.equal_range(model);
  for (auto it = begin; it != end; ++it) {
    if (at(it->second).isolated) continue;  // its use is its holder's affair
    UsageCounters& usage = *at(it->second).usage;
    sum.successes += usage.successes.exchange(0);
    sum.failures += usage.failures.exchange(0);
    sum.busy += std::chrono::nanoseconds(usage.busy_ns.exchange(0));
  }
  return sum;
}

MemoryVector Pool::available() const {
  MemoryVector bytes;
  for (const auto& device : machine_.devices) {
    try {
      bytes[device->info().memory] = device->sample().available_bytes;
    } catch (const std::exception&) {  // a device that cannot tell has nothing free
    }
  }
  return bytes;
}

}  // namespace roost::pool

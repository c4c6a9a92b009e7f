// The governor: timers, pressure, overdue loads, lost bytes, probes. One thread.
#include <algorithm>
#include <cstdlib>

#include "device/host_memory.h"
#include "device/pressure.h"
#include "pool/shell/decide.h"
#include "pool/shell/slot.h"
#include "roost/error.h"

namespace roost::pool {
namespace {

constexpr Duration kFreshLook = std::chrono::milliseconds(20);
constexpr Duration kLostLook = std::chrono::seconds(1);
constexpr std::int64_t kDriftStep = std::int64_t{256} << 20;  // told when it has changed by this
constexpr double kRelievedUse = 0.6;  // of the budget: what relief aims for

// The longer something has been idle, the earlier it has to go.
constexpr Duration idle_enough(device::PressureLevel level) {
  switch (level) {
    case device::PressureLevel::Critical:
      return std::chrono::seconds(5);
    case device::PressureLevel::High:
      return std::chrono::seconds(30);
    default:
      return std::chrono::seconds(120);
  }
}

// Of a device in trouble, everything.
MemoryVector lost_still(const ReleaseWatch& watch) {
  try {
    return watch.look().lost;
  } catch (const std::exception&) {
    return watch.held();
  }
}

}  // namespace

MemoryVector Pool::look_at_memory() {
  const Instant now = system_clock().now();
  {
    MutexLock lock(look_mutex_);
    if (looked_at_ != Instant{} && now - looked_at_ < kFreshLook) return looked_;
  }
  const MemoryVector seen = available();
  MutexLock lock(look_mutex_);
  looked_ = seen;
  looked_at_ = now;
  return seen;
}

MemoryVector Pool::touched_by_loads() const {
  MemoryVector touched;
  for (const SlotId id : core_.loading_slots()) {
    const Slot& slot = at(id);
    if (slot.attempt != nullptr) touched += slot.attempt->account->live();
  }
  return touched;
}

void Pool::govern(Instant begun, const std::stop_token& stop) {
  Instant next_look = begun + options_.pressure_interval;
  Instant next_lost = begun + kLostLook;
  while (!stop.stop_requested()) {
    {
      MutexLock lock(mutex_);
      Instant wake = std::min(core_.next_timer(), next_lost);
      if (options_.pressure_interval > Duration::zero()) wake = std::min(wake, next_look);
      if (options_.load_timeout > Duration::zero()) {
        for (const SlotId id : core_.loading_slots()) {
          const Slot& slot = at(id);
          if (slot.attempt == nullptr || slot.attempt->timed_out.load()) continue;
          wake = std::min(wake, slot.attempt->begun + options_.load_timeout);
        }
      }
      wake_at_ = wake;
      clock_.wait_until(sooner_, mutex_, stop, wake, [this, wake]() ROOST_REQUIRES(mutex_) {
        return core_.next_timer() < wake;
      });
    }
    if (stop.stop_requested()) return;
    const Instant now = clock_.now();
    stop_overdue_loads(now);
    if (options_.pressure_interval > Duration::zero() && now >= next_look) {
      look_at_pressure();
      next_look = now + options_.pressure_interval;
    }
    if (now >= next_lost) {
      look_for_lost_bytes();
      next_lost = now + kLostLook;
    }
    decide([](Core& core, Instant at, Actions& out) { core.tick(at, out); });
  }
}

void Pool::stop_overdue_loads(Instant now) {
  if (options_.load_timeout <= Duration::zero()) return;
  std::vector<std::shared_ptr<Attempt>> overdue;
  {
    MutexLock lock(mutex_);
    for (const SlotId id : core_.loading_slots()) {
      const std::shared_ptr<Attempt>& attempt = at(id).attempt;
      if (attempt == nullptr || now < attempt->begun + options_.load_timeout) continue;
      if (!attempt->timed_out.exchange(true)) overdue.push_back(attempt);
    }
  }
  for (const auto& attempt : overdue) attempt->stop.request_stop();
}

// Bytes that were lost come back when what held them is gone at last. Only the governor takes
// losses off a slot's list, so their places do not change meanwhile.
void Pool::look_for_lost_bytes() {
  struct Expected {
    SlotId slot;
    std::size_t place;
    MemoryVector bytes;
    ReleaseWatch watch;
  };
  std::vector<Expected> all;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, slot] : slots_) {
      for (std::size_t i = 0; i < slot->losses.size(); ++i) {
        all.push_back({slot->id, i, slot->losses[i].bytes, slot->losses[i].watch});
      }
    }
  }
  for (Expected& one : all) one.bytes -= lost_still(one.watch);
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    for (const Expected& back : all) {
      Slot* slot = known_slot(back.slot);
      if (slot == nullptr || back.bytes.empty()) continue;
      slot->losses[back.place].bytes -= back.bytes;
      core.found(back.slot, back.bytes, now, out);
    }
    for (const auto& [id, slot] : slots_) {
      std::erase_if(slot->losses, [](const Loss& loss) { return loss.bytes.empty(); });
    }
  });
}

void Pool::look_at_pressure() {
  using device::PressureLevel;
  const MemoryVector available = look_at_memory();
  const std::optional<double> stalled = device::HostMemory().pressure_some_avg10();
  decide([&](Core& core, Instant now, Actions& out) ROOST_REQUIRES(mutex_) {
    core.observe(available, touched_by_loads(), now, out);
    look_at_drift();
    const Ledger ledger = core.ledger();
    PressureLevel worst = PressureLevel::Low;
    double worst_used = 0;
    for (const auto& device : machine_.devices) {
      const MemoryId memory = device->info().memory;
      if (ledger.budget[memory] == 0) continue;
      const double used =
          static_cast<double>(ledger.reserved[memory]) / static_cast<double>(ledger.budget[memory]);
      const PressureLevel level =
          device::pressure_level(used, memory == MemoryId::Host ? stalled : std::nullopt);
      if (level >= worst) {
        worst = level;
        worst_used = std::max(worst_used, used);
      }
      const auto keep =
          static_cast<std::uint64_t>(kRelievedUse * static_cast<double>(ledger.budget[memory]));
      if (level == PressureLevel::Low || ledger.reserved[memory] <= keep) continue;
      core.relieve(memory, ledger.reserved[memory] - keep, idle_enough(level),
                   std::string(device::to_string(level)) + " memory pressure", now, out);
    }
    const std::string name(device::to_string(worst));
    if (name == pressure_) return;
    pressure_ = name;
    Value data;
    data["level"] = name;
    data["used_fraction"] = worst_used;
    events_.publish(EventKind::Pressure, "", data);
  });
}

// What nobody accounts for: a runtime's own buffers, a leak.
void Pool::look_at_drift() {
  const auto rss = static_cast<std::int64_t>(device::HostMemory::rss_bytes().value_or(0));
  const auto reserved = static_cast<std::int64_t>(core_.ledger().reserved[MemoryId::Host]);
  const std::int64_t drift = rss - static_cast<std::int64_t>(options_.baseline_rss) - reserved;
  if (rss == 0 || std::abs(drift - drift_told_) < kDriftStep) return;
  drift_told_ = drift;
  Value data;
  data["bytes"] = drift;
  data["rss"] = rss;
  data["reserved"] = reserved;
  events_.publish(EventKind::Drift, "", data);
}

Health Pool::check_health(SlotId id, std::stop_token stop) {
  Residency* residency = nullptr;
  {
    MutexLock lock(mutex_);
    const Slot* slot = known_slot(id);
    if (slot == nullptr) return Health::Unknown;
    residency = slot->current.load();
    if (residency == nullptr || !residency->gate().try_lease()) return Health::Unknown;
    residency->add_reference();
  }
  const auto end = [](Residency* probed) {
    probed->end_probe();
    probed->drop_reference();
  };
  const std::unique_ptr<Residency, decltype(end)> lease(residency, end);
  if (is_running_here(*residency->device())) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "probing '" + residency->model_id() +
                         "' from code of a model that runs on the same device: it would wait for "
                         "itself; call it before or after");
  }
  Finding now;
  try {
    now = residency->probe(std::move(stop));
  } catch (const LeaseRevokedException&) {  // forced out meanwhile
    return Health::Unknown;
  }
  const Health before = residency->keep_finding(now);
  if (before != now.health) {
    Value data;
    data["from"] = to_string(before);
    data["to"] = to_string(now.health);
    data["reason"] = now.why;
    events_.publish(EventKind::HealthChange, residency->model_id(), data);
  }
  return now.health;
}

}  // namespace roost::pool

// What is going on. Nothing here counts as a use or resets an idle timer.
#include <algorithm>

#include "roost/ids.h"
#include "device/host_memory.h"
#include "engine/impl.h"

namespace roost {
namespace {

std::chrono::system_clock::time_point wall_of(Instant at, const Clock& clock) {
  return clock.wall() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(at - clock.now());
}

// The slot that says most about its model: loaded, then busy, then failed.
int weight_of(ModelState state) {
  switch (state) {
    case ModelState::Loaded: return 4;
    case ModelState::Loading: return 3;
    case ModelState::Unloading: return 2;
    case ModelState::Error: return 1;
    case ModelState::Idle: return 0;
  }
  return 0;
}

}  // namespace

// One source that cannot tell does not hide all the other models: a load or a fetch says why.
FetchState Engine::Impl::files_state(const catalog::ModelRecord& record) const {
  try {
    if (has_files(record, files_of(record).get())) return FetchState::Present;
  } catch (const RoostError&) {
  }
  return fetches.is_running(record.id) ? FetchState::Fetching : FetchState::Absent;
}

ModelStatus Engine::Impl::status_of(const catalog::ModelRecord& record) const {
  ModelStatus status;
  status.id = record.id;
  status.source = record.source;
  status.type = record.type;
  status.description = record.description;
  status.options = ModelOptions::from_value(record.options);
  status.files = files_state(record);
  const pool::Pool::ModelLook looks = pool.look_at(record.id);
  status.footprint = looks.footprint;
  const pool::Pool::Look* chosen = nullptr;
  for (const pool::Pool::Look& look : looks.slots) {
    status.leases += look.slot.leases;
    status.calls += look.slot.calls;
    status.waiters += look.slot.waiters;
    status.uses += look.slot.uses;
    if (chosen == nullptr || weight_of(look.slot.state) > weight_of(chosen->slot.state)) {
      chosen = &look;
    }
  }
  const auto failed = fetches.failure(record.id);
  if (failed && status.files == FetchState::Absent) {
    status.last_failure = failed->message();
    status.failures_in_a_row = failed->in_a_row();
    const Duration left = std::max(failed->retry_at() - clock.now(), Duration::zero());
    status.retry_after = std::chrono::duration_cast<std::chrono::milliseconds>(left);
  }
  if (chosen == nullptr) return status;
  const pool::SlotView& slot = chosen->slot;
  status.state = slot.state;
  status.tier = slot.tier;
  status.draining = slot.draining;
  status.queued = slot.state != ModelState::Loading && slot.waiters != 0;
  if (slot.state != ModelState::Idle || slot.waiters != 0) status.device = chosen->device_id;
  status.health = chosen->health.health;
  status.health_reason = chosen->health.why;
  status.latency = chosen->latency;
  if (!slot.last_failure.empty()) {
    status.last_failure = slot.last_failure;
    status.failures_in_a_row = slot.failures_in_a_row;
    status.retry_after = std::chrono::duration_cast<std::chrono::milliseconds>(slot.retry_after);
  }
  if (slot.state == ModelState::Loaded) status.loaded_at = wall_of(slot.loaded_at, clock);
  if (slot.uses != 0) status.last_used = wall_of(slot.last_used, clock);
  return status;
}

pool::Pool::ModelLook Engine::Impl::look_at(const std::string& name) const {
  return pool.look_at(id_of(name));
}

// What is loaded under an id is found by it, whatever became of its files.
std::string Engine::Impl::id_of(const std::string& name) const {
  if (!pool.slots_of(name).empty()) return name;
  return record_of(name, catalog::Domain::Any).id;
}

ModelStatus Engine::status(const std::string& name) const {
  return impl_->status_of(impl_->record_of(name, catalog::Domain::Any));
}

std::vector<ModelStatus> Engine::models() const {
  std::vector<ModelStatus> all;
  for (const catalog::ModelRecord& record : impl_->catalog->list()) {
    all.push_back(impl_->status_of(record));
  }
  return all;
}

std::vector<HistoryEntry> Engine::history(const std::string& name) const {
  std::vector<HistoryEntry> all;
  for (const pool::Pool::Look& look : impl_->look_at(name).slots) {
    const std::vector<HistoryEntry> one = impl_->pool.history(look.slot.id);
    all.insert(all.end(), one.begin(), one.end());
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const HistoryEntry& a, const HistoryEntry& b) { return a.at < b.at; });
  return all;
}

// Uses are counted without a lock where they happen, and brought to the catalog when asked for.
UsageReport Engine::usage(const std::string& id) const {
  Impl& self = *impl_;
  const catalog::ModelRecord record = self.record_of(id, catalog::Domain::Any);
  self.flush_usage(record.id);
  UsageReport report;
  if (const auto usage = self.catalog->usage(record.id)) {
    report.requests = usage->requests;
    report.successes = usage->successes;
    report.failures = usage->failures;
    report.total_ms = std::chrono::duration<double, std::milli>(usage->processing).count();
    report.last_used = usage->last_used;
  }
  return report;
}

void Engine::Impl::flush_usage(const std::string& id) {
  const pool::UsageDelta delta = pool.take_usage(id);
  if (delta.successes + delta.failures == 0) return;
  catalog::ModelUsage more;
  more.requests = delta.successes + delta.failures;
  more.successes = delta.successes;
  more.failures = delta.failures;
  more.processing = delta.busy;
  more.last_used = clock.wall();
  catalog->add_usage(id, more);
}

std::vector<EvictionReport> Engine::evictions() const {
  std::vector<EvictionReport> all;
  for (pool::EvictionRecord& one : impl_->pool.evictions()) {
    all.push_back({one.at, std::move(one.model), one.demoted, std::move(one.why), one.frees});
  }
  return all;
}

MemoryReport Engine::Impl::memory(const pool::Pool::Overview& overview) const {
  MemoryReport report;
  const pool::Ledger& ledger = overview.ledger;
  for (const auto& device : machine.devices) {
    const DeviceInfo& info = device->info();
    const MemorySample sample = device->sample();
    MemoryLine line;
    line.memory = info.memory;
    line.device = info.id;
    line.budget = ledger.budget[info.memory];
    line.reserved = ledger.reserved[info.memory];
    line.lost = ledger.lost[info.memory];
    line.total = sample.total_bytes;
    line.available = sample.available_bytes;
    line.fragmentation = device->fragmentation();
    report.memories.push_back(std::move(line));
  }
  report.process_rss = device::HostMemory::rss_bytes().value_or(0);
  report.drift = static_cast<std::int64_t>(report.process_rss) -
                 static_cast<std::int64_t>(baseline_rss) -
                 static_cast<std::int64_t>(ledger.reserved[MemoryId::Host]);
  report.pressure = overview.pressure;
  return report;
}

MemoryReport Engine::memory() const { return impl_->memory(impl_->pool.overview()); }

EngineStatus Engine::status() const {
  const Impl& self = *impl_;
  EngineStatus status;
  status.models = self.catalog->size();
  const pool::Pool::Overview overview = self.pool.overview();
  const auto count_of = [&](ModelState state) { return overview.models[pool::index_of(state)]; };
  status.loaded = count_of(ModelState::Loaded);
  status.loading = count_of(ModelState::Loading);
  status.unloading = count_of(ModelState::Unloading);
  status.failed = count_of(ModelState::Error);
  status.active_fetches = self.fetches.count();
  status.waiting = overview.waiting;
  status.loads = overview.counters.loads;
  status.evictions = overview.counters.evictions;
  status.memory = self.memory(overview);
  return status;
}

void Engine::set_budget(const std::string& device, std::uint64_t bytes) {
  Impl& self = *impl_;
  self.check_open();
  const MemoryId memory = self.machine.find(device)->info().memory;
  EngineOptions changed;
  changed.device_budget_bytes[device] = bytes;
  changed.validate();
  MemoryVector budget;
  {
    MutexLock lock(self.mutex);
    self.budget[memory] = bytes;
    budget = self.budget;
  }
  self.pool.set_budget(budget);
}

// --- health

Health Engine::check_health(const std::string& name, std::stop_token stop) {
  impl_->check_open();
  Health worst = Health::Unknown;
  for (const pool::Pool::Look& look : impl_->look_at(name).slots) {
    worst = std::max(worst, impl_->pool.check_health(look.slot.id, stop));
  }
  return worst;
}

void Engine::Impl::watch_health(Instant next, const std::stop_token& stop) {
  std::condition_variable_any never;
  Mutex waiting;
  while (!stop.stop_requested()) {
    {
      MutexLock lock(waiting);
      clock.wait_until(never, waiting, stop, next, [] { return false; });
    }
    for (const pool::Pool::Look& look : pool.look_at_all()) {
      if (stop.stop_requested()) return;
      if (look.slot.kind != pool::SlotKind::Model) continue;
      try {
        pool.check_health(look.slot.id, stop);
      } catch (const RoostError& error) {  // unloaded meanwhile
        log(LogLevel::Debug, error.what());
      }
    }
    next = clock.now() + options.health_interval;
  }
}

}  // namespace roost

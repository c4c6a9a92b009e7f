// Giving memory back: unloads, the host tier, defragmentation.
#include <algorithm>

#include "roost/ids.h"
#include "device/host_memory.h"
#include "engine/impl.h"

namespace roost {
namespace {

UnloadOptions at_once() {
  UnloadOptions options;
  options.wait_for_leases = false;
  return options;
}

}  // namespace

// The unloads of several slots, answered together.
class Engine::Impl::Unloading {
 public:
  Unloading(const Clock& clock, std::size_t slots, WhenInUse when_in_use)
      : clock_(clock), begin_(clock.now()), when_in_use_(when_in_use), left_(slots) {}

  std::future<UnloadReport> future() { return promise_.get_future(); }

  void add(const std::string& model, bool was_loaded, const pool::Outcome& outcome) {
    MutexLock lock(mutex_);
    report_.was_loaded = report_.was_loaded || was_loaded;
    report_.freed += outcome.freed;
    report_.lost += outcome.lost;
    if (outcome.refused && !refused_ && !may_skip(outcome.refused->why)) {
      refused_ = {model, outcome.refused->why};
    }
    if (--left_ == 0) answer();
  }

 private:
  bool may_skip(const pool::Refusal& why) const {
    return when_in_use_ == WhenInUse::Skip && why.code == ErrorCode::InUse;
  }
  void answer() ROOST_REQUIRES(mutex_) {
    report_.took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - begin_);
    if (refused_) {
      promise_.set_exception(error_of(refused_->first, refused_->second));
    } else {
      promise_.set_value(report_);
    }
  }

  const Clock& clock_;
  const Instant begin_;
  const WhenInUse when_in_use_;
  std::promise<UnloadReport> promise_;

  Mutex mutex_;
  UnloadReport report_ ROOST_GUARDED_BY(mutex_);
  std::optional<std::pair<std::string, pool::Refusal>> refused_ ROOST_GUARDED_BY(mutex_);
  std::size_t left_ ROOST_GUARDED_BY(mutex_);
};

std::exception_ptr error_of(const std::string& model, const pool::Refusal& why) {
  try {
    pool::throw_refusal(model, why);
  } catch (...) {  // made, not caught: whoever waits gets it
    return std::current_exception();
  }
}

// All at once, so that drains run side by side; no thread waits for them. The first error is told
// after all have ended.
std::future<UnloadReport> Engine::Impl::start_unload(const std::vector<pool::Pool::Look>& slots,
                                                     const UnloadOptions& given,
                                                     const std::stop_token& stop,
                                                     WhenInUse when_in_use) {
  check_open();
  given.validate();
  if (given.keep_in_host_memory) {
    for (const pool::Pool::Look& look : slots) pool.image_slots(look.slot.id, {});  // Unsupported
  }
  if (stop.stop_requested()) throw CancelledException("the unload was cancelled before it began");
  pool::UnloadSpec spec;
  spec.force = given.force;
  spec.only_if_unused = given.only_if_unused;
  spec.keep = given.keep_in_host_memory ? Tier::Host : Tier::None;
  if (!given.wait_for_leases) {
    spec.deadline = clock.now();
  } else if (given.timeout.count() > 0) {
    spec.deadline = clock.now() + given.timeout;
  }
  const auto all = std::make_shared<Unloading>(clock, slots.size() + 1, when_in_use);
  std::future<UnloadReport> report = all->future();
  for (const pool::Pool::Look& look : slots) {
    const bool was_loaded = look.slot.state == ModelState::Loaded;
    pool.unload(look.slot.id, spec, stop,
                [all, model = look.slot.model, was_loaded](const pool::Outcome& outcome) {
                  all->add(model, was_loaded, outcome);
                });
  }
  all->add({}, false, {});  // also ends one of no slots
  return report;
}

// Who still waits for its files to load it waits in vain, like those whose load is queued.
std::future<UnloadReport> Engine::Impl::start_unload(const std::string& name,
                                                     const UnloadOptions& given,
                                                     const std::stop_token& stop) {
  check_open();
  const std::string id = id_of(name);
  std::future<UnloadReport> report = start_unload(pool.look_at(id).slots, given, stop);
  fetches.cancel_loads(id);
  return report;
}

UnloadReport Engine::unload(const std::string& name, const UnloadOptions& options,
                            std::stop_token stop) {
  impl_->check_open();
  const auto wait = impl_->may_wait_for_unload(impl_->look_at(name).slots, options);
  return impl_->start_unload(name, options, stop).get();
}

std::future<UnloadReport> Engine::unload_async(const std::string& name,
                                               const UnloadOptions& options,
                                               std::stop_token stop) {
  try {
    return impl_->start_unload(name, options, stop);
  } catch (const RoostError&) {
    return failed_future<UnloadReport>();
  }
}

UnloadReport Engine::unload_all(const UnloadOptions& options,
                                const std::optional<std::string>& device, std::stop_token stop) {
  Impl& self = *impl_;
  self.check_open();
  if (device) self.machine.find(*device);  // throws for an unknown one
  std::vector<pool::Pool::Look> slots = self.pool.look_at_all();
  std::erase_if(slots, [&](const pool::Pool::Look& look) {
    return look.slot.kind != pool::SlotKind::Model || (device && look.device_id != *device);
  });
  const auto wait = self.may_wait_for_unload(slots, options);
  return self.start_unload(slots, options, stop).get();
}

UnloadReport Engine::demote(const std::string& name, std::stop_token stop) {
  UnloadOptions options;
  options.keep_in_host_memory = true;
  return unload(name, options, std::move(stop));
}

// --- the host tier

pool::SlotId Engine::Impl::slot_of(const std::string& name) {
  return slot_for(prepare(name, catalog::Domain::Any, {}));
}

void Engine::cache(const std::string& name, const std::vector<std::string>& components,
                   std::stop_token stop) {
  Impl& self = *impl_;
  if (stop.stop_requested()) {
    throw CancelledException("caching '" + printable(name) + "' was cancelled before it began");
  }
  const pool::SlotId model = self.slot_of(name);
  const std::vector<pool::SlotId> images = self.pool.image_slots(model, components);
  pool::RequestSpec request;
  request.lease = false;
  const auto wait = self.may_wait_for_load(name, model, images, request);
  for (const pool::SlotId image : images) {
    const bool was_kept = self.pool.keep_image(image, true);
    try {
      self.pool.acquire(image, request, stop);
    } catch (...) {  // what could not be cached is not kept either
      self.pool.keep_image(image, was_kept);
      throw;
    }
  }
}

UnloadReport Engine::uncache(const std::string& name, const std::vector<std::string>& components) {
  Impl& self = *impl_;
  const std::vector<pool::SlotId> images = self.pool.image_slots(self.slot_of(name), components);
  for (const pool::SlotId image : images) self.pool.keep_image(image, false);
  std::vector<pool::Pool::Look> looks = self.pool.look_at_all();
  std::erase_if(looks, [&](const pool::Pool::Look& look) {
    return std::find(images.begin(), images.end(), look.slot.id) == images.end();
  });
  return self.start_unload(looks, at_once(), {}, Impl::WhenInUse::Skip).get();
}

UnloadReport Engine::clear_cache() {
  Impl& self = *impl_;
  std::vector<pool::Pool::Look> looks = self.pool.look_at_all();
  std::erase_if(looks, [](const pool::Pool::Look& look) {
    return look.slot.kind != pool::SlotKind::Image || look.slot.state != ModelState::Loaded ||
           look.slot.holds != 0;
  });
  return self.start_unload(looks, at_once(), {}, Impl::WhenInUse::Skip).get();
}

CacheReport Engine::cache_report() const {
  const Impl& self = *impl_;
  CacheReport report;
  for (pool::Pool::Look& look : self.pool.look_at_all()) {
    const pool::SlotView& slot = look.slot;
    if (slot.kind != pool::SlotKind::Image || slot.state != ModelState::Loaded) continue;
    CacheEntry entry;
    entry.model = slot.model;
    entry.component = std::move(look.component);
    entry.bytes = slot.reserved.total();
    entry.held = slot.holds != 0;
    entry.kept = slot.policy.kept;
    report.bytes += entry.bytes;
    report.entries.push_back(std::move(entry));
  }
  const pool::CacheCounters counters = self.pool.cache_counters();
  report.hits = counters.hits;
  report.misses = counters.misses;
  report.evictions = counters.evictions;
  return report;
}

DefragmentReport Engine::defragment() {
  Impl& self = *impl_;
  self.check_open();
  DefragmentReport report;
  report.rss_before = device::HostMemory::rss_bytes().value_or(0);
  for (const auto& device : self.machine.devices) {
    report.before.push_back(device->fragmentation());
    const std::uint64_t free_before = device->sample().available_bytes;
    device->synchronize();
    device->trim();
    report.after.push_back(device->fragmentation());
    const std::uint64_t free_after = device->sample().available_bytes;
    const MemoryId memory = device->info().memory;
    if (memory != MemoryId::Host && free_after > free_before) {
      report.given_back[memory] = free_after - free_before;
    }
  }
  report.rss_after = device::HostMemory::rss_bytes().value_or(0);
  if (report.rss_after < report.rss_before) {
    report.given_back[MemoryId::Host] = report.rss_before - report.rss_after;
  }
  return report;
}

}  // namespace roost

// Calls that would wait for themselves are refused before anything changes.
#include <algorithm>

#include "base/working_for.h"
#include "engine/impl.h"
#include "roost/ids.h"

namespace roost {
namespace {

[[noreturn]] void refuse(const std::string& doing, const std::string& model,
                         const std::string& where, const std::string& way_out) {
  throw RoostError(ErrorCode::InvalidArgument, doing + " '" + printable(model) + "' from within " +
                                                   where + ": it would wait for itself; " +
                                                   way_out +
                                                   " (or the _async twin of what was called) and "
                                                   "wait elsewhere");
}

}  // namespace

// A use is waited for unless the caller will not wait; a load that is to be cancelled always is.
WaitGraph::Wait Engine::Impl::may_wait_for_unload(const std::vector<pool::Pool::Look>& slots,
                                                  const UnloadOptions& unload) {
  const std::string doing = "unloading", way_out = "call unload_async";
  WaitGraph::Slots wanted;
  for (const pool::Pool::Look& look : slots) {
    const bool loaded = look.slot.state == ModelState::Loaded;
    if (loaded && !unload.wait_for_leases) continue;
    if (unload.only_if_unused && (!loaded || look.slot.leases != 0)) continue;  // left alone
    if (look.used_here) {
      refuse(doing, look.slot.model, "a use, a load or an unload of it", way_out);
    }
    wanted.push_back(look.slot.id);
  }
  if (wanted.empty() || unload.timeout.count() > 0) return waits.none();
  return may_wait_for(doing, slots.front().slot.model, wanted, way_out);
}

WaitGraph::Wait Engine::Impl::may_wait_for_load(const std::string& name, catalog::Domain domain,
                                                const LoadOptions& load) {
  if (!WorkingFor::is(&events)) return waits.none();
  const Prepared prepared = prepare(name, domain, load);
  check_may_wait_for_files(prepared.record, prepared.files.get());
  const auto slot = load.isolated ? std::nullopt : pool.find(prepared.spec.key);
  const bool runs = load.warm_up && !(slot && pool.is_warm(*slot));
  if (runs && pool.is_running_here(*prepared.spec.device)) {
    refuse("warming up", prepared.record.id, "a run on the same device",
           "load it without warm_up, or call ready_async");
  }
  if (load.isolated) return waits.none();
  const pool::SlotId model = slot_for(prepared);
  return may_wait_for_load(prepared.record.id, model, {model}, prepared.request);
}

// One that a deadline ends may wait for anything but what runs here.
WaitGraph::Wait Engine::Impl::may_wait_for_load(const std::string& id, pool::SlotId model,
                                                const std::vector<pool::SlotId>& wanted,
                                                const pool::RequestSpec& request) {
  const bool there = std::all_of(wanted.begin(), wanted.end(), [this](pool::SlotId slot) {
    const std::optional<pool::SlotView> view = pool.view(slot);
    return view && view->state == ModelState::Loaded && !view->draining;
  });
  if (there) return waits.none();
  const std::string doing = "loading", way_out = "call ready_async";
  if (pool.is_at_work_here(model)) refuse(doing, id, "a use, a load or an unload of it", way_out);
  if (request.deadline != Instant::max()) return waits.none();
  WaitGraph::Wait wait = may_wait_for(doing, id, wanted, way_out);
  if (wait == nullptr) return wait;
  for (const pool::SlotId slot : wanted) {
    if (!pool.needs_end_of(slot, request, wait->inside, waits.waiting())) continue;
    refuse(doing, id, "code of a model whose place it needs", way_out);
  }
  return wait;
}

WaitGraph::Wait Engine::Impl::may_wait_for(const std::string& doing, const std::string& model,
                                           const WaitGraph::Slots& slots,
                                           const std::string& way_out) {
  const WaitGraph::Slots inside = pool.at_work_here();
  if (inside.empty()) return waits.none();
  WaitGraph::Wait wait = waits.begin(inside, slots);
  if (!wait) refuse(doing, model, "code of a model that it waits for", way_out);
  return wait;
}

void Engine::Impl::check_may_wait_for_files(const catalog::ModelRecord& record,
                                            const ModelSource* files) const {
  if (!fetches.is_working_here(record.id) || has_files(record, files)) return;
  refuse("fetching", record.id, "a fetch of its files", "call fetch_async or ready_async");
}

}  // namespace roost

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
                                                   way_out + " and wait elsewhere");
}

}  // namespace

// A use is waited for unless the caller will not wait; a load that is to be cancelled always is.
void Engine::Impl::check_may_wait_for(const std::vector<pool::Pool::Look>& slots,
                                      const UnloadOptions& unload) {
  for (const pool::Pool::Look& look : slots) {
    const bool loaded = look.slot.state == ModelState::Loaded;
    if (!look.used_here || (loaded && !unload.wait_for_leases)) continue;
    if (unload.only_if_unused && (!loaded || look.slot.leases != 0)) continue;  // left alone
    refuse("unloading", look.slot.model, "a use, a load or an unload of it", "call unload_async");
  }
}

void Engine::Impl::check_may_wait_for_load(const std::string& name, catalog::Domain domain,
                                           const LoadOptions& load) const {
  if (!WorkingFor::is(&events)) return;
  const Prepared prepared = prepare(name, domain, load);
  check_may_wait_for_files(prepared.record, prepared.files.get());
  const auto slot = load.isolated ? std::nullopt : pool.find(prepared.spec.key);
  if (slot) check_may_wait_for_load(prepared.record.id, *slot, {*slot});
  const bool runs = load.warm_up && !(slot && pool.is_warm(*slot));
  if (runs && pool.is_running_here(*prepared.spec.device)) {
    refuse("warming up", prepared.record.id, "a run on the same device",
           "load it without warm_up, or call ready_async");
  }
}

void Engine::Impl::check_may_wait_for_load(const std::string& id, pool::SlotId model,
                                           const std::vector<pool::SlotId>& wanted) const {
  if (!pool.is_loading_here(model)) return;
  const bool there = std::all_of(wanted.begin(), wanted.end(), [this](pool::SlotId slot) {
    const std::optional<pool::SlotView> view = pool.view(slot);
    return view && view->state == ModelState::Loaded;
  });
  if (!there) refuse("loading", id, "a load or an unload of it", "call ready_async");
}

void Engine::Impl::check_may_wait_for_files(const catalog::ModelRecord& record,
                                            const ModelSource* files) const {
  if (!fetches.is_working_here(record.id) || has_files(record, files)) return;
  refuse("fetching", record.id, "a fetch of its files", "call fetch_async or ready_async");
}

}  // namespace roost

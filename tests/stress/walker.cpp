#include "stress/walker.h"

#include <algorithm>

namespace roost::test {
namespace {

constexpr std::size_t kMostLeases = 3;

// What a load may end in: no room while it does not wait, too many before it, an earlier failure,
// this failure, or someone cancelled or unloaded the model meanwhile.
constexpr auto kLoadErrors = {ErrorCode::BudgetExceeded, ErrorCode::QueueFull,
                              ErrorCode::LoadBackoff,    ErrorCode::LoadFailed,
                              ErrorCode::Cancelled,      ErrorCode::LeaseRevoked};
// A model without parts has nothing to keep in host memory.
constexpr auto kCacheErrors = {ErrorCode::BudgetExceeded, ErrorCode::LoadBackoff,
                               ErrorCode::LoadFailed, ErrorCode::Cancelled, ErrorCode::Unsupported};
constexpr auto kUncacheErrors = {ErrorCode::Unsupported};
constexpr auto kDemoteErrors = {ErrorCode::BudgetExceeded, ErrorCode::Unsupported};
constexpr auto kUnloadErrors = {ErrorCode::InUse, ErrorCode::BudgetExceeded,
                                ErrorCode::Unsupported};

}  // namespace

void Walker::begin(const std::string& what) {
  ground_.take_step();
  const MutexLock lock(mutex_);
  last_ = what;
  holding_.clear();
  for (const Lease& lease : leases_) holding_ += " " + ground_.name(lease.model);
}

void Walker::attempt(const std::string& what, Codes allowed, const std::function<void()>& f) {
  begin(what);
  try {
    f();
  } catch (const RoostError& error) {
    if (std::find(allowed.begin(), allowed.end(), error.code()) != allowed.end()) return;
    complaints_.add(what + ": " + std::string(to_string(error.code())) + ": " + error.what());
  }
}

LoadOptions Walker::some_load() {
  LoadOptions options;
  options.priority = static_cast<LoadPriority>(random(4));
  options.fail_fast = ground_.clock() != nullptr || !leases_.empty() || random(4) == 0;
  options.retry_now = random(2) == 0;
  options.warm_up = random(8) == 0;
  return options;
}

void Walker::load() {
  const std::string& name = ground_.name(random(Playground::kModels));
  const LoadOptions options = some_load();
  attempt("load " + name, kLoadErrors, [&] { ground_.engine().ready(name, options); });
}

void Walker::load_on_all_devices() {
  const std::string& name = ground_.name(random(Playground::kModels));
  const LoadOptions options = some_load();
  attempt("load everywhere " + name, kLoadErrors,
          [&] { ground_.engine().ready_on_all_devices(name, options); });
}

void Walker::lease() {
  if (leases_.size() == kMostLeases) return;
  const std::size_t model = random(Playground::kModels);
  LoadOptions options = some_load();
  options.isolated = random(8) == 0;
  const unsigned revoked = ground_.revocations(model).ended;
  attempt("lease " + ground_.name(model), kLoadErrors, [&] {
    leases_.push_back({model, revoked, ground_.engine().embedder(ground_.name(model), options)});
  });
}

// A lease works until someone revokes it, and never longer than that without saying so.
void Walker::use() {
  if (leases_.empty()) return;
  const Lease& mine = leases_[random(leases_.size())];
  const std::string what = "use " + ground_.name(mine.model);
  attempt(what, {ErrorCode::LeaseRevoked}, [&] {
    try {
      mine.embedder.embed("something");
    } catch (const LeaseRevokedException&) {
      const bool disturbed = ground_.revocations(mine.model).begun != mine.revoked;
      if (!disturbed) complaints_.add(what + ": nobody revoked it");
      throw;
    }
  });
}

void Walker::release() {
  if (leases_.empty()) return;
  const auto mine = leases_.begin() + static_cast<std::ptrdiff_t>(random(leases_.size()));
  begin("release " + ground_.name(mine->model));
  leases_.erase(mine);
}

UnloadOptions Walker::some_unload() {
  UnloadOptions options;
  options.force = random(4) == 0;
  options.wait_for_leases = leases_.empty() && ground_.clock() == nullptr;
  options.keep_in_host_memory = !options.force && random(3) == 0;
  return options;
}

void Walker::unload() {
  const std::size_t model = random(Playground::kModels);
  const UnloadOptions options = some_unload();
  if (options.force) ++ground_.revocations(model).begun;
  attempt("unload " + ground_.name(model), kUnloadErrors,
          [&] { ground_.engine().unload(ground_.name(model), options); });
  if (options.force) ++ground_.revocations(model).ended;
}

void Walker::demote() {
  if (!leases_.empty()) return;
  const std::string& name = ground_.name(random(Playground::kModels));
  attempt("demote " + name, kDemoteErrors, [&] { ground_.engine().demote(name); });
}

void Walker::cancel() {
  const std::string& name = ground_.name(random(Playground::kModels));
  attempt("cancel " + name, {}, [&] { ground_.engine().cancel_load(name); });
}

void Walker::fail_next() {
  const std::size_t model = random(Playground::kModels);
  begin("fail " + ground_.name(model));
  ground_.script(model).fail(random(2) == 0 ? FakeStep::Load : FakeStep::Read, 1, [] {
    throw RoostError(ErrorCode::LoadFailed, "the walk asked for a failure");
  });
}

void Walker::options() {
  const std::string& name = ground_.name(random(Playground::kModels));
  Value patch;
  switch (random(4)) {
    case 0:
      patch["priority"] = to_string(static_cast<LoadPriority>(random(4)));
      break;
    case 1:
      patch["ttl_ms"] = static_cast<std::int64_t>(random(20'000));
      break;
    case 2:
      patch["group"] = random(2) == 0 ? Value("one") : Value();
      break;
    default:
      patch["ttl_ms"] = nullptr;
  }
  attempt("options of " + name + " " + patch.to_json(), {},
          [&] { ground_.engine().patch_options(name, patch); });
}

void Walker::cache() {
  if (ground_.clock() != nullptr || !leases_.empty()) return;  // it waits for memory
  const std::string& name = ground_.name(random(Playground::kModels));
  attempt("cache " + name, kCacheErrors, [&] { ground_.engine().cache(name); });
}

void Walker::uncache() {
  const std::string& name = ground_.name(random(Playground::kModels));
  if (random(2) == 0) {
    attempt("uncache " + name, kUncacheErrors, [&] { ground_.engine().uncache(name); });
  } else {
    attempt("clear the cache", {}, [&] { ground_.engine().clear_cache(); });
  }
}

void Walker::look() {
  const std::string& name = ground_.name(random(Playground::kModels));
  attempt("look at " + name, {}, [&] {
    ground_.engine().status(name);
    ground_.engine().plan(name);
    ground_.engine().check_health(name);
    ground_.engine().cache_report();
  });
}

void Walker::advance() {
  if (ground_.clock() == nullptr) return;
  begin("advance");
  ground_.clock()->advance(std::chrono::milliseconds(random(10'000)));
}

void Walker::step() {
  using Act = void (Walker::*)();
  static constexpr Act kActs[] = {
      &Walker::load,      &Walker::load,    &Walker::load_on_all_devices,
      &Walker::lease,     &Walker::lease,   &Walker::lease,
      &Walker::use,       &Walker::use,     &Walker::use,
      &Walker::release,   &Walker::release, &Walker::unload,
      &Walker::unload,    &Walker::demote,  &Walker::cancel,
      &Walker::fail_next, &Walker::options, &Walker::cache,
      &Walker::uncache,   &Walker::look,    &Walker::advance};
  (this->*kActs[random(std::size(kActs))])();
}

}  // namespace roost::test

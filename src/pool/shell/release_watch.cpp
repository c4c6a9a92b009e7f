#include "pool/shell/release_watch.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace roost::pool {
namespace {

constexpr double kTolerated = 0.1;  // of the footprint, by the driver's figure

std::uint64_t fallen(std::uint64_t from, std::uint64_t to) { return from - std::min(from, to); }

}  // namespace

ReleaseWatch::ReleaseWatch(std::shared_ptr<MemoryAccount> account, std::shared_ptr<Device> device,
                           const MemoryVector& held)
    : account_(std::move(account)),
      device_(std::move(device)),
      held_(held),
      live_before_(account_->live()) {
  if (on_host()) {
    heap_before_ = device_->heap_bytes();
    return;
  }
  try {
    before_ = device_->balance();
  } catch (const std::exception&) {  // a driver's: then only the account can tell
  }
}

void ReleaseWatch::settle() const {
  device_->synchronize();
  if (on_host()) device_->trim_after(fallen(heap_before_, device_->heap_bytes()));
}

ReleaseWatch::Seen ReleaseWatch::counted() const {
  const MemoryVector freed = min(live_before_ - account_->live(), held_);
  return {freed, held_ - freed};
}

ReleaseWatch::Seen ReleaseWatch::look() const {
  Seen seen = counted();
  if (on_host()) return seen;
  const MemoryId memory = device_->info().memory;
  const DeviceBalance now = device_->trim_and_balance();
  const std::uint64_t missing = fallen(before_.sum(), now.sum());
  const std::uint64_t cached = fallen(now.cached_bytes, before_.cached_bytes);
  const double tolerated = kTolerated * static_cast<double>(held_[memory]);
  if (static_cast<double>(missing + cached) <= tolerated) return seen;
  seen.freed[memory] = std::min(seen.freed[memory], fallen(held_[memory], missing + cached));
  seen.lost[memory] = std::max(seen.lost[memory], std::min(held_[memory], missing));
  return seen;
}

}  // namespace roost::pool

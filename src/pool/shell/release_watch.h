#pragma once

#include <memory>

#include "roost/device.h"
#include "roost/memory.h"

namespace roost::pool {

// Tells what of some bytes of an account has come back since the watch began: on the host what the
// account no longer counts, on a device what the driver no longer misses either. What stays in a
// device's cache, because a piece of it is in use, is neither freed nor lost. Device errors pass.
class ReleaseWatch {
 public:
  struct Seen {
    MemoryVector freed, lost;
  };

  // Begins before `held` is given up.
  ReleaseWatch(std::shared_ptr<MemoryAccount> account, std::shared_ptr<Device> device,
               const MemoryVector& held);

  const MemoryVector& held() const { return held_; }
  bool on_host() const { return device_->info().memory == MemoryId::Host; }
  void settle() const;  // waits for the device's work, and gives the heap's free pages back
  Seen look() const;    // gives back what the device has cached first

 private:
  Seen counted() const;

  std::shared_ptr<MemoryAccount> account_;
  std::shared_ptr<Device> device_;
  MemoryVector held_, live_before_;
  std::uint64_t heap_before_ = 0;
  DeviceBalance before_;
};

}  // namespace roost::pool

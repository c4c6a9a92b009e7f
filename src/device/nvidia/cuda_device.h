#pragma once

#include <memory>
#include <string>

#include "base/mutex.h"
#include "device/nvidia/driver.h"
#include "roost/device.h"

namespace roost::device::nvidia {

// Memory on one GPU, through the driver's primary context, which is shared with every other
// library in the process. The context, some hundred MiB on the GPU, is retained when memory is
// first asked for and released by trim() once nothing is allocated, or by the destructor.
class CudaDevice final : public Device {
 public:
  CudaDevice(std::shared_ptr<const Driver> driver, CudaOrdinal ordinal, NvmlDevice monitor,
             DeviceInfo info);
  ~CudaDevice() override;

  const DeviceInfo& info() const override { return info_; }
  MemorySample sample() const override;  // NVML's; a GPU that no longer answers has 0 available

  std::byte* allocate(std::uint64_t bytes) override;  // nullptr for 0 bytes
  void release(std::byte* data, std::uint64_t bytes) noexcept override;
  void write(std::byte* to, const std::byte* from_host, std::uint64_t bytes) override;
  void read(std::byte* to_host, const std::byte* from, std::uint64_t bytes) const override;

  void synchronize() override;
  void trim() override;
  Fragmentation fragmentation() const override;

 private:
  class Current;

  CudaContext hold_context() const;
  void let_go_context() const noexcept;
  void check(CudaResult result, const std::string& doing) const;

  const std::shared_ptr<const Driver> driver_;
  const CudaOrdinal ordinal_;
  const NvmlDevice monitor_;
  const DeviceInfo info_;

  mutable Mutex mutex_;
  mutable CudaContext context_ ROOST_GUARDED_BY(mutex_) = nullptr;
  mutable std::size_t holds_ ROOST_GUARDED_BY(mutex_) = 0;  // calls at work and live allocations
};

}  // namespace roost::device::nvidia

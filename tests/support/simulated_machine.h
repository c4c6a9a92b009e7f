#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "device/host_device.h"
#include "support/simulated_device.h"

namespace roost::test {

// A host of any size: its allocations are real mappings, what it says of itself is made up.
// Thread-safe.
class SimulatedHost final : public Device {
 public:
  explicit SimulatedHost(std::uint64_t total_bytes);

  const DeviceInfo& info() const override { return info_; }
  MemorySample sample() const override;  // available = total - live - use by others, unless set
  std::byte* allocate(std::uint64_t bytes) override;  // OutOfMemory beyond what is available
  void release(std::byte* data, std::uint64_t bytes) noexcept override;
  void write(std::byte* to, const std::byte* from_host, std::uint64_t bytes) override;
  void read(std::byte* to_host, const std::byte* from, std::uint64_t bytes) const override;
  void synchronize() override;
  void trim() override;

  // For tests.
  void set_sample(std::optional<MemorySample> sample);  // nullopt: count again
  void set_use_by_others(std::uint64_t bytes);
  void fail_allocation(std::uint64_t nth = 1);  // the nth from now throws OutOfMemory
  std::uint64_t live_bytes() const;
  std::vector<std::string> calls() const;  // as SimulatedDevice's
  void clear_calls();

 private:
  MemorySample now() const ROOST_REQUIRES(mutex_);

  device::HostDevice real_;
  const DeviceInfo info_;

  mutable Mutex mutex_;
  std::optional<MemorySample> set_ ROOST_GUARDED_BY(mutex_);
  std::uint64_t live_ ROOST_GUARDED_BY(mutex_) = 0;
  std::uint64_t others_ ROOST_GUARDED_BY(mutex_) = 0;
  std::uint64_t until_failure_ ROOST_GUARDED_BY(mutex_) = 0;  // 0: none is to fail
  std::vector<std::string> calls_ ROOST_GUARDED_BY(mutex_);
};

struct SimulatedMachineOptions {
  std::uint64_t host_bytes = 8ull << 30;
  std::vector<std::uint64_t> gpu_bytes = {};                 // one GPU each
  ExecutionProvider gpu_provider = ExecutionProvider::Cuda;  // CoreML: ids "mps:0", "mps:1", ...
  std::uint64_t segment_bytes = 1;
  bool async_writes = false;
};

Machine simulated_machine(const SimulatedMachineOptions& options = {});

// The simulated parts of such a machine.
SimulatedHost& simulated_host(const Machine& machine);
SimulatedDevice& simulated_gpu(const Machine& machine, std::size_t index = 0);

}  // namespace roost::test

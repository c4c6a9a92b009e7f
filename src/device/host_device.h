#pragma once

#include <atomic>
#include <string>

#include "device/host_memory.h"
#include "roost/device.h"

namespace roost::device {

// Host memory. Every allocation is its own anonymous mapping, so releasing it gives the pages
// back at once and nothing of it stays in the heap.
class HostDevice final : public Device {
 public:
  HostDevice(HostMemory memory, std::string processor_name);

  const DeviceInfo& info() const override { return info_; }
  MemorySample sample() const override { return memory_.sample(); }

  std::byte* allocate(std::uint64_t bytes) override;  // nullptr for 0 bytes
  void release(std::byte* data, std::uint64_t bytes) noexcept override;
  void write(std::byte* to, const std::byte* from_host, std::uint64_t bytes) override;
  void read(std::byte* to_host, const std::byte* from, std::uint64_t bytes) const override;

  void trim() override;                          // the heap's free pages
  std::uint64_t heap_bytes() const override;
  void trim_after(std::uint64_t freed_bytes) override;
  Fragmentation fragmentation() const override;  // of the heap; its free bytes are its cache

 private:
  const HostMemory memory_;
  const DeviceInfo info_;
  std::atomic<std::uint64_t> untrimmed_{0};  // freed since the last trim
};

}  // namespace roost::device

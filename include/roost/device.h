#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "roost/memory.h"

namespace roost {

enum class ExecutionProvider : std::uint8_t { Auto, Cuda, DirectML, CoreML, Cpu };
std::string_view to_string(ExecutionProvider provider);  // "auto", "cuda", "directml", ...
std::optional<ExecutionProvider> parse_execution_provider(std::string_view name);  // any case

struct DeviceInfo {
  std::string id;    // "cpu", "cuda:0", ...
  std::string name;  // what the maker calls it
  ExecutionProvider provider = ExecutionProvider::Cpu;
  MemoryId memory = MemoryId::Host;
  std::uint64_t total_bytes = 0;
  std::string driver;  // its version; empty for the host
};

// What a device says of its memory at this moment, other processes' use included.
struct MemorySample {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;
};

// How torn the free memory is. `cached_bytes` are free but not given back to the system.
struct Fragmentation {
  std::uint64_t free_bytes = 0;
  std::uint64_t largest_free_bytes = 0;
  std::uint64_t cached_bytes = 0;
  double ratio() const {  // 0: all free memory is one piece
    if (free_bytes == 0) return 0;
    return 1.0 - static_cast<double>(largest_free_bytes) / static_cast<double>(free_bytes);
  }
};

// Where the bytes of a device are, at a moment when no region comes or goes.
struct DeviceBalance {
  std::uint64_t available_bytes = 0;  // as sample() says
  std::uint64_t region_bytes = 0;     // of all regions on it
  std::uint64_t cached_bytes = 0;     // as fragmentation() says
  // Falls only when others take memory, or when a release gives back less than was taken.
  std::uint64_t sum() const { return available_bytes + region_bytes + cached_bytes; }
};

// One place a model can live: the host, or an accelerator. Thread-safe.
class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;
  virtual MemorySample sample() const = 0;

  // Bytes of this memory, zeroed. Throws RoostError OutOfMemory. On the host the pointer can be
  // dereferenced; on another device only write() and read() may touch it.
  virtual std::byte* allocate(std::uint64_t bytes) = 0;
  virtual void release(std::byte* data, std::uint64_t bytes) noexcept = 0;
  virtual void write(std::byte* to, const std::byte* from_host, std::uint64_t bytes) = 0;
  virtual void read(std::byte* to_host, const std::byte* from, std::uint64_t bytes) const = 0;

  virtual void synchronize() {}  // returns when all work given to the device is done
  virtual void trim() {}         // gives memory that is cached but unused back to the system
  // Bytes in use that are no regions, where the device knows of such: the host's heap.
  virtual std::uint64_t heap_bytes() const { return 0; }
  // After that many of them were freed. As trim(), but only once enough has gathered to be worth
  // a pause of those who allocate.
  virtual void trim_after(std::uint64_t freed_bytes);
  virtual Fragmentation fragmentation() const { return {}; }

  DeviceBalance balance() const;
  DeviceBalance trim_and_balance();

 private:
  friend class MemoryAccount;
  friend class Region;
  DeviceBalance balance_alone() const;
  mutable std::shared_mutex balance_mutex_;  // shared: a region comes or goes; alone: a balance is drawn
  std::atomic<std::uint64_t> region_bytes_{0};
};

class MemoryAccount;

// Bytes on a device, owned; given back when destroyed and counted in an account meanwhile.
class Region {
 public:
  Region() = default;
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  ~Region();

  std::byte* data() const { return data_; }
  std::uint64_t size() const { return bytes_; }
  explicit operator bool() const { return data_ != nullptr; }
  Device& device() const { return *device_; }
  void reset() noexcept;

 private:
  friend class MemoryAccount;
  std::shared_ptr<Device> device_;
  std::shared_ptr<MemoryAccount> account_;
  std::byte* data_ = nullptr;
  std::uint64_t bytes_ = 0;
};

// What one owner holds on every memory: the footprint of a model, counted, never estimated.
// Thread-safe. A region keeps its account alive.
class MemoryAccount : public std::enable_shared_from_this<MemoryAccount> {
 public:
  static std::shared_ptr<MemoryAccount> create();
  // One with a reservation: what goes past it is asked of `grow` first, without a lock held, and
  // refused OutOfMemory when it says no.
  using Grow = std::function<bool(const MemoryVector& extra)>;
  static std::shared_ptr<MemoryAccount> create(const MemoryVector& reserved, Grow grow);
  ~MemoryAccount();
  void set_reserved(const MemoryVector& reserved);
  void seal();  // nothing more may be taken; grow is not called again

  Region allocate(const std::shared_ptr<Device>& device, std::uint64_t bytes);

  // Host bytes held outside regions: small objects, or what a user's model says it took. More
  // bytes may be refused like an allocation.
  void add_host_bytes(std::int64_t bytes);

  MemoryVector live() const;

 private:
  friend class Region;
  MemoryAccount();
  void admit(const MemoryVector& bytes);
  void put_back(const MemoryVector& bytes) noexcept;
  struct Counters;
  std::unique_ptr<Counters> counters_;
};

struct ProcessorInfo {
  std::string name;
  unsigned cores = 1;                 // what this process may use
  std::vector<std::string> features;  // "avx2", "avx512f", "amx_bf16", ...
};

enum class HardwareTier : std::uint8_t { Low, Medium, High, Ultra };
std::string_view to_string(HardwareTier tier);

// What `auto` looks at when it chooses a model. Read now, not at start-up.
struct HardwareProfile {
  std::uint64_t gpu_total_bytes = 0;  // of the largest CUDA device; 0 without one
  std::uint64_t gpu_free_bytes = 0;
  std::uint64_t system_total_bytes = 0;
  std::uint64_t system_available_bytes = 0;

  // Low < 4 GiB VRAM <= Medium < 8 <= High < 16 <= Ultra; CPU-only, by RAM: Low < 16 GiB <= Medium
  // < 32 <= High.
  HardwareTier tier() const;
  ExecutionProvider recommended_provider() const;  // cuda from 4 GiB of VRAM on, else cpu
};

// The devices of this machine, the host first. A value: the devices themselves are shared.
struct Machine {
  ProcessorInfo processor;
  std::vector<std::shared_ptr<Device>> devices;
  std::vector<std::string> notes;  // what was looked for and not found: "cuda: <why>"

  Device& host() const { return *devices.front(); }
  std::shared_ptr<Device> find(std::string_view id) const;  // throws DeviceNotFound, naming all
  HardwareProfile profile() const;
};

// Looks at the machine. With `provider` Cpu no GPU library is opened.
Machine detect_machine(ExecutionProvider provider = ExecutionProvider::Auto);

// Which device a load goes to, and why.
struct Placement {
  std::shared_ptr<Device> device;
  ExecutionProvider provider = ExecutionProvider::Cpu;
  std::string fell_back;  // why a better provider was passed over; empty if none was
};

// Auto tries CUDA, DirectML, CoreML, CPU in that order among `supported`, and says in `fell_back`
// what it passed over although the machine has it, or looked for it and noted why it is missing.
// Of several devices the one with most memory available is taken. An explicit provider that is
// missing throws ProviderUnavailable. `device_id`, if given, must be there (DeviceNotFound) and
// belong to the provider (InvalidArgument).
Placement choose_placement(const Machine& machine, ExecutionProvider wanted,
                           const std::vector<ExecutionProvider>& supported,
                           std::optional<std::string_view> device_id = std::nullopt);

}  // namespace roost

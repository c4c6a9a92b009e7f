#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "roost/device.h"

namespace roost::test {

struct SimulatedDeviceOptions {
  std::string id = "cuda:0";
  ExecutionProvider provider = ExecutionProvider::Cuda;
  MemoryId memory = device_memory(0);
  std::uint64_t capacity_bytes = 1ull << 30;
  // What is taken from the device at least, and a multiple of: 2 MiB on a real GPU.
  std::uint64_t segment_bytes = 1;
  bool async_writes = false;  // every write() leaves work behind until synchronize()
};

// A GPU that counts every byte, with a caching allocator as frameworks have them: memory is taken
// from the device in segments, cut first-fit into pieces; a piece that is released stays cached
// until trim() gives whole free segments back. A piece that work in flight uses is neither given
// out again nor given back before synchronize(), even once it was released. Its pointers fault
// when dereferenced; write() and read() assert their bounds. Thread-safe.
class SimulatedDevice final : public Device {
 public:
  explicit SimulatedDevice(SimulatedDeviceOptions options);
  ~SimulatedDevice() override;

  const DeviceInfo& info() const override { return info_; }
  MemorySample sample() const override;  // cached bytes count as used
  std::byte* allocate(std::uint64_t bytes) override;
  void release(std::byte* data, std::uint64_t bytes) noexcept override;
  void write(std::byte* to, const std::byte* from_host, std::uint64_t bytes) override;
  void read(std::byte* to_host, const std::byte* from, std::uint64_t bytes) const override;
  void synchronize() override;
  void trim() override;
  Fragmentation fragmentation() const override;

  // For tests.
  void start_work(const std::byte* data);       // work that uses this allocation, in flight
  void fail_allocation(std::uint64_t nth = 1);  // the nth from now throws OutOfMemory
  void set_use_by_others(std::uint64_t bytes);
  std::uint64_t live_bytes() const;        // allocated and not released
  std::uint64_t reserved_bytes() const;    // taken from the device: live, in flight and cached
  std::vector<std::string> calls() const;  // "allocate 8", "release 8", "synchronize", "trim"
  void clear_calls();

 private:
  enum class Use { Free, Live, Released };  // Released: waits for work in flight
  struct Piece {
    std::uint64_t bytes = 0;
    Use use = Use::Free;
    bool in_flight = false;
    bool dirty = false;  // was given out before, so must be cleared
  };
  using Pieces = std::map<std::uint64_t, Piece>;  // by offset in the segment, without gaps
  struct Segment {
    std::uint64_t bytes = 0;
    std::byte* shadow = nullptr;   // what the pointers handed out point into: no access
    std::byte* storage = nullptr;  // what write() and read() reach
    Pieces pieces;
    bool is_free() const { return pieces.size() == 1 && pieces.begin()->second.use == Use::Free; }
  };
  struct Place {
    Segment* segment = nullptr;
    std::uint64_t offset = 0;  // of the pointer
    Pieces::iterator piece;
  };

  std::byte* take(Segment& segment, Pieces::iterator piece, std::uint64_t bytes)
      ROOST_REQUIRES(mutex_);
  std::byte* find_cached(std::uint64_t bytes) ROOST_REQUIRES(mutex_);
  Segment& add_segment(std::uint64_t bytes) ROOST_REQUIRES(mutex_);
  Place place_of(const std::byte* data) const ROOST_REQUIRES(mutex_);
  std::uint64_t left() const ROOST_REQUIRES(mutex_);
  [[noreturn]] void refuse(std::uint64_t bytes, const char* why) const ROOST_REQUIRES(mutex_);
  static void merge_free(Pieces& pieces);
  static void unmap(Segment& segment);

  const SimulatedDeviceOptions options_;
  const DeviceInfo info_;

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Segment>> segments_ ROOST_GUARDED_BY(mutex_);
  std::uint64_t reserved_ ROOST_GUARDED_BY(mutex_) = 0;
  std::uint64_t live_ ROOST_GUARDED_BY(mutex_) = 0;
  std::uint64_t others_ ROOST_GUARDED_BY(mutex_) = 0;
  std::uint64_t until_failure_ ROOST_GUARDED_BY(mutex_) = 0;  // 0: none is to fail
  std::vector<std::string> calls_ ROOST_GUARDED_BY(mutex_);
};

}  // namespace roost::test

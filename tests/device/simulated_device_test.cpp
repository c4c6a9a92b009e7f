#include "support/simulated_device.h"

#include <gmock/gmock.h>

#include <array>

#include "roost/error.h"
#include "support/simulated_machine.h"

namespace roost::test {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr std::uint64_t kKiB = 1024;

SimulatedDeviceOptions small(std::uint64_t capacity, std::uint64_t segment = 1) {
  SimulatedDeviceOptions options;
  options.capacity_bytes = capacity;
  options.segment_bytes = segment;
  return options;
}

TEST(SimulatedDevice, CachedBytesCountAsUsedUntilTrimmed) {
  SimulatedDevice gpu(small(100));
  std::byte* a = gpu.allocate(60);
  EXPECT_EQ(gpu.sample().available_bytes, 40u);
  gpu.release(a, 60);
  EXPECT_EQ(gpu.live_bytes(), 0u);
  EXPECT_EQ(gpu.sample().available_bytes, 40u);
  EXPECT_EQ(gpu.fragmentation().cached_bytes, 60u);
  gpu.trim();
  EXPECT_EQ(gpu.sample().available_bytes, 100u);
  EXPECT_THAT(gpu.calls(), ElementsAre("allocate 60", "release 60", "trim"));
}

TEST(SimulatedDevice, ReusesCachedPiecesFirstFitAndZeroed) {
  SimulatedDevice gpu(small(100));
  std::byte* a = gpu.allocate(50);
  const std::array<std::byte, 4> ones = {std::byte{1}, std::byte{1}, std::byte{1}, std::byte{1}};
  gpu.write(a, ones.data(), ones.size());
  gpu.release(a, 50);
  std::byte* b = gpu.allocate(30);
  EXPECT_EQ(a, b);
  EXPECT_EQ(gpu.allocate(20), a + 30);
  EXPECT_EQ(gpu.reserved_bytes(), 50u);
  std::array<std::byte, 4> read = ones;
  gpu.read(read.data(), b, read.size());
  EXPECT_THAT(read, Each(std::byte{0}));
}

TEST(SimulatedDevice, CachedButTornMemoryCannotServeALargeRequest) {
  SimulatedDevice gpu(small(90));
  std::byte* a = gpu.allocate(30);
  std::byte* b = gpu.allocate(30);
  std::byte* c = gpu.allocate(30);
  gpu.release(a, 30);
  gpu.release(c, 30);
  EXPECT_EQ(gpu.fragmentation().free_bytes, 60u);
  EXPECT_EQ(gpu.fragmentation().largest_free_bytes, 30u);
  EXPECT_DOUBLE_EQ(gpu.fragmentation().ratio(), 0.5);
  EXPECT_THROW(gpu.allocate(60), RoostError);
  gpu.trim();
  EXPECT_EQ(gpu.fragmentation().ratio(), 0);
  EXPECT_NO_THROW(gpu.allocate(60));
  gpu.release(b, 30);
}

TEST(SimulatedDevice, ASegmentWithOneLivePieceCannotBeTrimmed) {
  SimulatedDevice gpu(small(8 * kKiB, 4 * kKiB));
  std::byte* a = gpu.allocate(kKiB);
  std::byte* b = gpu.allocate(kKiB);
  EXPECT_EQ(gpu.reserved_bytes(), 4 * kKiB);
  gpu.release(a, kKiB);
  gpu.trim();
  EXPECT_EQ(gpu.reserved_bytes(), 4 * kKiB);
  EXPECT_EQ(gpu.fragmentation().cached_bytes, 3 * kKiB);
  gpu.release(b, kKiB);
  EXPECT_EQ(gpu.fragmentation().largest_free_bytes, 4 * kKiB);
  gpu.trim();
  EXPECT_EQ(gpu.reserved_bytes(), 0u);
}

TEST(SimulatedDevice, WorkInFlightHoldsMemoryUntilSynchronized) {
  SimulatedDevice gpu(small(100));
  std::byte* a = gpu.allocate(60);
  gpu.start_work(a);
  gpu.release(a, 60);
  gpu.trim();
  EXPECT_EQ(gpu.sample().available_bytes, 40u);
  EXPECT_THROW(gpu.allocate(60), RoostError) << "given out while work still uses it";
  gpu.synchronize();
  gpu.trim();
  EXPECT_EQ(gpu.sample().available_bytes, 100u);
}

TEST(SimulatedDevice, AsyncWritesLeaveWorkBehind) {
  SimulatedDeviceOptions options = small(100);
  options.async_writes = true;
  SimulatedDevice gpu(options);
  std::byte* a = gpu.allocate(60);
  const std::byte one{1};
  gpu.write(a, &one, 1);
  gpu.release(a, 60);
  gpu.trim();
  EXPECT_EQ(gpu.reserved_bytes(), 60u);
  gpu.synchronize();
  gpu.trim();
  EXPECT_EQ(gpu.reserved_bytes(), 0u);
}

TEST(SimulatedDevice, FailsTheNthAllocationOnly) {
  SimulatedDevice gpu(small(100));
  gpu.fail_allocation(2);
  EXPECT_NO_THROW(gpu.allocate(1));
  try {
    gpu.allocate(1);
    FAIL() << "gave it";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
  }
  EXPECT_NO_THROW(gpu.allocate(1));
  EXPECT_EQ(gpu.live_bytes(), 2u);
}

TEST(SimulatedDevice, OtherProcessesTakeRoom) {
  SimulatedDevice gpu(small(100));
  gpu.set_use_by_others(80);
  EXPECT_EQ(gpu.sample().available_bytes, 20u);
  EXPECT_THROW(gpu.allocate(21), RoostError);
  gpu.set_use_by_others(UINT64_MAX);
  EXPECT_EQ(gpu.sample().available_bytes, 0u);
  EXPECT_THROW(gpu.allocate(UINT64_MAX), RoostError);
}

TEST(SimulatedDevice, GuardsItsMemory) {
  SimulatedDevice gpu(small(100));
  std::byte* a = gpu.allocate(10);
  std::array<std::byte, 11> data{};
  EXPECT_DEATH(gpu.write(a, data.data(), 11), "piece");
  EXPECT_DEATH(gpu.read(data.data(), a + 5, 6), "piece");
  EXPECT_DEATH(*const_cast<volatile std::byte*>(a) = std::byte{1}, "");
  gpu.release(a, 10);
  EXPECT_DEATH(gpu.release(a, 10), "Live");
}

TEST(SimulatedHost, CountsFailsAndCanBeTold) {
  const Machine machine = simulated_machine({.host_bytes = 4096});
  SimulatedHost& host = simulated_host(machine);
  std::byte* data = host.allocate(4096);
  data[4095] = std::byte{1};
  EXPECT_EQ(host.sample().available_bytes, 0u);
  EXPECT_THROW(host.allocate(1), RoostError);
  host.release(data, 4096);
  host.set_use_by_others(4000);
  EXPECT_EQ(host.sample().available_bytes, 96u);
  host.set_sample(MemorySample{10, 5});
  EXPECT_EQ(host.sample().total_bytes, 10u);
  EXPECT_THROW(host.allocate(6), RoostError);
  host.set_sample(std::nullopt);
  host.fail_allocation();
  EXPECT_THROW(host.allocate(1), RoostError);
  EXPECT_EQ(host.live_bytes(), 0u);
}

TEST(SimulatedMachine, NamesAndNumbersItsGpus) {
  const Machine cuda = simulated_machine({.gpu_bytes = {1, 2}});
  EXPECT_EQ(cuda.devices[2]->info().id, "cuda:1");
  EXPECT_EQ(cuda.devices[2]->info().memory, device_memory(1));
  EXPECT_EQ(cuda.devices[2]->info().total_bytes, 2u);
  const Machine mac =
      simulated_machine({.gpu_bytes = {1}, .gpu_provider = ExecutionProvider::CoreML});
  EXPECT_EQ(mac.devices[1]->info().id, "mps:0");
  EXPECT_EQ(mac.devices[1]->info().provider, ExecutionProvider::CoreML);
}

}  // namespace
}  // namespace roost::test

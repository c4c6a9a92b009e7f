#include "device/host_device.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "roost/error.h"

namespace roost::device {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

// Resident bytes of this process, from the kernel.
std::uint64_t rss() {
  return HostMemory::rss_bytes().value_or(0);
}

TEST(HostDevice, SaysWhatItIs) {
  HostDevice host(HostMemory(), "Some processor");
  EXPECT_EQ(host.info().id, "cpu");
  EXPECT_EQ(host.info().name, "Some processor");
  EXPECT_EQ(host.info().provider, ExecutionProvider::Cpu);
  EXPECT_EQ(host.info().memory, MemoryId::Host);
  EXPECT_EQ(host.info().total_bytes, host.sample().total_bytes);
}

TEST(HostDevice, GivesZeroedMemory) {
  HostDevice host(HostMemory(), "");
  std::byte* data = host.allocate(3 * kMiB);
  EXPECT_TRUE(std::all_of(data, data + 3 * kMiB, [](std::byte b) { return b == std::byte{0}; }));
  std::array<std::byte, 4> in = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  std::array<std::byte, 4> out{};
  host.write(data + 5, in.data(), in.size());
  host.read(out.data(), data + 5, out.size());
  EXPECT_EQ(in, out);
  host.release(data, 3 * kMiB);
}

TEST(HostDevice, ReleaseGivesThePagesBackAtOnce) {
  HostDevice host(HostMemory(), "");
  const std::uint64_t before = rss();
  std::byte* data = host.allocate(64 * kMiB);
  std::memset(data, 1, 64 * kMiB);
  EXPECT_GE(rss(), before + 60 * kMiB);
  host.release(data, 64 * kMiB);
  EXPECT_LT(rss(), before + 16 * kMiB);
}

TEST(HostDevice, RefusesWhatCannotBe) {
  HostDevice host(HostMemory(), "");
  for (const std::uint64_t bytes : {UINT64_MAX, UINT64_MAX - 4095, UINT64_MAX / 2}) {
    try {
      host.allocate(bytes);
      FAIL() << "gave " << bytes;
    } catch (const RoostError& error) {
      EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
      EXPECT_NE(std::string(error.what()).find(format_bytes(bytes)), std::string::npos);
    }
  }
}

TEST(HostDevice, ZeroBytesAreNothing) {
  HostDevice host(HostMemory(), "");
  EXPECT_EQ(host.allocate(0), nullptr);
  host.release(nullptr, 0);
  host.write(nullptr, nullptr, 0);
}

// Again and again: what was given back once and is used anew is given back anew.
TEST(HostDevice, TrimsWhenEnoughHasGathered) {
  constexpr std::size_t kBlock = 4'000;  // of the heap, not a mapping of its own
  constexpr std::size_t kBlocks = 24 * kMiB / kBlock;
  HostDevice host(HostMemory(), "");
  host.trim();
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<char[]>> blocks(kBlocks);
    for (auto& block : blocks) {
      block = std::make_unique_for_overwrite<char[]>(kBlock);
      std::memset(block.get(), 1, kBlock);
    }
    const std::uint64_t full = host.heap_bytes();
    if (full < 24 * kMiB) GTEST_SKIP() << "the heap is not the system's";
    const auto last = std::move(blocks.back());  // keeps the heap from shrinking by itself
    blocks.clear();
    const std::uint64_t before = rss();
    host.trim_after(full - host.heap_bytes());
    EXPECT_LT(rss(), before - 16 * kMiB);
  }
}

TEST(HostDevice, TrimAndFragmentationSpeakOfTheHeap) {
  HostDevice host(HostMemory(), "");
  host.trim();
  const Fragmentation heap = host.fragmentation();
  EXPECT_EQ(heap.free_bytes, heap.cached_bytes);
  EXPECT_LE(heap.largest_free_bytes, heap.free_bytes);
  EXPECT_GE(heap.ratio(), 0);
  EXPECT_LE(heap.ratio(), 1);
}

}  // namespace
}  // namespace roost::device

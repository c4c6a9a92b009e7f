#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "roost/error.h"
#include "support/simulated_machine.h"

namespace roost {
namespace {

using test::simulated_gpu;
using test::simulated_machine;

constexpr std::uint64_t kMiB = 1 << 20;

TEST(MemoryAccount, CountsPerMemoryAndUncountsOnRelease) {
  const Machine machine = simulated_machine({.gpu_bytes = {kMiB, kMiB}});
  const auto account = MemoryAccount::create();
  {
    const Region host = account->allocate(machine.find("cpu"), 100);
    const Region gpu = account->allocate(machine.find("cuda:1"), 30);
    const Region more = account->allocate(machine.find("cuda:1"), 4);
    EXPECT_EQ(account->live(), MemoryVector::host(100) + MemoryVector::on(device_memory(1), 34));
    EXPECT_EQ(simulated_gpu(machine, 1).live_bytes(), 34u);
    EXPECT_EQ(&gpu.device(), machine.find("cuda:1").get());
    EXPECT_EQ(gpu.size(), 30u);
  }
  EXPECT_TRUE(account->live().empty());
  EXPECT_EQ(simulated_gpu(machine, 1).live_bytes(), 0u);
}

TEST(MemoryAccount, ZeroBytesAreAnEmptyRegionWithoutACall) {
  const Machine machine = simulated_machine({.gpu_bytes = {kMiB}});
  const Region region = MemoryAccount::create()->allocate(machine.find("cuda:0"), 0);
  EXPECT_FALSE(region);
  EXPECT_EQ(region.size(), 0u);
  EXPECT_TRUE(simulated_gpu(machine).calls().empty());
}

TEST(MemoryAccount, AFailedAllocationCountsNothing) {
  const Machine machine = simulated_machine({.gpu_bytes = {100}});
  const auto account = MemoryAccount::create();
  EXPECT_THROW(account->allocate(machine.find("cuda:0"), 101), RoostError);
  EXPECT_THROW(account->allocate(machine.find("cuda:0"), UINT64_MAX), RoostError);
  EXPECT_TRUE(account->live().empty());
}

TEST(MemoryAccount, HostBytesOutsideRegionsNeverGoBelowZero) {
  const auto account = MemoryAccount::create();
  account->add_host_bytes(50);
  EXPECT_EQ(account->live(), MemoryVector::host(50));
  account->add_host_bytes(-70);
  EXPECT_TRUE(account->live().empty());
  account->add_host_bytes(30);
  EXPECT_EQ(account->live(), MemoryVector::host(30));
}

TEST(MemoryAccount, PastTheReservationAsksAndIsRefused) {
  const Machine machine = simulated_machine({.gpu_bytes = {1000}});
  const auto gpu = machine.find("cuda:0");
  const MemoryId memory = gpu->info().memory;
  MemoryVector asked;
  bool answer = true;
  const auto account =
      MemoryAccount::create(MemoryVector::on(memory, 100), [&](const MemoryVector& extra) {
        asked = extra;
        return answer;
      });
  const Region within = account->allocate(gpu, 100);
  EXPECT_TRUE(asked.empty());
  const Region beyond = account->allocate(gpu, 30);
  EXPECT_EQ(asked, MemoryVector::on(memory, 30));
  answer = false;
  EXPECT_THROW(account->allocate(gpu, 1), RoostError);
  EXPECT_EQ(account->live(), MemoryVector::on(memory, 130));
  account->seal();
  EXPECT_THROW(account->allocate(gpu, 1), RoostError);
  EXPECT_EQ(account->live(), MemoryVector::on(memory, 130));
}

TEST(Region, MovesAndIsGivenBackOnce) {
  const Machine machine = simulated_machine({.gpu_bytes = {kMiB}});
  const auto account = MemoryAccount::create();
  Region a = account->allocate(machine.find("cuda:0"), 10);
  Region b = std::move(a);
  EXPECT_FALSE(a);
  EXPECT_TRUE(b);
  Region c = account->allocate(machine.find("cuda:0"), 20);
  c = std::move(b);
  EXPECT_EQ(account->live()[device_memory(0)], 10u);
  Region& same = c;
  c = std::move(same);
  EXPECT_TRUE(c);
  c.reset();
  c.reset();
  EXPECT_TRUE(account->live().empty());
  EXPECT_EQ(simulated_gpu(machine).calls(),
            (std::vector<std::string>{"allocate 10", "allocate 20", "release 20", "release 10"}));
}

TEST(Region, OutlivesWhoeverMadeIt) {
  Region region;
  {
    const Machine machine = simulated_machine();
    region = MemoryAccount::create()->allocate(machine.find("cpu"), 4096);
  }
  region.data()[4095] = std::byte{7};
  EXPECT_EQ(region.data()[4095], std::byte{7});
}

TEST(MemoryAccount, CountsTrulyUnderThreads) {
  const Machine machine = simulated_machine({.gpu_bytes = {kMiB}});
  const auto account = MemoryAccount::create();
  const Region kept = account->allocate(machine.find("cuda:0"), 5);
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 1; i <= 4; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 200; ++round) {
          const Region host = account->allocate(machine.find("cpu"), i);
          const Region gpu = account->allocate(machine.find("cuda:0"), i);
          account->add_host_bytes(8);
          account->add_host_bytes(-8);
        }
      });
    }
  }
  EXPECT_EQ(account->live(), MemoryVector::on(device_memory(0), 5));
}

}  // namespace
}  // namespace roost

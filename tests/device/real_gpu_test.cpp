#include <gtest/gtest.h>

#include <vector>

#include "roost/device.h"
#include "roost/error.h"

namespace roost {
namespace {

// What only a real driver can show. Skipped where there is none.
class RealGpu : public testing::Test {
 protected:
  void SetUp() override {
    machine_ = detect_machine();
    if (machine_.devices.size() == 1) GTEST_SKIP() << testing::PrintToString(machine_.notes);
    gpu_ = machine_.devices[1];
  }
  Machine machine_;
  std::shared_ptr<Device> gpu_;
};

TEST_F(RealGpu, SaysWhatItIs) {
  EXPECT_EQ(gpu_->info().id, "cuda:0");
  EXPECT_FALSE(gpu_->info().name.empty());
  EXPECT_FALSE(gpu_->info().driver.empty());
  const MemorySample sample = gpu_->sample();
  EXPECT_GT(sample.total_bytes, 0u);
  EXPECT_LE(sample.available_bytes, sample.total_bytes);
}

TEST_F(RealGpu, MemoryIsZeroedReadBackAndReturned) {
  constexpr std::uint64_t kBytes = 256ull << 20;
  const auto account = MemoryAccount::create();
  Region first = account->allocate(gpu_, 1);  // makes the context
  const std::uint64_t before = gpu_->sample().available_bytes;
  Region region = account->allocate(gpu_, kBytes);
  std::vector<std::byte> bytes(kBytes, std::byte{1});
  gpu_->read(bytes.data(), region.data(), kBytes);
  EXPECT_EQ(bytes, std::vector<std::byte>(kBytes));
  for (std::size_t i = 0; i < kBytes; ++i) bytes[i] = static_cast<std::byte>(i * 31);
  std::vector<std::byte> back(kBytes);
  gpu_->write(region.data(), bytes.data(), kBytes);
  gpu_->read(back.data(), region.data(), kBytes);
  EXPECT_EQ(bytes, back);
  EXPECT_LE(gpu_->sample().available_bytes, before - kBytes);
  region.reset();
  gpu_->synchronize();
  gpu_->trim();
  EXPECT_GE(gpu_->sample().available_bytes, before - kBytes / 10);
}

TEST_F(RealGpu, MoreThanThereIsIsATypedError) {
  try {
    gpu_->allocate(gpu_->info().total_bytes * 2);
    FAIL() << "gave it";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
  }
}

}  // namespace
}  // namespace roost

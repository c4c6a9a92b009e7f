#include <gmock/gmock.h>

#include <array>
#include <functional>
#include <thread>

#include "device/fake_driver.h"
#include "device/nvidia/inventory.h"
#include "roost/error.h"

namespace roost::device::nvidia {
namespace {

using test::FakeDriver;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kContext = FakeDriver::kContextBytes;

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const RoostError& error) {
    return error.code();
  }
  ADD_FAILURE() << "threw nothing";
  return ErrorCode::Internal;
}

TEST(NvidiaInventory, TellsNameMemoryAndDriverWithoutAContext) {
  FakeDriver driver;
  driver.add_gpu("NVIDIA A", 1 << 20).used = 1000;
  driver.add_gpu("NVIDIA B", 1 << 21);
  const Inventory gpus = find_gpus(driver);
  ASSERT_EQ(gpus.devices.size(), 2u);
  const DeviceInfo& info = gpus.devices[0]->info();
  EXPECT_EQ(info.id, "cuda:0");
  EXPECT_EQ(info.name, "NVIDIA A");
  EXPECT_EQ(info.provider, ExecutionProvider::Cuda);
  EXPECT_EQ(info.driver, "550.54.15");
  EXPECT_EQ(info.total_bytes, 1u << 20);
  EXPECT_EQ(gpus.devices[0]->sample().available_bytes, (1u << 20) - 1000);
  EXPECT_EQ(gpus.devices[1]->info().memory, device_memory(1));
  EXPECT_EQ(gpus.devices[1]->sample().total_bytes, 1u << 21);
  EXPECT_EQ(driver.gpu(0).contexts, 0);
  EXPECT_THAT(gpus.notes, IsEmpty());
}

TEST(NvidiaInventory, ASliceOfAGpuIsFoundByItsOwnName) {
  FakeDriver driver;
  driver.add_gpu("NVIDIA A MIG 1g.10gb", 1 << 20, /*is_slice=*/true);
  ASSERT_EQ(find_gpus(driver).devices.size(), 1u);
}

TEST(NvidiaInventory, NvmlIsShutDownWithTheLastDevice) {
  FakeDriver driver;
  driver.add_gpu("NVIDIA A", 1 << 20);
  Inventory gpus = find_gpus(driver);
  EXPECT_EQ(driver.nvml_users(), 1);
  gpus.devices.clear();
  EXPECT_EQ(driver.nvml_users(), 0);
}

TEST(NvidiaInventory, AnOldDriversEntryIsTaken) {
  FakeDriver driver;
  driver.add_gpu("NVIDIA A", 1 << 20);
  driver.remove_entry("cuDeviceGetUuid_v2");
  EXPECT_EQ(find_gpus(driver).devices.size(), 1u);
}

TEST(NvidiaInventory, AsManyAsThereAreMemories) {
  FakeDriver driver;
  for (int i = 0; i < 20; ++i) driver.add_gpu("NVIDIA A", 1 << 20);
  const Inventory gpus = find_gpus(driver);
  EXPECT_EQ(gpus.devices.size(), kMaxMemories - 1);
  EXPECT_THAT(gpus.notes, ElementsAre(HasSubstr("GPUs from 16 on are left out: 20 are there")));
}

struct AbsenceCase {
  const char* name;
  std::function<void(FakeDriver&)> harm;
  const char* note;
};

class NvidiaAbsenceTest : public testing::TestWithParam<AbsenceCase> {};

TEST_P(NvidiaAbsenceTest, IsToldAndNothingStaysOpen) {
  FakeDriver driver;
  driver.add_gpu("NVIDIA A", 1 << 20);
  GetParam().harm(driver);
  const Inventory gpus = find_gpus(driver);
  EXPECT_THAT(gpus.devices, IsEmpty());
  EXPECT_THAT(gpus.notes, ElementsAre(HasSubstr(GetParam().note)));
  EXPECT_EQ(driver.nvml_users(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Absences, NvidiaAbsenceTest,
    testing::Values(
        AbsenceCase{"NoDriver", [](FakeDriver& d) { d.remove_library("libcuda.so.1"); },
                    "libcuda.so.1: cannot open"},
        AbsenceCase{"NoNvml", [](FakeDriver& d) { d.remove_library("libnvidia-ml.so.1"); },
                    "libnvidia-ml.so.1: cannot open"},
        AbsenceCase{"TooOld", [](FakeDriver& d) { d.remove_entry("cuMemAlloc_v2"); },
                    "libcuda.so.1 has no cuMemAlloc_v2"},
        AbsenceCase{"NvmlTooOld", [](FakeDriver& d) { d.remove_entry("nvmlInit_v2"); },
                    "libnvidia-ml.so.1 has no nvmlInit_v2"},
        AbsenceCase{"NvmlDeclines", [](FakeDriver& d) { d.fail("nvmlInit_v2", 9); },
                    "initialising NVML: Unknown Error (NVML error 9)"},
        AbsenceCase{"DriverDeclines", [](FakeDriver& d) { d.fail("cuInit", 803); },
                    "initialising the driver 550.54.15: unknown error (CUDA error 803)"},
        AbsenceCase{"CountFails", [](FakeDriver& d) { d.fail("cuDeviceGetCount", 3); },
                    "counting GPUs"},
        AbsenceCase{"GpuIsLost", [](FakeDriver& d) { d.fail("cuDeviceGet", 101); },
                    "GPU 0 is left out: unknown error (CUDA error 101)"},
        AbsenceCase{"MemoryUnknown", [](FakeDriver& d) { d.fail("nvmlDeviceGetMemoryInfo", 3); },
                    "its memory cannot be read"},
        AbsenceCase{"NvmlDoesNotKnowIt", [](FakeDriver& d) { d.gpu(0).uuid = "GPU-other"; },
                    "Not Found (NVML error 6)"}),
    [](const auto& test) { return test.param.name; });

TEST(NvidiaInventory, ADriverWithoutAGpuSaysSo) {
  FakeDriver driver;
  EXPECT_THAT(find_gpus(driver).notes, ElementsAre("the driver lets this process use no GPU"));
}

// One GPU of 1 MiB.
class CudaDeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    driver_.add_gpu("NVIDIA A", 1 << 20);
    device_ = find_gpus(driver_).devices.at(0);
  }
  void TearDown() override { EXPECT_EQ(driver_.current_contexts(), 0u); }
  FakeDriver::Gpu& gpu() { return driver_.gpu(0); }

  FakeDriver driver_;
  std::shared_ptr<Device> device_;
};

TEST_F(CudaDeviceTest, MemoryIsZeroedWrittenAndReadBack) {
  std::byte* data = device_->allocate(100);
  std::array<std::byte, 100> bytes;
  bytes.fill(std::byte{9});
  device_->read(bytes.data(), data, bytes.size());
  EXPECT_THAT(bytes, testing::Each(std::byte{0}));
  bytes.fill(std::byte{7});
  device_->write(data + 50, bytes.data(), 50);
  device_->read(bytes.data(), data, bytes.size());
  EXPECT_EQ(bytes[49], std::byte{0});
  EXPECT_EQ(bytes[50], std::byte{7});
  device_->release(data, 100);
}

TEST_F(CudaDeviceTest, EveryByteIsGivenBackAndTheContextByTrim) {
  EXPECT_EQ(gpu().contexts, 0);
  const auto account = MemoryAccount::create();
  Region a = account->allocate(device_, 1000);
  Region b = account->allocate(device_, 24);
  EXPECT_EQ(gpu().contexts, 1);
  EXPECT_EQ(gpu().used, kContext + 1024);
  EXPECT_EQ(device_->sample().available_bytes, (1u << 20) - kContext - 1024);
  EXPECT_EQ(account->live(), MemoryVector::on(device_memory(0), 1024));
  a.reset();
  EXPECT_EQ(gpu().used, kContext + 24);
  device_->trim();
  EXPECT_EQ(gpu().contexts, 1) << "memory is still allocated";
  b.reset();
  device_->synchronize();
  device_->trim();
  EXPECT_EQ(gpu().used, 0u);
  EXPECT_EQ(gpu().contexts, 0);
  device_->trim();
  const Region again = account->allocate(device_, 8);
  EXPECT_EQ(gpu().contexts, 1);
}

TEST_F(CudaDeviceTest, TheDestructorReleasesTheContext) {
  device_->release(device_->allocate(8), 8);
  EXPECT_EQ(gpu().contexts, 1);
  device_.reset();
  EXPECT_EQ(gpu().contexts, 0);
}

TEST_F(CudaDeviceTest, AskingItToWaitMakesNoContext) {
  device_->synchronize();
  device_->trim();
  EXPECT_EQ(device_->allocate(0), nullptr);
  device_->release(nullptr, 0);
  EXPECT_EQ(gpu().contexts, 0);
}

TEST_F(CudaDeviceTest, TooMuchIsATypedErrorWithNumbers) {
  try {
    device_->allocate(2 << 20);
    FAIL() << "gave it";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
    EXPECT_THAT(error.what(), HasSubstr("allocating 2.0 MiB on 'cuda:0' (NVIDIA A): out of memory "
                                        "(CUDA error 2)"));
    EXPECT_THAT(error.what(), HasSubstr("of 1.0 MiB are available"));
  }
  EXPECT_EQ(code_of([&] { device_->allocate(UINT64_MAX); }), ErrorCode::OutOfMemory);
  device_->trim();
  EXPECT_EQ(gpu().used, 0u) << "a failed call holds the context";
}

TEST_F(CudaDeviceTest, MemoryThatCannotBeClearedIsNotKept) {
  driver_.fail("cuMemsetD8_v2", 700);
  EXPECT_EQ(code_of([&] { device_->allocate(64); }), ErrorCode::ProviderUnavailable);
  EXPECT_TRUE(gpu().blocks.empty());
}

TEST_F(CudaDeviceTest, AContextThatCannotBeMadeIsATypedError) {
  driver_.fail("cuDevicePrimaryCtxRetain", 2);
  EXPECT_EQ(code_of([&] { device_->allocate(64); }), ErrorCode::OutOfMemory);
  driver_.fail("cuDevicePrimaryCtxRetain", 0);
  driver_.fail("cuCtxPushCurrent_v2", 201);
  EXPECT_EQ(code_of([&] { device_->allocate(64); }), ErrorCode::ProviderUnavailable);
  device_->trim();
  EXPECT_EQ(gpu().contexts, 0);
}

TEST_F(CudaDeviceTest, ALostGpuHasNothingAvailable) {
  std::byte* data = device_->allocate(64);
  driver_.fail("nvmlDeviceGetMemoryInfo", 15);
  driver_.fail("cuMemcpyHtoD_v2", 719);
  driver_.fail("cuCtxSynchronize", 719);
  EXPECT_EQ(device_->sample().total_bytes, 1u << 20);
  EXPECT_EQ(device_->sample().available_bytes, 0u);
  const std::byte one{1};
  EXPECT_EQ(code_of([&] { device_->write(data, &one, 1); }), ErrorCode::ProviderUnavailable);
  EXPECT_EQ(code_of([&] { device_->synchronize(); }), ErrorCode::ProviderUnavailable);
  device_->release(data, 64);
}

TEST_F(CudaDeviceTest, IsUsedFromManyThreads) {
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 1; i <= 4; ++i) {
      threads.emplace_back([this, i] {
        for (int round = 0; round < 100; ++round) {
          std::byte* data = device_->allocate(i * 8);
          const std::byte in{42};
          std::byte out{};
          device_->write(data, &in, 1);
          device_->read(&out, data, 1);
          EXPECT_EQ(in, out);
          device_->release(data, i * 8);
          device_->trim();
        }
      });
    }
  }
  device_->trim();
  EXPECT_EQ(gpu().used, 0u);
}

}  // namespace
}  // namespace roost::device::nvidia

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "device/detect.h"
#include "device/fake_driver.h"
#include "device/fake_tree.h"
#include "roost/error.h"
#include "support/simulated_machine.h"

namespace roost {
namespace {

using test::simulated_gpu;
using test::simulated_host;
using test::simulated_machine;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kGiB = 1ull << 30;

struct TierCase {
  const char* name;
  HardwareProfile profile;
  HardwareTier tier;
  ExecutionProvider recommended;
};

HardwareProfile gpu(std::uint64_t vram, std::uint64_t ram = 64 * kGiB) {
  return {.gpu_total_bytes = vram,
          .gpu_free_bytes = 0,
          .system_total_bytes = ram,
          .system_available_bytes = 0};
}
HardwareProfile cpu(std::uint64_t ram) {
  return gpu(0, ram);
}

class TierTest : public testing::TestWithParam<TierCase> {};

TEST_P(TierTest, IsByTotals) {
  EXPECT_EQ(GetParam().profile.tier(), GetParam().tier);
  EXPECT_EQ(GetParam().profile.recommended_provider(), GetParam().recommended);
}

using enum HardwareTier;
constexpr auto kCpu = ExecutionProvider::Cpu;
constexpr auto kCuda = ExecutionProvider::Cuda;
INSTANTIATE_TEST_SUITE_P(
    Profiles, TierTest,
    testing::Values(TierCase{"Nothing", cpu(0), Low, kCpu},
                    TierCase{"Ram8", cpu(8 * kGiB), Low, kCpu},
                    TierCase{"JustUnder16", cpu(16 * kGiB - 1), Low, kCpu},
                    TierCase{"Ram16", cpu(16 * kGiB), Medium, kCpu},
                    TierCase{"JustUnder32", cpu(32 * kGiB - 1), Medium, kCpu},
                    TierCase{"Ram32", cpu(32 * kGiB), High, kCpu},
                    TierCase{"Ram512", cpu(512 * kGiB), High, kCpu},
                    TierCase{"Vram2", gpu(2 * kGiB), Low, kCpu},
                    TierCase{"JustUnderVram4", gpu(4 * kGiB - 1), Low, kCpu},
                    TierCase{"Vram4", gpu(4 * kGiB), Medium, kCuda},
                    TierCase{"JustUnderVram8", gpu(8 * kGiB - 1), Medium, kCuda},
                    TierCase{"Vram8", gpu(8 * kGiB, 4 * kGiB), High, kCuda},
                    TierCase{"JustUnderVram16", gpu(16 * kGiB - 1), High, kCuda},
                    TierCase{"Vram16", gpu(16 * kGiB), Ultra, kCuda},
                    TierCase{"Vram80", gpu(80 * kGiB), Ultra, kCuda}),
    [](const auto& test) { return test.param.name; });

TEST(Machine, ProfileIsReadNowOfTheLargestGpu) {
  const Machine machine =
      simulated_machine({.host_bytes = 16 * kGiB, .gpu_bytes = {2 * kGiB, 8 * kGiB, 4 * kGiB}});
  simulated_host(machine).set_sample(MemorySample{12 * kGiB, 5 * kGiB});
  simulated_gpu(machine, 1).set_use_by_others(kGiB);
  HardwareProfile profile = machine.profile();
  EXPECT_EQ(profile.gpu_total_bytes, 8 * kGiB);
  EXPECT_EQ(profile.gpu_free_bytes, 7 * kGiB);
  EXPECT_EQ(profile.system_total_bytes, 12 * kGiB);
  EXPECT_EQ(profile.system_available_bytes, 5 * kGiB);

  simulated_gpu(machine, 1).set_use_by_others(8 * kGiB);
  EXPECT_EQ(machine.profile().gpu_free_bytes, 0u);
}

TEST(Machine, AnMpsDeviceIsNoCudaMemory) {
  const Machine machine = simulated_machine({.host_bytes = 16 * kGiB,
                                             .gpu_bytes = {8 * kGiB},
                                             .gpu_provider = ExecutionProvider::CoreML});
  EXPECT_EQ(machine.profile().gpu_total_bytes, 0u);
  EXPECT_EQ(machine.profile().tier(), Medium);
}

TEST(Machine, FindNamesWhatThereIs) {
  const Machine machine = simulated_machine({.gpu_bytes = {kGiB}});
  EXPECT_EQ(machine.find("cuda:0")->info().id, "cuda:0");
  EXPECT_EQ(machine.find("cpu").get(), &machine.host());
  try {
    machine.find("cuda:1\n");
    FAIL() << "found";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::DeviceNotFound);
    EXPECT_THAT(error.what(), HasSubstr("there are: cpu, cuda:0"));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

// Machines detected over made-up files and a made-up driver.
class DetectTest : public testing::Test {
 protected:
  DetectTest() {
    tree_.file("proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\n")
        .file("proc/cpuinfo", "model name\t: Test CPU\nflags\t: avx2\n");
  }
  Machine detect(ExecutionProvider provider) const {
    return device::detect_machine(provider, driver_, tree_.root());
  }
  test::FakeTree tree_;
  test::FakeDriver driver_;
};

TEST_F(DetectTest, TheHostComesFirstThenTheGpus) {
  driver_.add_gpu("GPU A", 8 * kGiB);
  driver_.add_gpu("GPU B", 4 * kGiB);
  const Machine machine = detect(ExecutionProvider::Auto);
  ASSERT_EQ(machine.devices.size(), 3u);
  EXPECT_EQ(machine.host().info().name, "Test CPU");
  EXPECT_EQ(machine.host().info().total_bytes, 8 * kGiB);
  EXPECT_EQ(machine.devices[1]->info().name, "GPU A");
  EXPECT_EQ(machine.devices[2]->info().id, "cuda:1");
  EXPECT_EQ(machine.profile().tier(), High);
  EXPECT_THAT(machine.notes, IsEmpty());
}

TEST_F(DetectTest, WithoutADriverANoteSaysWhy) {
  driver_.remove_library("libcuda.so.1");
  const Machine machine = detect(ExecutionProvider::Cuda);
  EXPECT_EQ(machine.devices.size(), 1u);
  EXPECT_THAT(machine.notes, ElementsAre("cuda: libcuda.so.1: cannot open shared object file"));
  EXPECT_THAT(driver_.opened(), ElementsAre("libcuda.so.1"));
}

TEST_F(DetectTest, OnlyAutoAndCudaOpenALibrary) {
  driver_.add_gpu("GPU A", 8 * kGiB);
  for (const auto provider :
       {ExecutionProvider::Cpu, ExecutionProvider::DirectML, ExecutionProvider::CoreML}) {
    EXPECT_EQ(detect(provider).devices.size(), 1u);
    EXPECT_THAT(driver_.opened(), IsEmpty());
  }
  detect(ExecutionProvider::Auto);
  EXPECT_THAT(driver_.opened(), ElementsAre("libcuda.so.1", "libnvidia-ml.so.1"));
}

bool has_gpu_library_mapped() {
  std::ostringstream maps;
  maps << std::ifstream("/proc/self/maps").rdbuf();
  return maps.str().find("libcuda") != std::string::npos ||
         maps.str().find("libnvidia-ml") != std::string::npos;
}

TEST(DetectMachine, WithCpuNoGpuLibraryIsMapped) {
  if (has_gpu_library_mapped()) GTEST_SKIP() << "another test of this process opened one";
  const Machine machine = detect_machine(ExecutionProvider::Cpu);
  EXPECT_FALSE(has_gpu_library_mapped());
  EXPECT_EQ(machine.devices.size(), 1u);
  EXPECT_GE(machine.processor.cores, 1u);
  EXPECT_THAT(machine.notes, IsEmpty());
}

}  // namespace
}  // namespace roost

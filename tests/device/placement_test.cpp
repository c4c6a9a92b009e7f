#include <gmock/gmock.h>

#include <functional>

#include "roost/error.h"
#include "support/simulated_machine.h"

namespace roost {
namespace {

using enum ExecutionProvider;
using test::simulated_gpu;
using test::simulated_machine;
using testing::HasSubstr;

constexpr std::uint64_t kGiB = 1ull << 30;

Machine cpu_only() {
  return simulated_machine();
}
Machine two_gpus() {
  return simulated_machine({.gpu_bytes = {4 * kGiB, 8 * kGiB}});
}
Machine mac() {
  return simulated_machine({.gpu_bytes = {4 * kGiB}, .gpu_provider = CoreML});
}
Machine mixed() {
  Machine machine = mac();
  const Machine cuda = simulated_machine({.gpu_bytes = {kGiB}});
  machine.devices.push_back(cuda.devices[1]);
  return machine;
}
Machine second_gpu_is_busy() {
  Machine machine = two_gpus();
  simulated_gpu(machine, 1).set_use_by_others(6 * kGiB);
  return machine;
}
Machine broken_driver() {
  Machine machine = simulated_machine();
  machine.notes = {"cuda: initialising the driver: out of date"};
  return machine;
}

struct PlacementCase {
  const char* name;
  Machine (*machine)();
  ExecutionProvider wanted;
  std::vector<ExecutionProvider> supported;
  std::optional<std::string_view> id;
  const char* device;
  const char* fell_back;
};

class PlacementTest : public testing::TestWithParam<PlacementCase> {};

TEST_P(PlacementTest, TakesTheBestThatWorksAndSaysWhatItPassedOver) {
  const PlacementCase& c = GetParam();
  const Placement placement = choose_placement(c.machine(), c.wanted, c.supported, c.id);
  ASSERT_TRUE(placement.device);
  EXPECT_EQ(placement.device->info().id, c.device);
  EXPECT_EQ(placement.provider, placement.device->info().provider);
  EXPECT_EQ(placement.fell_back, c.fell_back);
}

INSTANTIATE_TEST_SUITE_P(
    Choices, PlacementTest,
    testing::Values(
        PlacementCase{"AutoOnCpu", cpu_only, Auto, {Cuda, Cpu}, {}, "cpu", ""},
        PlacementCase{"AutoTakesTheRoomiestGpu", two_gpus, Auto, {Cpu, Cuda}, {}, "cuda:1", ""},
        PlacementCase{"OthersUseCounts", second_gpu_is_busy, Auto, {Cuda}, {}, "cuda:0", ""},
        PlacementCase{"CudaBeforeCoreML", mixed, Auto, {CoreML, Cuda, Cpu}, {}, "cuda:0", ""},
        PlacementCase{"CoreMLBeforeCpu", mac, Auto, {CoreML, Cpu}, {}, "mps:0", ""},
        PlacementCase{"UnsupportedGpuIsTold",
                      two_gpus,
                      Auto,
                      {Cpu},
                      {},
                      "cpu",
                      "cuda: the backend cannot run on device 'cuda:1' (Simulated cuda device)"},
        PlacementCase{"BrokenDriverIsTold",
                      broken_driver,
                      Auto,
                      {Cuda, Cpu},
                      {},
                      "cpu",
                      "cuda: initialising the driver: out of date"},
        PlacementCase{"BrokenDriverIsNobodysBusiness", broken_driver, Auto, {Cpu}, {}, "cpu", ""},
        PlacementCase{"ExplicitCpu", two_gpus, Cpu, {Cuda, Cpu}, {}, "cpu", ""},
        PlacementCase{"ExplicitCuda", two_gpus, Cuda, {Cuda, Cpu}, {}, "cuda:1", ""},
        PlacementCase{"ExplicitCoreML", mac, CoreML, {CoreML}, {}, "mps:0", ""},
        PlacementCase{"ById", two_gpus, Cuda, {Cuda, Cpu}, "cuda:0", "cuda:0", ""},
        PlacementCase{"AutoById", two_gpus, Auto, {Cuda, Cpu}, "cpu", "cpu", ""}),
    [](const auto& test) { return test.param.name; });

struct RefusalCase {
  const char* name;
  Machine (*machine)();
  ExecutionProvider wanted;
  std::vector<ExecutionProvider> supported;
  std::optional<std::string_view> id;
  ErrorCode code;
  const char* text;
};

class RefusalTest : public testing::TestWithParam<RefusalCase> {};

TEST_P(RefusalTest, NamesWhatIsWrong) {
  const RefusalCase& c = GetParam();
  try {
    choose_placement(c.machine(), c.wanted, c.supported, c.id);
    FAIL() << "placed";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), c.code);
    EXPECT_THAT(error.what(), HasSubstr(c.text));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Refusals, RefusalTest,
    testing::Values(
        RefusalCase{"NoCuda",
                    cpu_only,
                    Cuda,
                    {Cuda, Cpu},
                    {},
                    ErrorCode::ProviderUnavailable,
                    "provider 'cuda' is not available: this machine has no such device"},
        RefusalCase{"BrokenCuda",
                    broken_driver,
                    Cuda,
                    {Cuda, Cpu},
                    {},
                    ErrorCode::ProviderUnavailable,
                    "initialising the driver: out of date; ask for"},
        RefusalCase{"DirectML",
                    two_gpus,
                    DirectML,
                    {DirectML, Cpu},
                    {},
                    ErrorCode::ProviderUnavailable,
                    "Windows only"},
        RefusalCase{"CoreML",
                    cpu_only,
                    CoreML,
                    {CoreML, Cpu},
                    {},
                    ErrorCode::ProviderUnavailable,
                    "macOS only"},
        RefusalCase{"BackendWithoutCuda",
                    two_gpus,
                    Cuda,
                    {Cpu},
                    {},
                    ErrorCode::ProviderUnavailable,
                    "the backend runs on cpu"},
        RefusalCase{"BackendWithNothing",
                    two_gpus,
                    Auto,
                    {},
                    {},
                    ErrorCode::ProviderUnavailable,
                    "the backend runs on no provider"},
        RefusalCase{"NothingInCommon",
                    broken_driver,
                    Auto,
                    {Cuda},
                    {},
                    ErrorCode::ProviderUnavailable,
                    "out of date"},
        RefusalCase{"UnknownId",
                    two_gpus,
                    Auto,
                    {Cuda},
                    "cuda:7",
                    ErrorCode::DeviceNotFound,
                    "no device 'cuda:7' here; there are: cpu, cuda:0, cuda:1"},
        RefusalCase{
            "HostileId", two_gpus, Cuda, {Cuda}, "\x1b[2J", ErrorCode::DeviceNotFound, "\\x1b"},
        RefusalCase{"IdOfAnotherProvider",
                    two_gpus,
                    Cuda,
                    {Cuda, Cpu},
                    "cpu",
                    ErrorCode::InvalidArgument,
                    "belongs to provider 'cpu', not to 'cuda'"},
        RefusalCase{"IdTheBackendCannotUse",
                    two_gpus,
                    Auto,
                    {Cpu},
                    "cuda:0",
                    ErrorCode::ProviderUnavailable,
                    "so not on device 'cuda:0'"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace roost

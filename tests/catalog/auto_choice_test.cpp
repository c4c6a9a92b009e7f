#include "catalog/auto_choice.h"

#include <gtest/gtest.h>

#include "roost/error.h"

namespace roost::catalog {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

struct ProfileCase {
  const char* name;
  HardwareProfile hardware;
  HardwareTier tier;
  std::uint64_t vram;  // budgets
  std::uint64_t ram;
  std::string chosen;  // among small (1 GiB), medium (3), large (6), huge (12)
};

class AutoChoiceTest : public testing::TestWithParam<ProfileCase> {};

TEST_P(AutoChoiceTest, TakesTheLargestThatFits) {
  const ProfileCase& test = GetParam();
  const std::vector<AutoCandidate> candidates = {
      {"medium", 3 * kGiB}, {"small", kGiB}, {"huge", 12 * kGiB}, {"large", 6 * kGiB}};
  EXPECT_EQ(test.hardware.tier(), test.tier);
  EXPECT_NEAR(static_cast<double>(vram_budget(test.hardware)), static_cast<double>(test.vram), 1);
  EXPECT_EQ(ram_budget(test.hardware), test.ram);
  EXPECT_EQ(choose_auto(candidates, test.hardware).name, test.chosen);
}

HardwareProfile machine(std::uint64_t gpu_gib, std::uint64_t gpu_free_gib, std::uint64_t ram_gib) {
  return {.gpu_total_bytes = gpu_gib * kGiB,
          .gpu_free_bytes = gpu_free_gib * kGiB,
          .system_total_bytes = ram_gib * kGiB,
          .system_available_bytes = ram_gib * kGiB};
}

INSTANTIATE_TEST_SUITE_P(
    Profiles, AutoChoiceTest,
    testing::Values(
        ProfileCase{"Low", machine(2, 2, 8), HardwareTier::Low, 2 * kGiB * 8 / 10, 4 * kGiB,
                    "small"},
        ProfileCase{"Medium", machine(6, 6, 16), HardwareTier::Medium, 6 * kGiB * 8 / 10, 8 * kGiB,
                    "medium"},
        ProfileCase{"High", machine(12, 12, 16), HardwareTier::High, 12 * kGiB * 8 / 10, 8 * kGiB,
                    "large"},
        ProfileCase{"Ultra", machine(24, 24, 64), HardwareTier::Ultra, 24 * kGiB * 8 / 10,
                    32 * kGiB, "huge"},
        ProfileCase{"UltraButBusy", machine(24, 4, 64), HardwareTier::Ultra, 4 * kGiB * 95 / 100,
                    32 * kGiB, "medium"},
        ProfileCase{"GpuFullSoHost", machine(24, 0, 64), HardwareTier::Ultra, 0, 32 * kGiB, "huge"},
        ProfileCase{"CpuOnlySmall", machine(0, 0, 8), HardwareTier::Low, 0, 4 * kGiB, "medium"},
        ProfileCase{"CpuOnlyMedium", machine(0, 0, 16), HardwareTier::Medium, 0, 8 * kGiB, "large"},
        ProfileCase{"CpuOnlyHigh", machine(0, 0, 32), HardwareTier::High, 0, 16 * kGiB, "huge"},
        ProfileCase{"CpuOnlyTiny", machine(0, 0, 4), HardwareTier::Low, 0, 0, "small"},
        ProfileCase{"Nothing", machine(0, 0, 0), HardwareTier::Low, 0, 0, "small"}),
    [](const auto& test) { return test.param.name; });

TEST(AutoChoice, AmongEqualsTheLaterOne) {
  const std::vector<AutoCandidate> candidates = {{"a", kMiB}, {"b", kMiB}};
  EXPECT_EQ(choose_auto(candidates, machine(8, 8, 16)).name, "b");
}

TEST(AutoChoice, WithoutCandidatesThereIsNoChoice) {
  EXPECT_THROW(choose_auto({}, machine(8, 8, 16)), RoostError);
}

TEST(AutoChoice, RerankersGoByTier) {
  EXPECT_EQ(reranker_word(HardwareTier::Low), "default");
  EXPECT_EQ(reranker_word(HardwareTier::Medium), "quality");
  EXPECT_EQ(reranker_word(HardwareTier::High), "large");
  EXPECT_EQ(reranker_word(HardwareTier::Ultra), "large");
}

}  // namespace
}  // namespace roost::catalog

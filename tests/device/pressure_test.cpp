#include "device/pressure.h"

#include <gtest/gtest.h>

namespace roost::device {
namespace {

struct PressureCase {
  const char* name;
  double used_over_budget;
  std::optional<double> psi;
  PressureLevel level;
};

class PressureTest : public testing::TestWithParam<PressureCase> {};

TEST_P(PressureTest, HasItsLevel) {
  EXPECT_EQ(pressure_level(GetParam().used_over_budget, GetParam().psi), GetParam().level);
}

using enum PressureLevel;
INSTANTIATE_TEST_SUITE_P(Levels, PressureTest,
                         testing::Values(PressureCase{"Nothing", 0, {}, Low},
                                         PressureCase{"Below60", 0.5999, {}, Low},
                                         PressureCase{"At60", 0.6, {}, Moderate},
                                         PressureCase{"Below80", 0.7999, {}, Moderate},
                                         PressureCase{"At80", 0.8, {}, High},
                                         PressureCase{"Below90", 0.8999, {}, High},
                                         PressureCase{"At90", 0.9, {}, Critical},
                                         PressureCase{"OverBudget", 1.5, {}, Critical},
                                         PressureCase{"SomeStall", 0.6, 9.99, Moderate},
                                         PressureCase{"StallRaisesLow", 0, 10, Moderate},
                                         PressureCase{"StallRaisesHigh", 0.85, 50, Critical},
                                         PressureCase{"NothingAboveCritical", 0.95, 100, Critical}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace roost::device

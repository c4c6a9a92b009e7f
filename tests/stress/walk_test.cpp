// Random walks over the public calls, and the laws that hold whatever was done. First alone, with
// the laws looked at after every step; then many walkers at once. A failure names its seed:
// ROOST_WALK_SEED=N repeats that walk alone.
#include <gtest/gtest.h>

#include "stress/rounds.h"
#include "stress/walker.h"

namespace roost::test {
namespace {

constexpr std::uint32_t kSeeds = 6;
constexpr unsigned kWalkers = 8;

std::vector<std::uint32_t> seeds() {
  if (const char* asked = std::getenv("ROOST_WALK_SEED")) {
    return {static_cast<std::uint32_t>(std::strtoul(asked, nullptr, 10))};
  }
  std::vector<std::uint32_t> all;
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) all.push_back(seed);
  return all;
}

class StressWalk : public testing::TestWithParam<std::uint32_t> {};

INSTANTIATE_TEST_SUITE_P(Seeds, StressWalk, testing::ValuesIn(seeds()),
                         [](const auto& test) { return "seed" + std::to_string(test.param); });

TEST_P(StressWalk, Alone) {
  ManualClock clock;
  Playground ground(&clock);
  Complaints complaints;
  Walker walker(ground, complaints, GetParam());
  for (unsigned step = 0; step < rounds(); ++step) {
    walker.step();
    ground.check_quiet_laws(complaints);
    ASSERT_EQ(complaints.count(), 0u) << "seed " << GetParam() << ", step " << step << " ("
                                      << walker.last() << "): " << complaints.text();
  }
  walker.finish();
  ground.expect_everything_back(complaints);
  EXPECT_EQ(complaints.count(), 0u) << "seed " << GetParam() << ": " << complaints.text();
}

// Several walkers at once do not come to rest in every run yet: issue 2, docs/status.md. Asked for
// by name: --gtest_also_run_disabled_tests.
TEST_P(StressWalk, DISABLED_InACrowd) {
  Playground ground(nullptr);
  Complaints complaints;
  in_a_crowd(kWalkers, complaints, [&](unsigned thread) {
    Walker walker(ground, complaints, GetParam() * 1'000 + thread);
    for (unsigned step = 0; step < rounds(); ++step) {
      walker.step();
      if (step % 16 == 0) ground.check_laws(complaints);
    }
  });
  ground.expect_everything_back(complaints);
  EXPECT_EQ(complaints.count(), 0u) << "seed " << GetParam() << ": " << complaints.text();
}

}  // namespace
}  // namespace roost::test

// Random walks over the public calls, and the laws that hold whatever was done. First alone, with
// the laws looked at after every step; then many walkers at once. A failure names its seed:
// ROOST_WALK_SEED=N repeats that walk alone.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <thread>
#include <utility>

#include "stress/rounds.h"
#include "stress/walker.h"

namespace roost::test {
namespace {

constexpr std::uint32_t kSeeds = 6;
constexpr unsigned kWalkers = 8;
constexpr std::chrono::seconds kStandstill{30};

std::vector<std::uint32_t> seeds() {
  if (const char* asked = std::getenv("ROOST_WALK_SEED")) {
    return {static_cast<std::uint32_t>(std::strtoul(asked, nullptr, 10))};
  }
  std::vector<std::uint32_t> all;
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) all.push_back(seed);
  return all;
}

// Walkers that wait for each other would wait for ever: says who waits for what, and ends the test.
void abort_at_standstill(const Playground& ground, const std::deque<Walker>& walkers,
                         const std::stop_token& stop) {
  std::uint64_t steps = 0;
  auto since = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const auto now = std::chrono::steady_clock::now();
    if (std::exchange(steps, ground.steps()) != ground.steps()) since = now;
    if (now - since < kStandstill) continue;
    std::fprintf(stderr, "nobody takes a step any more\n%s", ground.picture().c_str());
    for (const Walker& walker : walkers) std::fprintf(stderr, "%s\n", walker.picture().c_str());
    std::abort();
  }
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

TEST_P(StressWalk, InACrowd) {
  Playground ground(nullptr);
  Complaints complaints;
  std::deque<Walker> walkers;
  for (unsigned i = 0; i < kWalkers; ++i) {
    walkers.emplace_back(ground, complaints, GetParam() * 1'000 + i);
  }
  const std::jthread watch(
      [&](const std::stop_token& stop) { abort_at_standstill(ground, walkers, stop); });
  in_a_crowd(kWalkers, complaints, [&](unsigned thread) {
    Walker& walker = walkers[thread];
    for (unsigned step = 0; step < rounds(); ++step) {
      walker.step();
      if (step % 16 == 0) ground.check_laws(complaints);
    }
    walker.finish();
  });
  ground.expect_everything_back(complaints);
  EXPECT_EQ(complaints.count(), 0u) << "seed " << GetParam() << ": " << complaints.text();
}

}  // namespace
}  // namespace roost::test

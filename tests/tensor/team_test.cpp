#include "tensor/team.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <stdexcept>

namespace roost::tensor {
namespace {

class TeamTest : public testing::TestWithParam<unsigned> {};

TEST_P(TeamTest, EveryPartIsDoneOnceByAWorkerOfItsOwn) {
  Team team(GetParam());
  EXPECT_EQ(team.size(), std::max(GetParam(), 1u));
  for (const std::size_t parts : {0u, 1u, 2u, 7u, 1000u}) {
    std::vector<std::atomic<int>> done(parts);
    std::vector<std::atomic<int>> busy(team.size());
    team.run(parts, [&](std::size_t part, unsigned worker) {
      EXPECT_EQ(busy.at(worker)++, 0);
      ++done.at(part);
      --busy[worker];
    });
    for (const auto& times : done) EXPECT_EQ(times, 1);
  }
}

TEST_P(TeamTest, ManyJobsOneAfterTheOther) {
  Team team(GetParam());
  std::vector<long> sums(team.size());
  for (std::size_t job = 0; job < 20'000; ++job) {
    team.run(job % 5, [&](std::size_t part, unsigned worker) {
      sums[worker] += static_cast<long>(part + job);
    });
  }
  long expected = 0;
  for (long job = 0; job < 20'000; ++job) {
    for (long part = 0; part < job % 5; ++part) expected += part + job;
  }
  EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), 0L), expected);
}

TEST_P(TeamTest, WakesAfterItSlept) {
  Team team(GetParam());
  for (int round = 0; round < 5; ++round) {
    std::atomic<int> done = 0;
    team.run(8, [&](std::size_t, unsigned) { ++done; });
    EXPECT_EQ(done, 8);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // longer than it spins
  }
}

TEST_P(TeamTest, AnErrorComesOutAndTheTeamGoesOn) {
  Team team(GetParam());
  std::atomic<int> done = 0;
  const auto job = [&](std::size_t part, unsigned) {
    if (part == 3) throw std::runtime_error("broken");
    ++done;
  };
  EXPECT_THROW(team.run(9, job), std::runtime_error);
  EXPECT_EQ(done, 8);
  EXPECT_NO_THROW(team.run(3, job));
  EXPECT_EQ(done, 11);
}

INSTANTIATE_TEST_SUITE_P(Threads, TeamTest, testing::Values(0u, 1u, 2u, 5u));

}  // namespace
}  // namespace roost::tensor

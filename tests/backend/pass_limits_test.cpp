#include "backend/pass_limits.h"

#include <gtest/gtest.h>

#include "backend/pass_times.h"

namespace roost::backend {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(PassLimits, ASlowPassLowersTheTokensToWhatFits) {
  PassLimits limits{{}};
  EXPECT_EQ(limits.tokens(), 8192u);
  limits.passed(8000, milliseconds(40));
  EXPECT_EQ(limits.tokens(), 5000u);
  limits.passed(5000, milliseconds(25'000));
  EXPECT_EQ(limits.tokens(), 2500u);  // at most half at a time
  for (int i = 0; i < 100; ++i) limits.passed(limits.tokens(), milliseconds(25'000));
  EXPECT_EQ(limits.tokens(), 64u);
}

TEST(PassLimits, AFastFullPassRaisesThemAndASmallOneTellsNothing) {
  PassLimits limits{{}};
  limits.passed(8, microseconds(1));
  EXPECT_EQ(limits.tokens(), 8192u);
  limits.passed(8192, milliseconds(20));
  EXPECT_EQ(limits.tokens(), 10240u);
  limits.passed(10240, microseconds(1));
  EXPECT_EQ(limits.tokens(), 20480u);      // at most double
  limits.passed(20480, Duration::zero());  // a clock that stands still
  EXPECT_EQ(limits.tokens(), 20480u);
}

TEST(PassLimits, SettlesWhereAPassTakesTheTarget) {
  PassLimits limits{{}};
  for (int i = 0; i < 30; ++i) limits.passed(limits.tokens(), microseconds(limits.tokens()));
  EXPECT_EQ(limits.tokens(), 25'000u);
}

TEST(PassLimits, OutOfMemoryHalvesTheRunThatFailedDownToOne) {
  PassLimits limits{{}};
  EXPECT_TRUE(limits.shrink(40));
  EXPECT_EQ(limits.sequences(), 20u);
  EXPECT_TRUE(limits.shrink(3));
  EXPECT_EQ(limits.sequences(), 1u);
  EXPECT_FALSE(limits.shrink(1));
}

TEST(PassLimits, TenSuccessesInARowDoubleUpToTheFirstLimit) {
  PassLimits limits{{.max_sequences = 100}};
  ASSERT_TRUE(limits.shrink(60));
  for (int i = 0; i < 9; ++i) limits.succeeded();
  EXPECT_EQ(limits.sequences(), 30u);
  limits.succeeded();
  EXPECT_EQ(limits.sequences(), 60u);
  for (int i = 0; i < 9; ++i) limits.succeeded();
  ASSERT_TRUE(limits.shrink(60));  // begins the count again
  limits.succeeded();
  EXPECT_EQ(limits.sequences(), 30u);
  for (int i = 0; i < 19; ++i) limits.succeeded();
  EXPECT_EQ(limits.sequences(), 100u);
  for (int i = 0; i < 20; ++i) limits.succeeded();
  EXPECT_EQ(limits.sequences(), 100u);
}

TEST(PassLimits, WithoutAdaptingMemoryFailsAtOnce) {
  PassLimits limits{{.adapt_to_memory = false}};
  EXPECT_FALSE(limits.shrink(40));
  EXPECT_EQ(limits.sequences(), 256u);
}

TEST(PassTimes, PercentilesAreAtMostAQuarterTooLarge) {
  PassTimes times;
  EXPECT_EQ(times.percentile(0.5), Duration::zero());
  for (int i = 0; i < 90; ++i) times.add(microseconds(100));
  for (int i = 0; i < 10; ++i) times.add(milliseconds(30));
  EXPECT_EQ(times.count(), 100u);
  for (const double p : {0.0, 0.5, 0.9}) {
    EXPECT_GE(times.percentile(p), microseconds(100));
    EXPECT_LE(times.percentile(p), microseconds(125));
  }
  EXPECT_GE(times.percentile(0.99), milliseconds(30));
  EXPECT_LE(times.percentile(0.99), microseconds(37'500));
}

TEST(PassTimes, TakesTheShortestAndTheLongest) {
  PassTimes times;
  times.add(Duration::zero());
  EXPECT_LE(times.percentile(1), microseconds(1));
  times.add(std::chrono::hours(1));
  EXPECT_GE(times.percentile(1), std::chrono::seconds(60));
}

}  // namespace
}  // namespace roost::backend

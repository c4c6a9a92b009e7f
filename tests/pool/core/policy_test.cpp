#include "pool/core/policy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "pool/core/failure_memory.h"

namespace roost::pool {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kHalfLife = minutes(10);
constexpr Instant kStart{hours(1000)};

double weight_at(const UseRate& rate, Instant now) {
  const double x = std::chrono::duration<double>(now.time_since_epoch()) /
                   std::chrono::duration<double>(kHalfLife);
  return std::exp2(rate.log2_weight() - x);
}

TEST(UseRate, AUseHalvesWithEachHalfLife) {
  UseRate rate;
  rate.start(kStart);
  rate.add(8, kStart, kHalfLife);
  EXPECT_NEAR(weight_at(rate, kStart), 8, 1e-6);
  EXPECT_NEAR(weight_at(rate, kStart + kHalfLife), 4, 1e-6);
  EXPECT_NEAR(weight_at(rate, kStart + 3 * kHalfLife), 1, 1e-6);
}

TEST(UseRate, UsesToldLateCountAsSpreadEvenly) {
  UseRate one_by_one, at_once;
  one_by_one.start(kStart);
  at_once.start(kStart);
  for (int i = 1; i <= 600; ++i) one_by_one.add(1, kStart + seconds(i), kHalfLife);
  at_once.add(600, kStart + seconds(600), kHalfLife);
  EXPECT_NEAR(weight_at(at_once, kStart + seconds(600)),
              weight_at(one_by_one, kStart + seconds(600)), 1);
}

TEST(UseRate, RecentUsesOutweighManyOldOnes) {
  UseRate once_popular, popular_now;
  once_popular.start(kStart);
  once_popular.add(1000, kStart, kHalfLife);
  popular_now.start(kStart + 20 * kHalfLife);
  popular_now.add(1, kStart + 20 * kHalfLife, kHalfLife);
  EXPECT_GT(popular_now.log2_weight(), once_popular.log2_weight());
}

TEST(UseRate, NeverOverflows) {
  UseRate rate;
  rate.start(Instant{});
  rate.add(UINT64_MAX, Instant{hours(24 * 365 * 100)}, std::chrono::milliseconds(1));
  EXPECT_TRUE(std::isfinite(rate.log2_weight()));
  UseRate unused;
  EXPECT_LT(unused.log2_weight(), rate.log2_weight());
}

TEST(Worth, IsSecondsTimesRateOverBytes) {
  EXPECT_GT(log2_worth(2, 0, 100), log2_worth(1, 0, 100));
  EXPECT_GT(log2_worth(1, 1, 100), log2_worth(1, 0, 100));
  EXPECT_GT(log2_worth(1, 0, 50), log2_worth(1, 0, 100));
  EXPECT_DOUBLE_EQ(log2_worth(2, 0, 200), log2_worth(1, 0, 100));
  EXPECT_TRUE(std::isfinite(log2_worth(0, 0, 0)));
}

TEST(FailureMemory, WaitsTwiceAsLongEachTimeUpToALimit) {
  FailureMemory failures;
  const auto wait_after_failure = [&] {
    failures.record(ErrorCode::LoadFailed, "it broke", kStart, seconds(1), seconds(5));
    return failures.retry_at() - kStart;
  };
  EXPECT_EQ(wait_after_failure(), seconds(1));
  EXPECT_EQ(wait_after_failure(), seconds(2));
  EXPECT_EQ(wait_after_failure(), seconds(4));
  EXPECT_EQ(wait_after_failure(), seconds(5));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(wait_after_failure(), seconds(5));
  EXPECT_EQ(failures.in_a_row(), 104u);
  failures.succeeded();
  EXPECT_EQ(failures.in_a_row(), 0u);
  EXPECT_EQ(wait_after_failure(), seconds(1));
}

}  // namespace
}  // namespace roost::pool

#include "nets/distance_bias.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace roost::nets {
namespace {

struct Case {
  std::ptrdiff_t distance;
  std::size_t bucket;
};

class BucketTest : public testing::TestWithParam<Case> {};

TEST_P(BucketTest, IsT5s) {
  EXPECT_EQ(bucket_of(GetParam().distance, 32), GetParam().bucket);
}

// By the paper's formula, worked out by hand.
INSTANTIATE_TEST_SUITE_P(Distances, BucketTest,
                         testing::Values(Case{0, 0}, Case{-1, 1}, Case{-7, 7}, Case{-8, 8},
                                         Case{-11, 8}, Case{-12, 9}, Case{-127, 15}, Case{-128, 15},
                                         Case{-5000, 15}, Case{1, 17}, Case{7, 23}, Case{8, 24},
                                         Case{128, 31}, Case{5000, 31}));

TEST(DistanceBias, LiesAroundItsMiddle) {
  std::vector<float> table;  // 32 buckets x 2 heads
  for (int i = 0; i < 64; ++i) table.push_back(static_cast<float>(i));
  std::array<float, 5> bias{};
  fill_distance_bias(table.data(), 32, 2, 1, 3, bias);
  EXPECT_EQ(bias, (std::array<float, 5>{5, 3, 1, 35, 37}));
}

}  // namespace
}  // namespace roost::nets

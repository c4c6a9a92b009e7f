#include "nets/pooling.h"

#include <gmock/gmock.h>

#include <cmath>

namespace roost::nets {
namespace {

using formats::Pooling;
using testing::ElementsAre;
using testing::FloatEq;

struct Case {
  Pooling how;
  float first, second;
};

class PoolingTest : public testing::TestWithParam<Case> {};

TEST_P(PoolingTest, OfThreeTokens) {
  const std::vector<float> states = {1, -1, 2, 5, 6, -4};
  std::vector<float> vector(2);
  pool(GetParam().how, states, 2, vector);
  EXPECT_THAT(vector, ElementsAre(FloatEq(GetParam().first), FloatEq(GetParam().second)));
}

INSTANTIATE_TEST_SUITE_P(All, PoolingTest,
                         testing::Values(Case{Pooling::Cls, 1, -1}, Case{Pooling::LastToken, 6, -4},
                                         Case{Pooling::Mean, 3, 0}, Case{Pooling::Max, 6, 5},
                                         Case{Pooling::MeanSqrtLength, 9 / std::sqrt(3.0f), 0},
                                         Case{Pooling::WeightedMean, 23.0f / 6, -3.0f / 6}));

TEST(UnitLength, IsOneButForZeros) {
  std::vector<float> vector = {3, 0, -4}, zeros(3);
  to_unit_length(vector);
  to_unit_length(zeros);
  EXPECT_THAT(vector, ElementsAre(FloatEq(0.6f), 0, FloatEq(-0.8f)));
  EXPECT_THAT(zeros, ElementsAre(0, 0, 0));
}

}  // namespace
}  // namespace roost::nets

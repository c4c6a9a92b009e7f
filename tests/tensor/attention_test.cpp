#include "tensor/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tensor/kernels.h"
#include "tensor/numbers.h"

namespace roost::tensor {
namespace {

using test::numbers;

struct Case {
  std::size_t tokens, size;
  Precision precision;
  bool biased;
};

class AttentionTest : public testing::TestWithParam<Case> {
 protected:
  // Token t has query, key and value one after the other, with a gap.
  std::vector<float> run(const std::vector<float>& packed, const float* by_distance) {
    std::vector<std::byte> in(packed.size() * bytes_of(c.precision));
    std::vector<std::byte> out(c.tokens * c.size * bytes_of(c.precision));
    store(c.precision, packed.data(), packed.size(), in.data());
    const std::size_t step = c.size * bytes_of(c.precision);
    AttentionHead head;
    head.query = in.data();
    head.key = in.data() + step;
    head.value = in.data() + 2 * step;
    head.out = out.data();
    head.stride = stride;
    head.out_stride = c.size;
    head.tokens = c.tokens;
    head.size = c.size;
    head.scale = 0.3f;
    head.by_distance = by_distance;
    std::vector<std::byte> scratch(attention_scratch_bytes(c.tokens, c.size));
    attend(c.precision, head, scratch);
    std::vector<float> result(c.tokens * c.size);
    load(c.precision, out.data(), result.size(), result.data());
    return result;
  }

  const Case c = GetParam();
  const std::size_t stride = 3 * c.size + 5;
};

TEST_P(AttentionTest, IsTheSoftenedMeanOfTheValues) {
  const std::vector<float> drawn = numbers(c.tokens * stride, 1);
  std::vector<float> packed(drawn.size());
  std::vector<std::byte> stored(drawn.size() * bytes_of(c.precision));
  store(c.precision, drawn.data(), drawn.size(), stored.data());
  load(c.precision, stored.data(), drawn.size(), packed.data());
  std::vector<float> bias = numbers(2 * c.tokens, 2);
  if (c.biased) std::fill_n(bias.data(), c.tokens / 2, -std::numeric_limits<float>::infinity());
  const float* middle = c.biased ? bias.data() + c.tokens : nullptr;
  const std::vector<float> found = run(packed, middle);
  for (std::size_t q = 0; q < c.tokens; ++q) {
    std::vector<double> weights(c.tokens);
    double sum = 0;
    for (std::size_t k = 0; k < c.tokens; ++k) {
      double score = 0;
      for (std::size_t i = 0; i < c.size; ++i) {
        score += double{packed[q * stride + i]} * double{packed[k * stride + c.size + i]};
      }
      score *= 0.3;
      if (middle != nullptr) score += middle[static_cast<std::ptrdiff_t>(k - q)];
      sum += weights[k] = std::exp(score);
    }
    for (std::size_t i = 0; i < c.size; ++i) {
      double expected = 0;
      for (std::size_t k = 0; k < c.tokens; ++k) {
        expected += weights[k] / sum * double{packed[k * stride + 2 * c.size + i]};
      }
      const double tolerance = c.precision == Precision::F32 ? 1e-5 : 1e-2;
      ASSERT_NEAR(found[q * c.size + i], expected, tolerance * std::max(1.0, std::abs(expected)))
          << q << ", " << i;
    }
  }
}

TEST_P(AttentionTest, ANumberThatIsNoneIsNotHidden) {
  std::vector<float> packed = numbers(c.tokens * stride, 3);
  packed[(c.tokens - 1) * stride + c.size] = std::numeric_limits<float>::quiet_NaN();  // a key's
  const std::vector<float> found = run(packed, nullptr);
  for (const float value : found) EXPECT_TRUE(std::isnan(value));
}

INSTANTIATE_TEST_SUITE_P(
    Heads, AttentionTest,
    testing::Values(Case{1, 8, Precision::F32, false}, Case{7, 32, Precision::F32, false},
                    Case{7, 32, Precision::F32, true}, Case{64, 64, Precision::Bf16, false},
                    Case{33, 5, Precision::F32, true}, Case{130, 32, Precision::Bf16, true}));

}  // namespace
}  // namespace roost::tensor

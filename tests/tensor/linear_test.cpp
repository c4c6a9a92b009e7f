#include "tensor/linear.h"

#include <gtest/gtest.h>

#include <thread>

#include "tensor/kernels.h"
#include "tensor/numbers.h"

namespace roost::tensor {
namespace {

using test::numbers;

struct Case {
  std::size_t in, out, rows;
  Precision precision;
};

std::vector<float> rounded(const std::vector<float>& values, Precision precision) {
  std::vector<std::byte> stored(values.size() * bytes_of(precision));
  std::vector<float> back(values.size());
  store(precision, values.data(), values.size(), stored.data());
  load(precision, stored.data(), values.size(), back.data());
  return back;
}

class LinearTest : public testing::TestWithParam<Case> {
 protected:
  LinearTest()
      : linear({c.in, c.out}, c.precision),
        weights(numbers(c.in * c.out, 1)),
        bias(numbers(c.out, 2)),
        x(numbers(c.rows * c.in, 3)),
        input(x.size() * bytes_of(c.precision)),
        memory(linear.packed_bytes() + kRegionAlign) {
    const auto at = reinterpret_cast<std::uintptr_t>(memory.data());
    packed = memory.data() + (kRegionAlign - at % kRegionAlign) % kRegionAlign;
    for (std::size_t p = 0; p < linear.panels(); ++p) {
      linear.pack(
          p, std::span(weights).subspan(linear.first_column(p) * c.in, linear.columns(p) * c.in),
          packed);
    }
    store(c.precision, x.data(), x.size(), input.data());
  }

  // The whole product, panel by panel.
  std::vector<float> product() {
    std::vector<float> y(c.rows * c.out);
    std::vector<std::byte> scratch(linear.scratch_bytes());
    for (std::size_t p = 0; p < linear.panels(); ++p) {
      const std::size_t columns = linear.columns(p);
      std::vector<float> part(c.rows * columns);
      linear.run(p, packed, input.data(), c.rows, bias.data(), part.data(), scratch);
      for (std::size_t row = 0; row < c.rows; ++row) {
        std::copy_n(part.data() + row * columns, columns,
                    y.data() + row * c.out + linear.first_column(p));
      }
    }
    return y;
  }

  const Case c = GetParam();
  const Linear linear;
  const std::vector<float> weights, bias, x;
  std::vector<std::byte> input, memory;
  std::byte* packed = nullptr;
};

TEST_P(LinearTest, IsTheProduct) {
  const std::vector<float> w = rounded(weights, c.precision), in = rounded(x, c.precision);
  const std::vector<float> y = product();
  for (std::size_t row = 0; row < c.rows; ++row) {
    for (std::size_t column = 0; column < c.out; ++column) {
      double sum = bias[column];
      for (std::size_t k = 0; k < c.in; ++k) {
        sum += double{in[row * c.in + k]} * double{w[column * c.in + k]};
      }
      ASSERT_NEAR(y[row * c.out + column], sum, 1e-3) << row << ", " << column;
    }
  }
}

TEST_P(LinearTest, PanelsCoverTheColumnsInOrder) {
  std::size_t next = 0;
  for (std::size_t p = 0; p < linear.panels(); ++p) {
    EXPECT_EQ(linear.first_column(p), next);
    EXPECT_LE(linear.columns(p), Linear::kMostColumns);
    next += linear.columns(p);
  }
  EXPECT_EQ(next, c.out);
}

TEST_P(LinearTest, ThreadsGetWhatOneGets) {
  const std::vector<float> alone = product();
  std::vector<std::vector<float>> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& y : found) threads.emplace_back([&] { y = product(); });
  }
  for (const auto& y : found) EXPECT_EQ(y, alone);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LinearTest,
    testing::Values(Case{8, 8, 16, Precision::F32}, Case{8, 24, 64, Precision::Bf16},
                    Case{5, 3, 16, Precision::F32}, Case{7, 1, 32, Precision::Bf16},
                    Case{384, 384, 48, Precision::F32}, Case{384, 1152, 64, Precision::Bf16},
                    Case{100, 500, 48, Precision::Bf16}, Case{64, 193, 16, Precision::F32}));

}  // namespace
}  // namespace roost::tensor

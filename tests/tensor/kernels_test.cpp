#include "tensor/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tensor/numbers.h"

namespace roost::tensor {
namespace {

using test::numbers;

constexpr std::size_t kCounts[] = {0, 1, 3, 8, 16, 17, 63, 384};

TEST(Kernels, NumbersComeBackRoundedToTheNearest) {
  for (const std::size_t count : kCounts) {
    const std::vector<float> values = numbers(count, 1);
    std::vector<std::uint16_t> stored(count);
    std::vector<float> back(count);
    store(Precision::Bf16, values.data(), count, stored.data());
    load(Precision::Bf16, stored.data(), count, back.data());
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_LE(std::abs(back[i] - values[i]), std::abs(values[i]) / 256);
    }
  }
}

TEST(Kernels, HalfwayGoesToEven) {
  std::vector<float> values;
  for (int i = 0; i < 40; ++i) values.push_back(1 + static_cast<float>(i) / 256);
  std::vector<std::uint16_t> stored(values.size());
  store(Precision::Bf16, values.data(), values.size(), stored.data());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const int steps = static_cast<int>(stored[i]) - 0x3F80;
    const int expected = static_cast<int>(std::nearbyint(static_cast<double>(i) / 2));
    EXPECT_EQ(steps, expected) << i;
  }
}

TEST(Kernels, WhatIsNotANumberStaysNone) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    const std::vector<float> values(17, bad);
    std::vector<std::uint16_t> stored(17);
    std::vector<float> back(17);
    store(Precision::Bf16, values.data(), 17, stored.data());
    load(Precision::Bf16, stored.data(), 17, back.data());
    for (const float value : back) EXPECT_FALSE(std::isfinite(value));
  }
}

double exactly(Activation activation, double x) {
  switch (activation) {
    case Activation::Gelu:
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Activation::GeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::Relu:
      return std::max(x, 0.0);
    case Activation::Silu:
      return x / (1 + std::exp(-x));
  }
  return 0;
}

TEST(Kernels, ActivationsAreWhatTheyAreCalled) {
  for (const Activation activation :
       {Activation::Gelu, Activation::GeluTanh, Activation::Relu, Activation::Silu}) {
    std::vector<float> values;
    for (double x = -30; x <= 30; x += 0.0371) values.push_back(static_cast<float>(x));
    const std::vector<float> before = values;
    activate(activation, values.data(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double x = before[i];
      EXPECT_NEAR(values[i], exactly(activation, x), 1e-6 * std::max(1.0, std::abs(x))) << x;
    }
  }
}

TEST(Kernels, NamesOfActivations) {
  EXPECT_EQ(parse_activation("gelu"), Activation::Gelu);
  EXPECT_EQ(parse_activation("gelu_new"), Activation::GeluTanh);
  EXPECT_EQ(parse_activation("swish"), Activation::Silu);
  EXPECT_EQ(parse_activation("mish"), std::nullopt);
}

TEST(Kernels, RowsAreNormalised) {
  for (const std::size_t width : {1u, 5u, 16u, 33u, 384u}) {
    const std::vector<float> scale = numbers(width, 2), shift = numbers(width, 3);
    const std::vector<float> before = numbers(3 * width, 4, 7);
    for (const float* moved : {shift.data(), static_cast<const float*>(nullptr)}) {
      std::vector<float> rows = before;
      normalise({scale.data(), moved, 1e-5f}, rows.data(), 3, width);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const float* row = before.data() + i / width * width;
        double mean = 0, variance = 0;
        for (std::size_t k = 0; k < width; ++k) mean += row[k] / static_cast<double>(width);
        for (std::size_t k = 0; k < width; ++k) {
          variance += (row[k] - mean) * (row[k] - mean) / static_cast<double>(width);
        }
        const double unit = (before[i] - mean) / std::sqrt(variance + 1e-5);
        const double expected = unit * scale[i % width] + (moved ? moved[i % width] : 0);
        EXPECT_NEAR(rows[i], expected, 1e-4) << width;
      }
    }
  }
}

TEST(Kernels, SumsAndProducts) {
  for (const std::size_t count : kCounts) {
    const std::vector<float> a = numbers(count, 5), b = numbers(count, 6);
    double product = 0;
    for (std::size_t i = 0; i < count; ++i) product += double{a[i]} * double{b[i]};
    EXPECT_NEAR(dot(a.data(), b.data(), count), product, 1e-3);
    std::vector<float> sum = a;
    add(sum.data(), b.data(), count);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(sum[i], a[i] + b[i]);
  }
}

}  // namespace
}  // namespace roost::tensor

#include "backend/builtin/vectors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/checksum.h"
#include "roost/error.h"

namespace roost::backend {
namespace {

std::vector<float> generate(const TableShape& shape, unsigned threads = 1) {
  std::vector<float> table(shape.floats());
  generate_table(shape, table, threads, {}, {});
  return table;
}

std::uint64_t checksum_of(const std::vector<float>& table) {
  return checksum(std::as_bytes(std::span(table)));
}

TEST(Vectors, TheDefaultTableIsTheSameEverywhere) {
  EXPECT_EQ(checksum_of(generate({}, 2)), 0x51e47a1c6a2622c4u);
}

TEST(Vectors, OddShapesAreTheSameEverywhereToo) {
  EXPECT_EQ(checksum_of(generate({.rows = 100, .dimensions = 9, .seed = 7})),
            13912118912898141790u);
}

TEST(Vectors, ThreadsDoNotChangeTheBytes) {
  const TableShape shape{.rows = 5000, .dimensions = 64};
  const std::vector<float> one = generate(shape);
  for (const unsigned threads : {0u, 2u, 3u, 64u}) EXPECT_EQ(generate(shape, threads), one);
}

TEST(Vectors, ASmallerTableIsAPrefixOfALargerOne) {
  const std::vector<float> small = generate({.rows = 64});
  const std::vector<float> large = generate({.rows = 128});
  EXPECT_TRUE(std::equal(small.begin(), small.end(), large.begin()));
}

TEST(Vectors, SeedsGiveUnrelatedNumbersInRange) {
  const std::vector<float> a = generate({.rows = 64, .seed = 1});
  const std::vector<float> b = generate({.rows = 64, .seed = 2});
  double sum = 0;
  double both = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(a[i] >= -1 && a[i] < 1) << i;
    sum += a[i];
    both += static_cast<double>(a[i]) * b[i];
  }
  const auto count = static_cast<double>(a.size());
  EXPECT_LT(std::abs(sum / count), 0.02);   // 4 standard deviations are 0.018
  EXPECT_LT(std::abs(both / count), 0.01);  // 4 standard deviations are 0.0104
}

TEST(Vectors, StoppedBeforeItStartsItWritesNothing) {
  std::stop_source stop;
  stop.request_stop();
  const TableShape shape{.rows = 64};
  std::vector<float> table(shape.floats(), 5.0f);
  EXPECT_THROW(generate_table(shape, table, 2, {}, stop.get_token()), CancelledException);
  EXPECT_EQ(std::count(table.begin(), table.end(), 5.0f), static_cast<long>(table.size()));
}

TEST(Vectors, AStopEndsItAfterTheChunkInHand) {
  std::stop_source stop;
  const TableShape shape;
  std::vector<float> table(shape.floats(), 5.0f);
  const auto stop_at_once = [&](double) { stop.request_stop(); };
  EXPECT_THROW(generate_table(shape, table, 1, stop_at_once, stop.get_token()), CancelledException);
  const auto untouched = std::count(table.begin(), table.end(), 5.0f);
  EXPECT_EQ(table.size() - static_cast<std::size_t>(untouched), (256u << 10) / sizeof(float));
}

TEST(Vectors, ProgressNeverFallsAndEndsAtOne) {
  const TableShape shape;
  std::vector<float> table(shape.floats());
  std::vector<double> told;
  generate_table(shape, table, 4, [&](double fraction) { told.push_back(fraction); }, {});
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ(told.back(), 1.0);
}

TEST(Vectors, AThrowingProgressEndsTheWorkAndArrivesHere) {
  const TableShape shape;
  std::vector<float> table(shape.floats());
  const auto fail = [](double) { throw std::runtime_error("listener"); };
  EXPECT_THROW(generate_table(shape, table, 4, fail, {}), std::runtime_error);
}

}  // namespace
}  // namespace roost::backend

#include "backend/checksum.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace roost::backend {
namespace {

TEST(Checksum, EveryByteAndTheLengthCount) {
  std::vector<std::byte> bytes(75);
  std::set<std::uint64_t> seen;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    seen.insert(checksum(std::span(bytes).first(size)));
  }
  for (std::byte& byte : bytes) {
    byte = std::byte{1};
    seen.insert(checksum(bytes));
    byte = std::byte{0};
  }
  EXPECT_EQ(seen.size(), 76u + 75u);
}

TEST(Checksum, OrderCounts) {
  std::vector<std::byte> bytes(64);
  bytes[0] = std::byte{1};
  const std::uint64_t first = checksum(bytes);
  std::swap(bytes[0], bytes[32]);  // another word of the same lane
  EXPECT_NE(checksum(bytes), first);
  std::swap(bytes[32], bytes[8]);  // another lane
  EXPECT_NE(checksum(bytes), first);
}

}  // namespace
}  // namespace roost::backend

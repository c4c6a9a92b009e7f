#include "roost/memory.h"

#include <gtest/gtest.h>

#include "base/checked.h"

namespace roost {
namespace {

TEST(MemoryVector, AddsAndSubtractsWithoutWrapping) {
  MemoryVector v = MemoryVector::host(10) + MemoryVector::on(device_memory(0), 5);
  v += MemoryVector::host(UINT64_MAX);
  EXPECT_EQ(v[MemoryId::Host], UINT64_MAX);
  v -= MemoryVector::on(device_memory(0), 6);
  EXPECT_EQ(v[device_memory(0)], 0u);
  EXPECT_EQ(v.total(), UINT64_MAX);
}

TEST(MemoryVector, FitsOnlyWhenEveryMemoryDoes) {
  const MemoryVector need = MemoryVector::host(10) + MemoryVector::on(device_memory(1), 5);
  EXPECT_TRUE(need.fits(need));
  EXPECT_FALSE(need.fits(MemoryVector::host(100)));
}

TEST(MemoryVector, PrintsWhatItHolds) {
  EXPECT_EQ(to_string(MemoryVector()), "nothing");
  EXPECT_EQ(to_string(MemoryVector::host(1 << 20) + MemoryVector::on(device_memory(2), 1)),
            "host 1.0 MiB, device:2 1 B");
}

TEST(Checked, RefusesWhatDoesNotFit) {
  EXPECT_EQ(checked_add(UINT64_MAX, 1), std::nullopt);
  EXPECT_EQ(checked_mul(1ull << 32, 1ull << 32), std::nullopt);
  EXPECT_EQ(checked_align_up(UINT64_MAX, 16), std::nullopt);
  EXPECT_EQ(checked_align_up(17, 16), 32u);
}

}  // namespace
}  // namespace roost

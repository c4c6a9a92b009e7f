#include "base/epoch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace roost {
namespace {

TEST(Epoch, FreesOnlyAfterReadersThatMightSeeItHaveLeft) {
  Epoch epoch;
  bool freed = false;
  {
    const Epoch::Guard reader = epoch.read();
    epoch.retire([&] { freed = true; });
    epoch.reclaim();
    EXPECT_FALSE(freed);
  }
  epoch.reclaim();
  EXPECT_TRUE(freed);
  EXPECT_EQ(epoch.retired(), 0u);
}

TEST(Epoch, WhatIsNeverReclaimedGoesWithTheEpoch) {
  bool freed = false;
  { Epoch epoch; epoch.retire([&] { freed = true; }); }
  EXPECT_TRUE(freed);
}

TEST(Epoch, ReadersNeverSeeFreedMemory) {
  Epoch epoch;
  std::atomic<int*> shared{new int(0)};
  std::atomic<bool> stop{false};
  {
    std::jthread reader([&] {
      while (!stop) {
        const Epoch::Guard guard = epoch.read();
        EXPECT_GE(*shared.load(), 0);
      }
    });
    for (int i = 1; i <= 20000; ++i) {
      int* old = shared.exchange(new int(i));
      epoch.retire([old] { *old = -1; delete old; });
      epoch.reclaim();
    }
    stop = true;
  }
  delete shared.load();
}

}  // namespace
}  // namespace roost

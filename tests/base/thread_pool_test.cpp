#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>

namespace roost {
namespace {

TEST(ThreadPool, StopRunsWhatIsQueuedAndRefusesTheRest) {
  std::atomic<int> ran = 0;
  ThreadPool pool("test", 2, ThreadPriority::Background);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.post([&] { ++ran; }));
  pool.stop();
  EXPECT_EQ(ran, 100);
  EXPECT_FALSE(pool.post([&] { ++ran; }));
  pool.stop();
  EXPECT_EQ(ran, 100);
}

TEST(ThreadPool, NeverUsedItStopsToo) { ThreadPool pool("idle", 3, ThreadPriority::Normal); }

}  // namespace
}  // namespace roost

#include "pool/core/lease_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace roost::pool {
namespace {

TEST(LeaseGate, CountsLeasesAndCallsApart) {
  LeaseGate gate;
  EXPECT_TRUE(gate.try_lease());
  EXPECT_TRUE(gate.try_lease());
  EXPECT_TRUE(gate.try_call());
  EXPECT_EQ(gate.counts().leases, 2u);
  EXPECT_EQ(gate.counts().calls, 1u);
  EXPECT_EQ(gate.end_call().calls, 0u);
  EXPECT_EQ(gate.end_lease().leases, 1u);
  EXPECT_TRUE(gate.end_lease().unused());
}

TEST(LeaseGate, ClosedGivesNoLeaseButLetsHoldersCall) {
  LeaseGate gate;
  ASSERT_TRUE(gate.try_lease());
  EXPECT_EQ(gate.close().leases, 1u);
  EXPECT_FALSE(gate.try_lease());
  EXPECT_TRUE(gate.try_call());
  gate.end_call();
  gate.reopen();
  EXPECT_TRUE(gate.try_lease());
}

TEST(LeaseGate, RevokedRefusesCallsToo) {
  LeaseGate gate;
  ASSERT_TRUE(gate.try_lease());
  ASSERT_TRUE(gate.try_call());
  EXPECT_EQ(gate.revoke().calls, 1u);
  EXPECT_FALSE(gate.try_call());
  EXPECT_EQ(gate.end_call().calls, 0u);
}

TEST(LeaseGate, SealsOnlyWhenUnused) {
  LeaseGate gate;
  ASSERT_TRUE(gate.try_lease());
  EXPECT_FALSE(gate.seal_if_unused());
  EXPECT_FALSE(gate.counts().closed);
  gate.end_lease();
  EXPECT_TRUE(gate.seal_if_unused());
  EXPECT_FALSE(gate.seal_if_unused());  // sealed already
  EXPECT_FALSE(gate.try_lease());
  EXPECT_FALSE(gate.try_call());
  gate.reopen();
  EXPECT_TRUE(gate.try_lease());
  EXPECT_TRUE(gate.try_call());
}

TEST(LeaseGate, TellsOfTheWatchWithEachReturn) {
  LeaseGate gate;
  ASSERT_TRUE(gate.try_lease());
  EXPECT_FALSE(gate.watch().unused());
  EXPECT_TRUE(gate.end_lease().watched);
  gate.unwatch();
  ASSERT_TRUE(gate.try_lease());
  EXPECT_FALSE(gate.end_lease().watched);
}

TEST(LeaseGate, RemembersUses) {
  LeaseGate gate;
  const Instant noon{std::chrono::hours(12)};
  gate.touch(noon);
  EXPECT_EQ(gate.uses(), 1u);
  gate.idle_from(noon + std::chrono::hours(1));
  EXPECT_EQ(gate.uses(), 1u);
  EXPECT_EQ(gate.last_used(), noon + std::chrono::hours(1));
}

// One thread takes leases and calls, the other seals and reopens. Whoever seals must be alone:
// no lease and no call is out while the gate is sealed.
TEST(LeaseGate, NobodyIsInsideWhileSealed) {
  LeaseGate gate;
  std::atomic<int> inside{0};
  std::atomic<bool> done{false};
  std::atomic<int> seals{0};
  {
    std::jthread user([&] {
      for (int leased = 0; leased < 20000 || seals < 100;) {
        if (!gate.try_lease()) continue;
        if (gate.try_call()) {
          ++inside;
          ++leased;
          --inside;
          gate.end_call();
        }
        gate.end_lease();
      }
      done = true;
    });
    while (!done) {
      if (!gate.seal_if_unused()) continue;
      EXPECT_EQ(inside.load(), 0);
      ++seals;
      gate.reopen();
    }
  }
  EXPECT_TRUE(gate.counts().unused());
}

// A drain: close, watch, and hear exactly once that the last one has left, whoever it was.
TEST(LeaseGate, TheLastReturnOfADrainIsSeen) {
  for (int round = 0; round < 500; ++round) {
    LeaseGate gate;
    ASSERT_TRUE(gate.try_lease());
    ASSERT_TRUE(gate.try_lease());
    std::atomic<int> heard{0};
    const auto leave = [&] {
      const LeaseGate::Counts left = gate.end_lease();
      if (left.watched && left.unused()) ++heard;
    };
    std::jthread other(leave);
    gate.close();
    const bool unused_already = gate.watch().unused();
    leave();
    other.join();
    EXPECT_EQ(heard.load() + (unused_already ? 1 : 0), 1);
    EXPECT_TRUE(gate.seal_if_unused());
  }
}

}  // namespace
}  // namespace roost::pool

#include "pool/core/ledger.h"

#include <gtest/gtest.h>

#include "pool/core/world.h"

namespace roost::pool {
namespace {

using test::gpu;
using test::host;

constexpr SlotId kA{1}, kB{2}, kC{3};

TEST(Accounts, ALoadReservesThenSettlesAtWhatItMeasured) {
  Accounts accounts(host(100));
  accounts.reserve(kA, host(60));
  EXPECT_EQ(accounts.totals().reserved, host(60));
  EXPECT_EQ(accounts.totals().loading, host(60));
  EXPECT_TRUE(accounts.grow(kA, host(20)));
  EXPECT_FALSE(accounts.grow(kA, host(21)));
  accounts.settle(kA, host(50));
  EXPECT_EQ(accounts.totals().reserved, host(50));
  EXPECT_EQ(accounts.totals().loading, host(0));
  EXPECT_EQ(accounts.broken_law(), std::nullopt);
}

TEST(Accounts, AFailedLoadLeavesNothing) {
  Accounts accounts(host(100));
  accounts.reserve(kA, host(60));
  accounts.abandon(kA);
  EXPECT_TRUE(accounts.all().empty());
  EXPECT_EQ(accounts.totals().headroom()[MemoryId::Host], 100u);
}

TEST(Accounts, BytesAreFreeOnlyWhenTheUnloadHasEnded) {
  Accounts accounts(host(100));
  accounts.reserve(kA, host(80));
  accounts.settle(kA, host(80));
  accounts.release(kA);
  EXPECT_EQ(accounts.totals().headroom()[MemoryId::Host], 100u);  // may be promised,
  EXPECT_FALSE(accounts.totals().has_room(host(30)));             // not yet be taken
  accounts.give_back(kA, {});
  EXPECT_TRUE(accounts.totals().has_room(host(100)));
}

TEST(Accounts, LostBytesStayReservedUntilFound) {
  Accounts accounts(host(100));
  accounts.reserve(kA, host(80));
  accounts.settle(kA, host(80));
  accounts.release(kA);
  accounts.give_back(kA, host(30));
  EXPECT_EQ(accounts.totals().reserved, host(30));
  EXPECT_EQ(accounts.totals().lost, host(30));
  accounts.reserve(kA, host(70));  // the slot itself may load again beside them
  EXPECT_EQ(accounts.found(kA, host(500)), host(30));
  EXPECT_EQ(accounts.totals().reserved, host(70));
  EXPECT_EQ(accounts.found(kB, host(1)), host(0));
}

TEST(Accounts, NobodyTakesWhatAClaimWasPromised) {
  Accounts accounts(host(100));
  accounts.reserve(kA, host(80));
  accounts.settle(kA, host(80));
  accounts.release(kA);
  accounts.claim(kB, host(90));
  EXPECT_EQ(accounts.totals().headroom(), host(10));
  EXPECT_TRUE(accounts.totals().has_room(host(10)));
  EXPECT_FALSE(accounts.totals().has_room(host(11)));
  accounts.give_back(kA, {});
  EXPECT_FALSE(accounts.totals().has_room(host(11)));
  accounts.drop_claim(kB);
  EXPECT_TRUE(accounts.totals().has_room(host(100)));
}

TEST(Accounts, AClaimIsUncoveredWhenBytesAreLost) {
  Accounts accounts(host(100));
  accounts.reserve(kA, host(80));
  accounts.settle(kA, host(80));
  accounts.release(kA);
  accounts.claim(kB, host(90));
  EXPECT_TRUE(accounts.totals().claims_covered());
  accounts.give_back(kA, host(40));
  EXPECT_FALSE(accounts.totals().claims_covered());
  EXPECT_NE(accounts.broken_law(), std::nullopt);
}

TEST(Accounts, TheMachineLimitsBesideTheBudget) {
  Accounts accounts(host(100));
  accounts.observe(host(50));
  EXPECT_EQ(accounts.totals().headroom(), host(50));
  accounts.reserve(kA, host(20));
  EXPECT_EQ(accounts.totals().headroom(), host(30));
  accounts.settle(kA, host(10));  // has taken 10 of the 50
  EXPECT_EQ(accounts.totals().headroom(), host(40));
  accounts.release(kA);
  accounts.give_back(kA, {});
  EXPECT_EQ(accounts.totals().headroom(), host(50));
}

TEST(Accounts, AbsurdSizesDoNotWrap) {
  Accounts accounts(host(100));
  EXPECT_EQ(accounts.totals().shortage(host(UINT64_MAX)), host(UINT64_MAX - 100));
  EXPECT_FALSE(accounts.totals().has_room(host(UINT64_MAX)));
  accounts.reserve(kA, host(100));
  EXPECT_EQ(accounts.totals().shortage(host(UINT64_MAX)), host(UINT64_MAX - 100));
}

TEST(Accounts, AMemoryThatIsNotNeededIsNotShort) {
  Accounts accounts(host(100) + gpu(10));
  accounts.reserve(kA, host(100));
  EXPECT_TRUE(accounts.totals().has_room(gpu(10)));
  accounts.set_budget(host(50) + gpu(10));
  EXPECT_TRUE(accounts.totals().has_room(gpu(10)));
}

TEST(Accounts, ALoweredBudgetIsNoBrokenLawWhileReservedOnlyShrinks) {
  Accounts accounts(host(100));
  accounts.reserve(kA, host(40));
  accounts.reserve(kB, host(40));
  accounts.set_budget(host(50));
  EXPECT_EQ(accounts.broken_law(), std::nullopt);
  EXPECT_EQ(accounts.totals().headroom(), host(0));
  accounts.abandon(kA);
  EXPECT_EQ(accounts.broken_law(), std::nullopt);
}

TEST(AccountsDeathTest, OverBudgetIsOurBug) {
  Accounts accounts(host(100));
  EXPECT_DEATH(accounts.reserve(kC, host(101)), "has_room");
}

}  // namespace
}  // namespace roost::pool

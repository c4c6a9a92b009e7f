// What plan() says, and that it is what request() does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/core/core_impl.h"
#include "pool/core/world.h"

namespace roost::pool::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Report, NamesTheVictimsAndChangesNothing) {
  World w(host(10));
  const SlotId a = w.resident("a", host(6)), b = w.model("b", host(8));
  const PlanReport plan = w.core.plan(b, {}, w.now);
  EXPECT_EQ(plan.model, "b");
  EXPECT_EQ(plan.verdict, Verdict::Admit);
  EXPECT_EQ(plan.need, host(8));
  EXPECT_EQ(plan.free, host(4));
  EXPECT_TRUE(plan.short_by.empty());
  ASSERT_EQ(plan.victims.size(), 1u);
  EXPECT_EQ(plan.victims[0].model, "a");
  EXPECT_EQ(plan.victims[0].frees, host(6));
  EXPECT_EQ(plan.victims[0].why, "idle 1 s, 100 ms to reload, host 6 B");
  EXPECT_THAT(plan.explanation, HasSubstr("1 would be evicted"));
  EXPECT_THAT(plan.explanation, HasSubstr(": 'a'"));
  EXPECT_EQ(w.state(a), ModelState::Loaded);
  EXPECT_TRUE(w.gates.at(a)->try_lease());
}

TEST(Report, ASnapshotsBuffersServeTheNextOne) {
  World w(host(10));
  w.resident("a", host(6));
  const SlotId b = w.model("b", host(8));
  Snapshot first = w.core.snapshot(b, {}, w.now);
  ASSERT_EQ(first.rows.size(), 1u);
  const Row* rows = first.rows.data();
  w.core.recycle(std::move(first));
  EXPECT_EQ(w.core.snapshot(b, {}, w.now).rows.data(), rows);
}

TEST(Report, SaysWhoGoesForTheGroupsSake) {
  World w(host(10));
  SlotPolicy grouped;
  grouped.group = "g";
  const SlotId a = w.resident("a", host(2)), other = w.resident("other", host(5));
  const SlotId b = w.model("b", host(5)), c = w.model("c", host(6));
  for (const SlotId slot : {a, b, c}) {
    w.in([&](Core& core, Instant now, Actions& out) { core.set_policy(slot, grouped, now, out); });
  }
  const PlanReport plan = w.core.plan(b, {}, w.now);
  EXPECT_EQ(plan.explanation,
            "'b' needs host 5 B; only one of its group 'g' may be loaded, 1 would be evicted: 'a'");
  ASSERT_EQ(plan.victims.size(), 1u);
  EXPECT_THAT(plan.victims[0].why, StartsWith("of the same group 'g', idle "));
  EXPECT_THAT(w.core.plan(c, {}, w.now).explanation,
              HasSubstr("may be loaded; to make room, 2 would be evicted: 'a', 'other'"));
  w.ask(b);
  ASSERT_EQ(w.all<Evicted>().size(), 1u);
  EXPECT_THAT(w.all<Evicted>()[0].why, HasSubstr("of the same group"));
  EXPECT_EQ(w.state(other), ModelState::Loaded);
}

TEST(Report, IsWhatARequestWouldMeet) {
  World w(host(10));
  const SlotId a = w.model("a", host(6)), b = w.model("b", host(8)), c = w.model("c", host(11));
  RequestSpec fail_fast;
  fail_fast.fail_fast = true;
  EXPECT_EQ(w.core.plan(a, {}, w.now).explanation, "'a' needs host 6 B, which is free");
  w.ask(a);
  EXPECT_THAT(w.core.plan(a, {}, w.now).explanation, HasSubstr("being loaded already"));
  EXPECT_THAT(w.core.plan(b, {}, w.now).waits_for, HasSubstr("loads that run"));
  w.loaded(a);
  EXPECT_TRUE(w.core.plan(a, {}, w.now).already_loaded);
  EXPECT_EQ(w.core.plan(b, {}, w.now).verdict, Verdict::Wait);
  EXPECT_THAT(w.core.plan(b, {}, w.now).waits_for, HasSubstr("leases"));
  EXPECT_EQ(w.core.plan(b, {}, w.now).refused_as, std::nullopt);
  EXPECT_EQ(w.core.plan(b, fail_fast, w.now).verdict, Verdict::Refuse);
  const PlanReport never = w.core.plan(c, {}, w.now);
  EXPECT_EQ(never.verdict, Verdict::Refuse);
  EXPECT_EQ(never.short_by, host(1));
  EXPECT_EQ(never.refused_as, ErrorCode::BudgetExceeded);
  EXPECT_EQ(never.explanation,
            "'c' needs host 11 B, and the budget is host 10 B; raise the budget, or choose a "
            "smaller model or variant");
  w.release(a);
  EXPECT_THAT(w.core.plan(b, {}, w.now).waits_for, HasSubstr("a moment ago"));
  w.unload(a);
  EXPECT_THAT(w.core.plan(a, {}, w.now).waits_for, HasSubstr("its own unload"));
  EXPECT_EQ(w.core.plan(b, {}, w.now).verdict, Verdict::Admit);  // the bytes are on their way
}

TEST(Report, SaysWhatPinnedModelsLeave) {
  World w(host(10));
  SlotPolicy pinned;
  pinned.pinned = true;
  const SlotId a = w.resident("a", host(6));
  w.in([&](Core& core, Instant now, Actions& out) { core.set_policy(a, pinned, now, out); });
  const PlanReport plan = w.core.plan(w.model("b", host(8)), {}, w.now);
  EXPECT_EQ(plan.short_by, host(4));
  EXPECT_THAT(plan.explanation, HasSubstr("the budget is host 10 B, of which what is pinned or "
                                          "lost leaves host 4 B; raise the budget, unpin"));
}

TEST(Report, KnowsTheQueueAhead) {
  World w(host(10));
  const SlotId leased = w.model("leased", host(5));
  w.ask(leased);
  w.loaded(leased);
  w.ask(w.model("big", host(8)));
  w.advance(seconds(20));
  const SlotId small = w.model("small", host(2));
  EXPECT_THAT(w.core.plan(small, {}, w.now).waits_for, HasSubstr("earlier requests"));
}

TEST(Report, TellsOfBackOffAndClosing) {
  World w(host(10));
  const SlotId a = w.model("a", host(6));
  w.ask(a);
  w.load_failed(a);
  EXPECT_EQ(w.core.plan(a, {}, w.now).verdict, Verdict::Refuse);
  EXPECT_EQ(w.core.plan(a, {}, w.now).refused_as, ErrorCode::LoadBackoff);
  EXPECT_THAT(w.core.plan(a, {}, w.now).explanation, HasSubstr("allowed in 1 s"));
  RequestSpec retry;
  retry.retry_now = true;
  EXPECT_EQ(w.core.plan(a, retry, w.now).verdict, Verdict::Admit);
  w.in([&](Core& core, Instant now, Actions& out) { core.close(now, out); });
  EXPECT_THAT(w.core.plan(a, {}, w.now).explanation, HasSubstr("closed"));
}

TEST(Report, CountsAModelAndItsWeightsOnce) {
  World w(host(100));
  SlotSpec weights;
  weights.key = "a#weights";
  weights.model = "a";
  weights.kind = SlotKind::Image;
  weights.estimate = host(60);
  w.resident(w.model_of("a", host(10), {w.model(weights)}, true));
  const PlanReport plan = w.core.plan(w.model("b", host(60)), {}, w.now);
  EXPECT_EQ(plan.victims.size(), 2u);
  EXPECT_THAT(plan.explanation, HasSubstr("to make room, 1 would be evicted: 'a'"));
}

TEST(Report, SaysWhatIsDemoted) {
  World w(host(100) + gpu(100));
  w.resident(w.model_of("a", gpu(60), {w.image("i", 10)}));
  const PlanReport plan = w.core.plan(w.model("b", gpu(60)), {}, w.now);
  ASSERT_EQ(plan.victims.size(), 1u);
  EXPECT_TRUE(plan.victims[0].demote);
  EXPECT_THAT(plan.explanation, HasSubstr("to make room, 1 would be demoted to host memory: 'a'"));
}

TEST(Report, ViewsTellWhatIs) {
  World w(host(100) + gpu(100));
  const SlotId i = w.image("i", 10);
  const SlotId a = w.model_of("a", gpu(60), {i});
  EXPECT_EQ(w.core.view(a).tier, Tier::None);
  w.ask(a);
  w.load_all();
  const SlotView view = w.core.view(a);
  EXPECT_EQ(view.tier, Tier::Device);
  EXPECT_EQ(view.leases, 1u);
  EXPECT_EQ(view.uses, 1u);
  EXPECT_EQ(view.reserved, gpu(60));
  EXPECT_EQ(view.loaded_at, w.now);
  EXPECT_EQ(w.core.view(i).tier, Tier::Host);
  w.release(a);
  w.unload(a);
  w.unloaded(a);
  w.unloaded(i);
  EXPECT_EQ(w.core.view(a).uses, 1u);
  EXPECT_EQ(w.core.view(a).tier, Tier::None);
}

TEST(Report, DurationsAreInTheirOwnUnit) {
  using std::chrono::nanoseconds;
  const std::vector<std::pair<std::int64_t, std::string>> cases = {
      {0, "0 s"},
      {16'000, "16 us"},
      {999'400, "999 us"},
      {999'600, "1 ms"},
      {250'000'000, "250 ms"},
      {999'600'000, "1 s"},
      {1'500'000'000, "1.5 s"},
      {9'960'000'000, "10 s"},
      {120'000'000'000, "120 s"},
  };
  for (const auto& [ns, text] : cases) EXPECT_EQ(duration_text(nanoseconds(ns)), text);
}

}  // namespace
}  // namespace roost::pool::test

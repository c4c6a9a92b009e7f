#include "pool/core/plan.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "pool/core/world.h"

namespace roost::pool {
namespace {

using test::gpu;
using test::host;
using std::chrono::seconds;

constexpr Instant kNow{std::chrono::hours(1)};
constexpr std::uint16_t kHeldByLoad = 1;

// A resident in one line: what it frees, when it was used last (seconds, later is newer) and what
// is special about it. Its slot is its place in the list.
struct R {
  MemoryVector frees;
  int used = 0;
  unsigned flags = 0;
  std::function<void(Row&)> more = [](Row&) {};
};

struct PlanCase {
  std::string name;
  std::vector<R> rows;
  MemoryVector budget, need;
  Verdict verdict = Verdict::Admit;
  std::string victims = {};  // "0 2", "demote 1", "save 1"
  Obstacle obstacle = Obstacle::None;
  std::function<void(Snapshot&)> more = [](Snapshot&) {};
};

Snapshot snapshot_of(const PlanCase& c) {
  Snapshot s;
  s.now = kNow;
  s.policy = EvictionPolicy::Lru;
  s.totals.budget = c.budget;
  s.need = c.need;
  for (std::size_t i = 0; i < c.rows.size(); ++i) {
    Row row;
    row.slot = SlotId{static_cast<std::uint32_t>(i)};
    row.flags = static_cast<std::uint16_t>(c.rows[i].flags);
    row.last_used = kNow - seconds(1000) + seconds(c.rows[i].used);
    c.rows[i].more(row);
    s.add(row, c.rows[i].frees);
    s.totals.reserved += c.rows[i].frees;
  }
  c.more(s);
  return s;
}

std::string text_of(const std::vector<Victim>& victims) {
  std::string text;
  for (const Victim& v : victims) {
    if (!text.empty()) text += ", ";
    text += std::string(v.save ? "save " : v.demote ? "demote " : "") +
            std::to_string(static_cast<std::uint32_t>(v.slot));
  }
  return text;
}

// Makes row `model` run from the images at `images`.
using Links = std::vector<std::pair<std::uint32_t, std::vector<std::uint32_t>>>;
std::function<void(Snapshot&)> runs_from(const Links& links) {
  return [links](Snapshot& s) {
    for (const auto& [model, images] : links) {
      s.rows[model].flags |= Row::kInPlace;
      s.rows[model].first_image = static_cast<std::uint32_t>(s.images.size());
      s.rows[model].images = static_cast<std::uint32_t>(images.size());
      for (const std::uint32_t image : images) {
        s.images.push_back(image);
        ++s.rows[image].holders;
      }
    }
  };
}

std::function<void(Row&)> saves(std::uint64_t bytes) {
  return [bytes](Row& row) { row.save_bytes = bytes; };
}
std::function<void(Row&)> retained(LoadPriority p) {
  return [p](Row& row) { row.retention = p; };
}
void fresh(Row& row) { row.evictable_from = kNow + seconds(1); }
void held(Row& row) { row.holders = kHeldByLoad; }

class PlanTest : public testing::TestWithParam<PlanCase> {};

TEST_P(PlanTest, Decides) {
  const PlanCase& c = GetParam();
  const Snapshot s = snapshot_of(c);
  const Decision d = decide(s);
  EXPECT_EQ(d.verdict, c.verdict);
  EXPECT_EQ(text_of(d.victims), c.victims);
  EXPECT_EQ(d.obstacle, c.obstacle);
  const bool lacks_bytes = d.verdict != Verdict::Admit && d.obstacle <= Obstacle::OtherProcesses;
  EXPECT_FALSE(lacks_bytes && d.short_by.empty());
  EXPECT_TRUE(d.verdict != Verdict::Admit || d.short_by.empty());
  Snapshot impatient = s;
  impatient.fail_fast = true;
  const Verdict at_once = c.verdict == Verdict::Wait ? Verdict::Refuse : c.verdict;
  EXPECT_EQ(decide(impatient).verdict, at_once);
}

constexpr auto kAdmit = Verdict::Admit;
constexpr auto kWait = Verdict::Wait;
constexpr auto kRefuse = Verdict::Refuse;

INSTANTIATE_TEST_SUITE_P(
    OneMemory, PlanTest,
    testing::Values(
        PlanCase{"Empty", {}, host(10), host(10)},
        PlanCase{"NeedsNothing", {{host(10)}}, host(10), {}},
        PlanCase{"FitsBeside", {{host(4)}}, host(10), host(6)},
        PlanCase{"OldestFirst", {{host(4), 9}, {host(4), 1}}, host(10), host(5), kAdmit, "1"},
        PlanCase{"AsManyAsItTakes", {{host(3), 1}, {host(3), 2}, {host(3), 3}}, host(10), host(7),
                 kAdmit, "0, 1"},
        PlanCase{"DropsWhomItDoesNotNeed", {{host(1), 1}, {host(8), 2}}, host(10), host(9), kAdmit,
                 "1"},
        PlanCase{"DropsTheMostValuableFirst", {{host(1), 1}, {host(1), 2}, {host(8), 3}}, host(10),
                 host(9), kAdmit, "0, 2"},
        PlanCase{"SparesPinned", {{host(4), 1, Row::kPinned}, {host(4), 9}}, host(10), host(5),
                 kAdmit, "1"},
        PlanCase{"SparesLeased", {{host(4), 1, Row::kLeased}, {host(4), 9}}, host(10), host(5),
                 kAdmit, "1"},
        PlanCase{"SparesFresh", {{host(4), 1, 0, fresh}, {host(4), 9}}, host(10), host(5), kAdmit,
                 "1"},
        PlanCase{"SparesDraining", {{host(4), 1, Row::kBusy}, {host(4), 9}}, host(10), host(5),
                 kAdmit, "1"},
        PlanCase{"SparesHeldImage", {{host(4), 1, Row::kImage, held}, {host(4), 9}}, host(10),
                 host(5), kAdmit, "1"},
        PlanCase{"SparesItsOwnImages", {{host(4), 1, Row::kImage | Row::kOwn}, {host(4), 9}},
                 host(10), host(5), kAdmit, "1"},
        PlanCase{"LowerRetentionFirst",
                 {{host(4), 1}, {host(4), 9, 0, retained(LoadPriority::Low)}}, host(10), host(5),
                 kAdmit, "1"},
        PlanCase{"HigherRetentionLast",
                 {{host(4), 1, 0, retained(LoadPriority::High)}, {host(4), 9}}, host(10), host(5),
                 kAdmit, "1"},
        PlanCase{"IgnoresVacantRows", {{host(0), 1, Row::kVacant}, {host(8), 9}}, host(10), host(5),
                 kAdmit, "1"},
        PlanCase{"NeverFits", {{host(4), 1}}, host(10), host(11), kRefuse, "", Obstacle::TooBig},
        PlanCase{"NeverFitsBesidePinned", {{host(6), 1, Row::kPinned}, {host(4), 9}}, host(10),
                 host(5), kRefuse, "", Obstacle::TooBig},
        PlanCase{"NeverFitsBesideItsOwnImages", {{host(6), 1, Row::kImage | Row::kOwn}}, host(10),
                 host(5), kRefuse, "", Obstacle::TooBig},
        PlanCase{"NoBudget", {}, {}, host(1), kRefuse, "", Obstacle::NoBudget},
        PlanCase{"NoBudgetNothingNeeded", {}, {}, {}},
        PlanCase{"WaitsForLeases", {{host(8), 1, Row::kLeased}}, host(10), host(5), kWait, "",
                 Obstacle::Leases},
        PlanCase{"TouchesNobodyWhileItWaits", {{host(5), 1, Row::kLeased}, {host(5), 1}}, host(10),
                 host(8), kWait, "", Obstacle::Leases},
        PlanCase{"WaitsForResidency", {{host(8), 1, 0, fresh}}, host(10), host(5), kWait, "",
                 Obstacle::Residency},
        PlanCase{"WaitsForADrain", {{host(8), 1, Row::kBusy}}, host(10), host(5), kWait, "",
                 Obstacle::Unloads},
        PlanCase{"WaitsForTheLoadThatHoldsAnImage", {{host(8), 1, Row::kImage, held}}, host(10),
                 host(5), kWait, "", Obstacle::Loads}),
    [](const auto& test) { return test.param.name; });

void loading_eight(Snapshot& s) {
  s.totals.reserved += host(8);
  s.totals.loading += host(8);
}
void pinned_loading_eight(Snapshot& s) {
  loading_eight(s);
  s.pinned_loads = host(8);
}
void lost_eight(Snapshot& s) {
  s.totals.reserved += host(8);
  s.totals.lost += host(8);
}
void releasing_eight(Snapshot& s) {
  s.totals.reserved += host(8);
  s.totals.releasing += host(8);
}
void claimed_eight(Snapshot& s) { s.totals.claimed += host(8); }
void releasing_for_a_claim(Snapshot& s) {
  releasing_eight(s);
  claimed_eight(s);
}

INSTANTIATE_TEST_SUITE_P(
    Promises, PlanTest,
    testing::Values(
        PlanCase{"WaitsForALoad", {}, host(10), host(5), kWait, "", Obstacle::Loads, loading_eight},
        PlanCase{"APinnedLoadNeverGoes", {}, host(10), host(5), kRefuse, "", Obstacle::TooBig,
                 pinned_loading_eight},
        PlanCase{"LostBytesNeverGo", {}, host(10), host(5), kRefuse, "", Obstacle::TooBig,
                 lost_eight},
        PlanCase{"CountsOnARunningUnload", {}, host(10), host(5), kAdmit, "", Obstacle::None,
                 releasing_eight},
        PlanCase{"ClaimsAreTaken", {}, host(10), host(5), kWait, "", Obstacle::Claims,
                 claimed_eight},
        PlanCase{"WhatIsReleasedForAClaimIsTaken", {}, host(10), host(5), kWait, "",
                 Obstacle::Claims, releasing_for_a_claim},
        PlanCase{"EvictsBesideAClaim", {{host(2), 1}}, host(10), host(2), kAdmit, "0",
                 Obstacle::None, claimed_eight},
        PlanCase{"NoLoadSlot", {}, host(10), host(5), kWait, "", Obstacle::LoadSlots,
                 [](Snapshot& s) { s.load_slot_free = false; }},
        PlanCase{"NeverFitsThoughNoLoadSlot", {}, host(10), host(11), kRefuse, "", Obstacle::TooBig,
                 [](Snapshot& s) { s.load_slot_free = false; }},
        PlanCase{"PassesOneWhoWaitsPatiently", {{host(4), 1}}, host(10), host(6), kAdmit, "",
                 Obstacle::None, [](Snapshot& s) { s.ahead_patient = 1; }},
        PlanCase{"TakesNoVictimFromOneWhoWaits", {{host(8), 1}}, host(10), host(6), kWait, "",
                 Obstacle::QueueAhead, [](Snapshot& s) { s.ahead_patient = 1; }},
        PlanCase{"PassesNobodyWhoWaitedLong", {{host(4), 1}}, host(10), host(6), kWait, "",
                 Obstacle::QueueAhead, [](Snapshot& s) { s.ahead_overdue = 1; }},
        PlanCase{"PassesOnAnotherMemory", {}, host(10), host(6), kAdmit, "", Obstacle::None,
                 [](Snapshot& s) { s.ahead_overdue = 2; }},
        PlanCase{"OtherProcesses", {{host(2), 1}}, host(10), host(6), kRefuse, "",
                 Obstacle::OtherProcesses, [](Snapshot& s) { s.totals.available = host(3); }},
        PlanCase{"EvictsUnderExternalPressure", {{host(4), 1}}, host(10), host(6), kAdmit, "0",
                 Obstacle::None, [](Snapshot& s) { s.totals.available = host(3); }},
        PlanCase{"WaitsForLeasesUnderExternalPressure", {{host(4), 1, Row::kLeased}}, host(10),
                 host(6), kWait, "", Obstacle::Leases,
                 [](Snapshot& s) { s.totals.available = host(3); }},
        PlanCase{"AlreadyLoaded", {}, host(1), host(5), kAdmit, "", Obstacle::None,
                 [](Snapshot& s) { s.standing = Standing::Loaded; }},
        PlanCase{"BackingOff", {}, host(10), host(5), kRefuse, "", Obstacle::BackOff,
                 [](Snapshot& s) { s.standing = Standing::BackingOff; }},
        PlanCase{"OnItsWayOut", {}, host(10), host(5), kWait, "", Obstacle::Leaving,
                 [](Snapshot& s) { s.standing = Standing::Leaving; }}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Groups, PlanTest,
    testing::Values(
        PlanCase{"TheOtherGoesThoughThereIsRoom", {{host(2), 9, Row::kForced}, {host(2), 1}},
                 host(10), host(3), kAdmit, "0"},
        PlanCase{"TheOthersBytesCount", {{host(6), 9, Row::kForced}, {host(4), 1}}, host(10),
                 host(6), kAdmit, "0"},
        PlanCase{"TheOtherAndMore", {{host(6), 9, Row::kForced}, {host(4), 1}}, host(10), host(7),
                 kAdmit, "0, 1"},
        PlanCase{"TheOtherIsLeased", {{host(2), 9, Row::kForced | Row::kLeased}}, host(10), host(3),
                 kWait, "", Obstacle::Group},
        PlanCase{"TheOtherIsFresh", {{host(2), 9, Row::kForced, fresh}}, host(10), host(3), kWait,
                 "", Obstacle::Group},
        PlanCase{"TheOtherIsPinned", {{host(2), 9, Row::kForced | Row::kPinned}}, host(10), host(3),
                 kRefuse, "", Obstacle::PinnedGroup},
        PlanCase{"TheOtherIsOnItsWayIn", {}, host(10), host(3), kWait, "", Obstacle::Group,
                 [](Snapshot& s) { s.group_busy = true; }}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Devices, PlanTest,
    testing::Values(
        PlanCase{"CpuOnlyHasNoDevice", {}, host(10), gpu(5), kRefuse, "", Obstacle::NoBudget},
        PlanCase{"LeavesOtherMemoriesAlone", {{gpu(8), 1}, {host(8), 9}}, host(10) + gpu(10),
                 host(5), kAdmit, "1"},
        PlanCase{"EachDeviceForItself", {{gpu(8, 0), 1}, {gpu(8, 1), 9}}, gpu(10, 0) + gpu(10, 1),
                 gpu(5, 1), kAdmit, "1"},
        PlanCase{"ShortOnTwoMemories", {{gpu(8), 1}, {host(8), 2}, {host(1), 0}},
                 host(10) + gpu(10), host(5) + gpu(5), kAdmit, "0, 1"},
        PlanCase{"OneVictimForBoth", {{gpu(4) + host(4), 5}, {gpu(4), 1}}, host(5) + gpu(8),
                 host(3) + gpu(2), kAdmit, "0"},
        PlanCase{"ShortOnOneOfTwo", {{gpu(8), 1, Row::kPinned}}, host(10) + gpu(10),
                 host(5) + gpu(5), kRefuse, "", Obstacle::TooBig},
        PlanCase{"DemotesWhatStaysInHostMemory", {{gpu(8), 1, 0, saves(0)}}, host(10) + gpu(10),
                 gpu(5), kAdmit, "demote 0"},
        PlanCase{"SavesWhileTheHostHasRoom",
                 {{gpu(4), 1, 0, saves(6)}, {gpu(4), 2, 0, saves(6)}}, host(10) + gpu(8), gpu(8),
                 kAdmit, "save 0, 1"},
        PlanCase{"EvictsWithoutRoomToSave", {{gpu(8), 1, 0, saves(11)}}, host(10) + gpu(10), gpu(5),
                 kAdmit, "0"},
        PlanCase{"TheNewcomersOwnNeedComesFirst", {{gpu(8), 1, 0, saves(6)}}, host(10) + gpu(10),
                 gpu(5) + host(5), kAdmit, "0"},
        PlanCase{"SavesNothingWhenTheHostIsShort",
                 {{gpu(8), 1, 0, saves(1)}, {host(6), 2}}, host(10) + gpu(10), gpu(5) + host(5),
                 kAdmit, "0, 1"},
        PlanCase{"SavesNoBytesThatOthersWereReleasing", {{gpu(8), 1, 0, saves(6)}},
                 host(10) + gpu(10), gpu(5), kAdmit, "0", Obstacle::None, releasing_eight}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Images, PlanTest,
    testing::Values(
        PlanCase{"GoWithTheirModel", {{host(1), 1}, {host(6), 1, Row::kImage}}, host(10), host(8),
                 kAdmit, "0, 1", Obstacle::None, runs_from({{0, {1}}})},
        PlanCase{"GoEvenWhenTheModelAloneHoldsNothing", {{host(0), 1}, {host(6), 1, Row::kImage}},
                 host(10), host(8), kAdmit, "0, 1", Obstacle::None, runs_from({{0, {1}}})},
        PlanCase{"KeptOnesStayWhenTheyCan", {{host(4), 1}, {host(4), 1, Row::kImage | Row::kKept}},
                 host(10), host(4), kAdmit, "demote 0", Obstacle::None, runs_from({{0, {1}}})},
        PlanCase{"KeptOnesGoWhenTheyMust", {{host(4), 1}, {host(4), 1, Row::kImage | Row::kKept}},
                 host(10), host(9), kAdmit, "0, 1", Obstacle::None, runs_from({{0, {1}}})},
        PlanCase{"SharedOnesGoWithTheLast",
                 {{host(1), 1}, {host(1), 2}, {host(6), 1, Row::kImage}}, host(10), host(8), kAdmit,
                 "0, 1, 2", Obstacle::None, runs_from({{0, {2}}, {1, {2}}})},
        PlanCase{"SharedOnesStayWithTheOther",
                 {{host(4), 1}, {host(1), 2, Row::kLeased}, {host(4), 1, Row::kImage}}, host(10),
                 host(4), kAdmit, "demote 0", Obstacle::None, runs_from({{0, {2}}, {1, {2}}})},
        PlanCase{"NobodyGoesForAnImageThatStays",
                 {{host(1), 1}, {host(1), 2, Row::kLeased}, {host(7), 1, Row::kImage}}, host(10),
                 host(6), kWait, "", Obstacle::Leases, runs_from({{0, {2}}, {1, {2}}})},
        PlanCase{"UnheldOnesAreResidentsLikeOthers", {{host(5), 2}, {host(5), 1, Row::kImage}},
                 host(10), host(5), kAdmit, "1"},
        PlanCase{"ThoseOfAPinnedModelNeverGo",
                 {{host(1), 1, Row::kPinned}, {host(6), 1, Row::kImage | Row::kPinned}}, host(10),
                 host(4), kRefuse, "", Obstacle::TooBig, runs_from({{0, {1}}})}),
    [](const auto& test) { return test.param.name; });

TEST(Plan, SaysWhenAMinimumResidencyEnds) {
  PlanCase c{"", {{host(4), 1, 0, fresh}, {host(4), 1, Row::kLeased}}, host(10), host(5)};
  const Decision d = decide(snapshot_of(c));
  EXPECT_EQ(d.verdict, Verdict::Wait);
  EXPECT_EQ(d.retry_at, kNow + seconds(1));
  EXPECT_EQ(d.waits_for, 1u);
  EXPECT_EQ(d.short_by, host(3));
}

TEST(Plan, TellsHowMuchIsMissing) {
  PlanCase c{"", {{host(6), 1, Row::kPinned}, {host(2), 1}}, host(10), host(5)};
  const Decision d = decide(snapshot_of(c));
  EXPECT_EQ(d.verdict, Verdict::Refuse);
  EXPECT_EQ(d.free, host(2));
  EXPECT_EQ(d.short_by, host(1));
}

// Cheap to reload, rarely used, or large: each alone makes a resident go first.
TEST(Plan, CostAwareWeighsSecondsUsesAndBytes) {
  const auto first_victim = [](const std::function<void(Row&)>& worse, std::uint64_t bytes) {
    PlanCase c{"", {{host(bytes), 9, 0, worse}, {host(4), 1}}, host(bytes + 4), host(2)};
    for (R& r : c.rows) {
      r.more = [more = r.more](Row& row) {
        row.load_seconds = 1;
        row.rate.start(kNow - seconds(100));
        row.recent_uses = 10;
        more(row);
      };
    }
    Snapshot s = snapshot_of(c);
    s.policy = EvictionPolicy::CostAware;
    return text_of(decide(s).victims);
  };
  EXPECT_EQ(first_victim([](Row&) {}, 4), "1");  // all else equal: used longer ago
  EXPECT_EQ(first_victim([](Row& row) { row.load_seconds = 0.1; }, 4), "0");
  EXPECT_EQ(first_victim([](Row& row) { row.recent_uses = 1; }, 4), "0");
  EXPECT_EQ(first_victim([](Row&) {}, 400), "0");
}

TEST(Plan, ReliefTakesWhatItCanOfThoseIdleLongEnough) {
  PlanCase c{"", {{host(4), 990}, {host(3), 1}, {host(3), 2, Row::kLeased}}, host(10), {}};
  const Snapshot s = snapshot_of(c);
  EXPECT_EQ(text_of(choose_relief(s, host(9), seconds(60))), "1");
  EXPECT_EQ(text_of(choose_relief(s, host(9), {})), "1, 0");
  EXPECT_EQ(text_of(choose_relief(s, host(2), {})), "1");
}

}  // namespace
}  // namespace roost::pool

#include "roost/lifecycle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "pool/core/history.h"

namespace roost {
namespace {

constexpr std::array kStates = {ModelState::Idle, ModelState::Loading, ModelState::Loaded,
                                ModelState::Unloading, ModelState::Error};
constexpr std::size_t kReasons = 9;

// Every pair of state and reason, written out a second time by hand: what is not here must not be
// in the table.
TEST(Lifecycle, EveryPairDoesWhatItShouldAndNoOther) {
  using S = ModelState;
  using R = Reason;
  const std::map<std::pair<S, R>, S> expected = {
      {{S::Idle, R::LoadRequested}, S::Loading},   {{S::Error, R::LoadRequested}, S::Loading},
      {{S::Loading, R::LoadCompleted}, S::Loaded}, {{S::Loading, R::LoadFailed}, S::Error},
      {{S::Loading, R::LoadCancelled}, S::Idle},   {{S::Loaded, R::UnloadRequested}, S::Unloading},
      {{S::Loaded, R::BecameUnusable}, S::Error},  {{S::Unloading, R::UnloadCompleted}, S::Idle},
      {{S::Unloading, R::UnloadFailed}, S::Error}, {{S::Error, R::Reset}, S::Idle}};
  std::size_t pairs = 0;
  for (const S from : kStates) {
    for (std::size_t i = 0; i < kReasons; ++i) {
      const auto why = static_cast<R>(i);
      const auto found = expected.find({from, why});
      const auto to = next_state(from, why);
      ASSERT_EQ(to.has_value(), found != expected.end())
          << to_string(from) << " " << to_string(why);
      if (to) {
        EXPECT_EQ(*to, found->second);
      }
      ++pairs;
    }
  }
  EXPECT_EQ(pairs, 45u);
  EXPECT_EQ(kTransitions.size(), expected.size());
}

TEST(Lifecycle, FromEveryStateThereIsAWayBackToIdle) {
  for (const ModelState from : kStates) {
    std::vector<ModelState> reached = {from};
    for (std::size_t i = 0; i < reached.size(); ++i) {
      for (const Transition& t : kTransitions) {
        const bool known = std::find(reached.begin(), reached.end(), t.to) != reached.end();
        if (t.from == reached[i] && !known) reached.push_back(t.to);
      }
    }
    EXPECT_EQ(reached.size(), kStates.size()) << to_string(from);
  }
}

TEST(Lifecycle, NamesAreThoseOfTheDocuments) {
  EXPECT_EQ(to_string(ModelState::Unloading), "UNLOADING");
  EXPECT_EQ(to_string(Reason::BecameUnusable), "became_unusable");
  EXPECT_EQ(to_string(Tier::Host), "host");
  EXPECT_EQ(to_string(EvictionPolicy::CostAware), "cost_aware");
  EXPECT_EQ(to_string(Verdict::Refuse), "refuse");
  for (const auto p :
       {LoadPriority::Low, LoadPriority::Normal, LoadPriority::High, LoadPriority::Critical}) {
    EXPECT_EQ(parse_load_priority(to_string(p)), p);
  }
  EXPECT_EQ(parse_load_priority("HIGH"), LoadPriority::High);
  EXPECT_EQ(parse_load_priority("urgent"), std::nullopt);
}

TEST(History, KeepsTheLastInOrder) {
  pool::History history;
  for (int i = 0; i < 50; ++i) {
    const Instant at{Duration(i)};
    if (i % 2 == 0) {
      history.move(Reason::LoadRequested, at);
    } else {
      history.move(Reason::LoadCancelled, at);
    }
  }
  const auto entries = history.entries();
  ASSERT_EQ(entries.size(), pool::History::kKept);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].at.time_since_epoch().count(), static_cast<int>(18 + i));
  }
  EXPECT_EQ(history.state(), ModelState::Idle);
}

TEST(HistoryDeathTest, APairThatIsNotInTheTableIsOurBug) {
  pool::History history;
  EXPECT_DEATH(history.move(Reason::LoadCompleted, Instant{}), "to.has_value");
}

}  // namespace
}  // namespace roost

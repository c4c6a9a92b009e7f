#include "roost/state_manager.h"

#include <gmock/gmock.h>

#include <atomic>
#include <latch>
#include <vector>

#include "roost/error.h"

namespace roost {
namespace {

using testing::ElementsAre;

TEST(StateManagerTest, EveryPairOfStateAndReasonObeysTheTable) {
  const auto walk_to = [](StateManager& states, ModelState target) {
    const std::vector<Reason> paths[] = {
        {},
        {Reason::LoadRequested},
        {Reason::LoadRequested, Reason::LoadCompleted},
        {Reason::LoadRequested, Reason::LoadCompleted, Reason::UnloadRequested},
        {Reason::LoadRequested, Reason::LoadFailed}};
    for (const Reason why : paths[static_cast<std::size_t>(target)]) states.transition(why);
  };
  for (int from = 0; from <= static_cast<int>(ModelState::Error); ++from) {
    for (int why = 0; why <= static_cast<int>(Reason::Reset); ++why) {
      StateManager states;
      walk_to(states, static_cast<ModelState>(from));
      ASSERT_EQ(states.current_state(), static_cast<ModelState>(from));
      const auto reason = static_cast<Reason>(why);
      const auto expected = next_state(static_cast<ModelState>(from), reason);
      EXPECT_EQ(states.can_transition(reason), expected.has_value());
      if (expected) {
        EXPECT_TRUE(states.can_transition_to(*expected));
        EXPECT_EQ(states.transition(reason), *expected);
        continue;
      }
      try {
        states.transition(reason);
        FAIL() << "taken";
      } catch (const RoostError& error) {
        EXPECT_EQ(error.code(), ErrorCode::InvalidTransition);
      }
      EXPECT_EQ(states.current_state(), static_cast<ModelState>(from));
    }
  }
}

TEST(StateManagerTest, ListenersAreToldInOrderAndAThrowingOneHarmsNobody) {
  StateManager states;
  std::vector<ModelState> seen;
  std::latch all(4);
  const Subscription bad = states.subscribe([](const HistoryEntry&) { throw 1; });
  const Subscription good = states.subscribe([&](const HistoryEntry& entry) {
    seen.push_back(entry.to);
    all.count_down();
  });
  states.transition(Reason::LoadRequested);
  states.transition(Reason::LoadCompleted);
  states.transition(Reason::UnloadRequested);
  states.transition(Reason::UnloadCompleted);
  all.wait();
  EXPECT_THAT(seen, ElementsAre(ModelState::Loading, ModelState::Loaded, ModelState::Unloading,
                                ModelState::Idle));
}

TEST(StateManagerTest, AnEndedSubscriptionHearsNoMoreAndHistoryIsBounded) {
  StateManager states;
  std::atomic<int> heard = 0;
  Subscription listening = states.subscribe([&](const HistoryEntry&) { ++heard; });
  listening.reset();
  for (int i = 0; i < 100; ++i) {
    states.transition(Reason::LoadRequested);
    states.transition(Reason::LoadCancelled);
  }
  EXPECT_EQ(heard, 0);
  EXPECT_EQ(states.history().size(), 64u);
  EXPECT_EQ(states.history().back().why, Reason::LoadCancelled);
}

}  // namespace
}  // namespace roost

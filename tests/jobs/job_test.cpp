#include "jobs/job.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace roost::jobs {
namespace {

using S = JobState;
using E = JobEvent;

TEST(JobStates, EveryPairIsAsListed) {
  const std::map<std::pair<S, E>, S> listed = {
      {{S::Queued, E::Started}, S::Running},      {{S::Queued, E::Failed}, S::Failed},
      {{S::Queued, E::Cancelled}, S::Cancelled},  {{S::Running, E::Paused}, S::Paused},
      {{S::Running, E::Completed}, S::Done},      {{S::Running, E::Failed}, S::Failed},
      {{S::Running, E::Cancelled}, S::Cancelled}, {{S::Paused, E::Resumed}, S::Running},
  };
  for (int from = 0; from <= static_cast<int>(S::Cancelled); ++from) {
    for (int event = 0; event <= static_cast<int>(E::Cancelled); ++event) {
      const std::pair pair{static_cast<S>(from), static_cast<E>(event)};
      const auto it = listed.find(pair);
      const std::optional<S> expected =
          it == listed.end() ? std::nullopt : std::optional(it->second);
      EXPECT_EQ(next_state(pair.first, pair.second), expected) << from << " " << event;
    }
  }
}

TEST(JobStates, NothingLeavesAFinalState) {
  for (int from = 0; from <= static_cast<int>(S::Cancelled); ++from) {
    bool leaves = false;
    for (int event = 0; event <= static_cast<int>(E::Cancelled); ++event) {
      leaves |= next_state(static_cast<S>(from), static_cast<E>(event)).has_value();
    }
    EXPECT_NE(leaves, is_final(static_cast<S>(from))) << from;
  }
}

TEST(JobStates, NamesDiffer) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(S::Cancelled); ++i) {
    names.insert(to_string(static_cast<S>(i)));
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"queued", "running", "paused", "done", "failed",
                                               "cancelled"}));
}

}  // namespace
}  // namespace roost::jobs

#include "events/event_ring.h"

#include <gtest/gtest.h>

namespace roost::events {
namespace {

struct PageCase {
  const char* name;
  std::uint64_t published;  // into a ring of 4
  std::optional<EventId> from;
  std::size_t max;
  std::vector<std::uint64_t> sequences;
  bool gap;
  std::uint64_t next;
  bool news;  // what has_news(from) says
};

class RingPageTest : public testing::TestWithParam<PageCase> {};

TEST_P(RingPageTest, Pages) {
  const PageCase& test = GetParam();
  EventRing ring("e", 4);
  for (std::uint64_t i = 0; i < test.published; ++i) ring.push(std::make_shared<Event>());
  const RingPage page = ring.page(test.from, test.max);
  std::vector<std::uint64_t> sequences;
  for (const EventRef& event : page.events) {
    EXPECT_EQ(event->id.epoch, "e");
    sequences.push_back(event->id.sequence);
  }
  EXPECT_EQ(sequences, test.sequences);
  EXPECT_EQ(page.gap, test.gap);
  EXPECT_EQ(page.next, test.next);
  if (test.from) {
    EXPECT_EQ(ring.has_news(*test.from), test.news);
  }
}

using Sequences = std::vector<std::uint64_t>;
INSTANTIATE_TEST_SUITE_P(
    RingOf4, RingPageTest,
    testing::Values(
        PageCase{"EmptyFromStart", 0, std::nullopt, 10, {}, false, 1, false},
        PageCase{"EmptyFromFirst", 0, EventId{"e", 1}, 10, {}, false, 1, false},
        PageCase{"EmptyFromZero", 0, EventId{"e", 0}, 10, {}, false, 1, false},
        PageCase{"AllKept", 3, std::nullopt, 10, Sequences{1, 2, 3}, false, 4, false},
        PageCase{"Middle", 3, EventId{"e", 2}, 10, Sequences{2, 3}, false, 4, true},
        PageCase{"CutByMax", 4, EventId{"e", 1}, 2, Sequences{1, 2}, false, 3, true},
        PageCase{"MaxZero", 4, EventId{"e", 2}, 0, {}, false, 2, true},
        PageCase{"NothingNew", 4, EventId{"e", 5}, 10, {}, false, 5, false},
        PageCase{"OldestAfterWrap", 6, std::nullopt, 10, Sequences{3, 4, 5, 6}, true, 7, false},
        PageCase{"ExactlyOldest", 6, EventId{"e", 3}, 10, Sequences{3, 4, 5, 6}, false, 7, true},
        PageCase{"OlderIsGone", 6, EventId{"e", 2}, 10, Sequences{3, 4, 5, 6}, true, 7, true},
        PageCase{"OtherEpoch", 6, EventId{"f", 5}, 10, Sequences{3, 4, 5, 6}, true, 7, true},
        PageCase{"OtherEpochOfEmpty", 0, EventId{"f", 1}, 10, {}, true, 1, true},
        PageCase{"NotReachedYet", 3, EventId{"e", 5}, 10, Sequences{1, 2, 3}, true, 4, true}),
    [](const auto& test) { return test.param.name; });

TEST(EventRing, GivesBackWhatHadToLeave) {
  EventRing ring("e", 2);
  EXPECT_EQ(ring.push(std::make_shared<Event>()), nullptr);
  EXPECT_EQ(ring.push(std::make_shared<Event>()), nullptr);
  const EventRef left = ring.push(std::make_shared<Event>());
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(left->id.sequence, 1u);
  EXPECT_EQ(ring.oldest(), 2u);
}

}  // namespace
}  // namespace roost::events

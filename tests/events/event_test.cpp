#include "roost/event.h"

#include <gtest/gtest.h>

#include <set>

namespace roost {
namespace {

TEST(EventKindNames, EveryKindPrintsAndParsesBack) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(EventKind::ProviderFallback); ++i) {
    const auto kind = static_cast<EventKind>(i);
    EXPECT_EQ(parse_event_kind(to_string(kind)), kind);
    EXPECT_TRUE(names.insert(to_string(kind)).second) << to_string(kind);
  }
  EXPECT_EQ(parse_event_kind("load_finished"), std::nullopt);
  EXPECT_EQ(parse_event_kind(""), std::nullopt);
}

struct IdCase {
  const char* name;
  std::string text;
  std::optional<EventId> id;
};

class EventIdTest : public testing::TestWithParam<IdCase> {};

TEST_P(EventIdTest, Parses) {
  EXPECT_EQ(parse_event_id(GetParam().text), GetParam().id);
}

INSTANTIATE_TEST_SUITE_P(
    Ids, EventIdTest,
    testing::Values(IdCase{"Plain", "e1-7", EventId{"e1", 7}},
                    IdCase{"DashInEpoch", "a-b-0", EventId{"a-b", 0}},
                    IdCase{"Largest", "e-18446744073709551615", EventId{"e", UINT64_MAX}},
                    IdCase{"Overflow", "e-18446744073709551616", std::nullopt},
                    IdCase{"NoDash", "e7", std::nullopt}, IdCase{"NoEpoch", "-7", std::nullopt},
                    IdCase{"NoSequence", "e-", std::nullopt}, IdCase{"Empty", "", std::nullopt},
                    IdCase{"Sign", "e-+7", std::nullopt}, IdCase{"Zeros", "e-007", std::nullopt},
                    IdCase{"Tail", "e-7x", std::nullopt}, IdCase{"Space", "e- 7", std::nullopt}),
    [](const auto& test) { return test.param.name; });

TEST(EventIdText, IsEpochDashSequence) {
  EXPECT_EQ(to_string(EventId{"e1", 42}), "e1-42");
}

}  // namespace
}  // namespace roost

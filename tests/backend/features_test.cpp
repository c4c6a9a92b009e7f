#include "backend/builtin/features.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace roost::backend {
namespace {

Sequence features(std::string_view text, Segment segment = Segment::First) {
  Sequence sequence;
  append_features(text, segment, 32768, sequence);
  return sequence;
}

bool same(const Sequence& a, const Sequence& b) {
  return a.ids == b.ids && a.types == b.types;
}

TEST(Features, AWordAndItsGramsButNotTheWholeWordTwice) {
  EXPECT_EQ(features("i").ids.size(), 1u);
  EXPECT_EQ(features("ox").ids.size(), 1u);           // too short for n-grams
  EXPECT_EQ(features("cat").ids.size(), 1u + 3 + 2);  // <cat> itself is left out
  EXPECT_EQ(features("hello").ids.size(), 1u + 5 + 4 + 3);
  EXPECT_EQ(features("the").ids.size(), 1u);  // frequent words have no n-grams
  EXPECT_EQ(features("hello hello").ids.size(), 2 * features("hello").ids.size());
}

TEST(Features, CaseAndPunctuationDoNotCount) {
  EXPECT_TRUE(same(features("hello world"), features("  Hello,\tWORLD!")));
  EXPECT_TRUE(same(features("straße"), features("«Straße»")));
  EXPECT_TRUE(same(features("елка"), features("ЁЛКА")));
  EXPECT_FALSE(same(features("hello world"), features("world hello")));
}

TEST(Features, IdeographsAreWordsOfTheirOwn) {
  EXPECT_EQ(features("東京").ids.size(), 2u);
  EXPECT_TRUE(same(features("東京"), features("東 京")));
  EXPECT_EQ(features("v東").ids.size(), 2u);
}

TEST(Features, ATextWithoutWordsHasTheFeatureOfTheEmptyText) {
  const Sequence empty = features("");
  ASSERT_EQ(empty.ids.size(), 1u);
  for (const char* text : {" ", "...", "–«»\n"}) EXPECT_TRUE(same(features(text), empty)) << text;
  EXPECT_FALSE(same(features("x"), empty));
}

TEST(Features, InvalidBytesStayInsideTheirWord) {
  EXPECT_TRUE(same(features("na\xEFve"), features("na\xFFve")));
  EXPECT_EQ(features("\xFF\xFE\xFD").ids.size(), features("abc").ids.size());
}

TEST(Features, TypesTellTheSegment) {
  const Sequence first = features("hello 東 the");
  const Sequence second = features("hello 東 the", Segment::Second);
  EXPECT_EQ(first.ids, second.ids);
  for (std::size_t i = 0; i < first.types.size(); ++i) {
    EXPECT_EQ(segment_of(first.types[i]), 0u);
    EXPECT_EQ(segment_of(second.types[i]), 1u);
    EXPECT_EQ(kind_of(first.types[i]), kind_of(second.types[i]));
  }
}

TEST(Features, RowsStayBelowTheTablesEvenForOddSizes) {
  Sequence sequence;
  append_features("the quick brown fox jumps over lazy dogs", Segment::First, 65, sequence);
  EXPECT_LT(*std::max_element(sequence.ids.begin(), sequence.ids.end()), 65u);
  EXPECT_GT(sequence.ids.size(), 65u);
}

TEST(Features, AtMostThreePerByteHoweverLongAWord) {
  const std::string text(kMaxTextBytes, 'a');
  EXPECT_LE(features(text).ids.size(), 3 * text.size());
}

TEST(Weights, RareLooksCountMore) {
  const auto weight = [](std::string_view word) {
    return kind_weights()[kind_of(features(word).types.front())];
  };
  EXPECT_LT(weight("the"), weight("x"));
  EXPECT_LT(weight("x"), weight("fox"));
  EXPECT_LT(weight("fox"), weight("foxes"));
  EXPECT_LT(weight("foxes"), weight("foxhound"));
  EXPECT_EQ(weight(std::string(20, 'a')), weight(std::string(2000, 'a')));
}

TEST(Weights, NoGramCountsMoreThanItsWord) {
  for (std::size_t length = 3; length < 30; ++length) {
    const Sequence word = features(std::string(length, 'q'));
    const float whole = kind_weights()[kind_of(word.types.front())];
    for (const std::uint32_t type : word.types) {
      EXPECT_LE(kind_weights()[kind_of(type)], whole) << length;
      EXPECT_GT(kind_weights()[kind_of(type)], 0.0f) << length;
    }
  }
}

}  // namespace
}  // namespace roost::backend

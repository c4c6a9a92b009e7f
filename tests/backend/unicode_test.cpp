#include "backend/builtin/unicode.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace roost::backend {
namespace {

struct Utf8Case {
  const char* name;
  std::string bytes;
  std::u32string codes;
};

class Utf8Test : public testing::TestWithParam<Utf8Case> {};

TEST_P(Utf8Test, Decodes) {
  const std::string& bytes = GetParam().bytes;
  std::u32string codes;
  for (std::size_t at = 0; at < bytes.size();) codes += next_code_point(bytes, at);
  EXPECT_EQ(codes, GetParam().codes);
}

INSTANTIATE_TEST_SUITE_P(
    Sequences, Utf8Test,
    testing::Values(Utf8Case{"Ascii", "az", U"az"}, Utf8Case{"Two", "\xC3\xA9", U"é"},
                    Utf8Case{"Three", "\xE6\x9D\xB1", U"東"},
                    Utf8Case{"Four", "\xF0\x9F\x99\x82", U"\U0001F642"},
                    Utf8Case{"Last", "\xF4\x8F\xBF\xBF", U"\U0010FFFF"},
                    Utf8Case{"BeyondLast", "\xF4\x90\x80\x80", U"\uFFFD\uFFFD\uFFFD\uFFFD"},
                    Utf8Case{"LoneContinuation", "\x80z", U"\uFFFDz"},
                    Utf8Case{"CutShort", "\xE6\x9D", U"\uFFFD\uFFFD"},
                    Utf8Case{"CutByLetter", "\xE6zz", U"\uFFFDzz"},
                    Utf8Case{"Overlong2", "\xC0\xAF", U"\uFFFD\uFFFD"},
                    Utf8Case{"Overlong3", "\xE0\x80\xAF", U"\uFFFD\uFFFD\uFFFD"},
                    Utf8Case{"Overlong4", "\xF0\x80\x80\xAF", U"\uFFFD\uFFFD\uFFFD\uFFFD"},
                    Utf8Case{"Surrogate", "\xED\xA0\x80", U"\uFFFD\uFFFD\uFFFD"},
                    Utf8Case{"NeverValid", "\xFF\xFE", U"\uFFFD\uFFFD"},
                    Utf8Case{"Nul", std::string("a\0b", 3), std::u32string(U"a\0b", 3)}),
    [](const auto& test) { return test.param.name; });

TEST(FoldCase, CapitalsBecomeSmallAndTheRestStays) {
  const std::u32string capitals = U"AZÀÖØÞĀŁŸŽΆΈΌΏΑΣΫЀЁЏАЯҐӁӐẠ";
  const std::u32string small = U"azàöøþāłÿžάέόώασϋѐеџаяґӂӑạ";
  ASSERT_EQ(capitals.size(), small.size());
  for (std::size_t i = 0; i < capitals.size(); ++i) {
    EXPECT_EQ(fold_case(capitals[i]), small[i]) << i;
    EXPECT_EQ(fold_case(small[i]), small[i]) << i;
  }
  EXPECT_EQ(fold_case(U'ς'), U'σ');
  EXPECT_EQ(fold_case(U'ё'), U'е');
  EXPECT_EQ(fold_case(U'İ'), U'i');
  for (const char32_t code : U"09_×÷ß東\U0001F642") EXPECT_EQ(fold_case(code), code);
}

TEST(CharacterKind, LettersSeparatorsAndIdeographs) {
  for (const char32_t code : std::u32string(U"az09éßµøłδяџעعไक\uFFFD")) {
    EXPECT_EQ(character_kind(code), CharacterKind::Letter) << std::hex << std::uint32_t{code};
  }
  for (const char32_t code : std::u32string(U" _-'\n\u00A0«»×÷’–…€→\u3000、。！،।\uFEFF")) {
    EXPECT_EQ(character_kind(code), CharacterKind::Separator) << std::hex << std::uint32_t{code};
  }
  for (const char32_t code : std::u32string(U"東々あカ\U0001F642\U00020000")) {
    EXPECT_EQ(character_kind(code), CharacterKind::Ideograph) << std::hex << std::uint32_t{code};
  }
}

}  // namespace
}  // namespace roost::backend

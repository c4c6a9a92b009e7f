#include "roost/ids.h"

#include <gtest/gtest.h>

#include "roost/error.h"

namespace roost {
namespace {

struct IdCase {
  const char* name;
  std::string id;
  bool good;
};

class ModelIdTest : public testing::TestWithParam<IdCase> {};

TEST_P(ModelIdTest, IsTakenOrRefusedWithAReason) {
  if (GetParam().good) {
    EXPECT_NO_THROW(check_model_id(GetParam().id));
    return;
  }
  try {
    check_model_id(GetParam().id);
    FAIL() << "taken";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidModelId);
    EXPECT_LT(std::string(error.what()).size(), 300u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ids, ModelIdTest,
    testing::Values(IdCase{"Plain", "my-model", true}, IdCase{"Builtin", "builtin:lexical", true},
                    IdCase{"Hub", "BAAI/bge-m3", true}, IdCase{"Revision", "a/b@v1.0", true},
                    IdCase{"Longest", std::string(256, 'a'), true}, IdCase{"Empty", "", false},
                    IdCase{"TooLong", std::string(10000, 'a'), false},
                    IdCase{"Control", "a\nb", false}, IdCase{"Nul", std::string("a\0b", 3), false},
                    IdCase{"Dots", "../etc/passwd", false}, IdCase{"InnerDots", "a/../b", false},
                    IdCase{"Absolute", "/etc/passwd", false}, IdCase{"EmptyPart", "a//b", false},
                    IdCase{"TrailingSlash", "a/", false}, IdCase{"Backslash", "a\\b", false},
                    IdCase{"Percent", "%2e%2e", false}, IdCase{"Dash", "-rf", false},
                    IdCase{"Utf8", "mod\xc3\xa8le", false}, IdCase{"Space", " ", false}),
    [](const auto& test) { return test.param.name; });

TEST(Text, ControlBytesAndLengthAreRefused) {
  EXPECT_NO_THROW(check_text("query", "what?", 10));
  EXPECT_THROW(check_text("query", "", 10), RoostError);
  EXPECT_THROW(check_text("query", "12345678901", 10), RoostError);
  EXPECT_THROW(check_text("query", "a\x01", 10), RoostError);
}

struct PrintCase {
  const char* name;
  std::string text, printed;
};

class PrintableTest : public testing::TestWithParam<PrintCase> {};

TEST_P(PrintableTest, EscapesOnlyWhatCouldHarm) {
  EXPECT_EQ(printable(GetParam().text), GetParam().printed);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, PrintableTest,
    testing::Values(PrintCase{"Plain", "a b~", "a b~"},
                    PrintCase{"ValidUtf8", "modèle 模型 🦉", "modèle 模型 🦉"},
                    PrintCase{"Escape", "a\x1b[31m", "a\\x1b[31m"},
                    PrintCase{"Delete", "\x7f", "\\x7f"},
                    PrintCase{"C1Control", "\xc2\x9b", "\\xc2\\x9b"},
                    PrintCase{"StrayByte", "mod\xe8le", "mod\\xe8le"},
                    PrintCase{"Overlong", "\xc0\xaf", "\\xc0\\xaf"},
                    PrintCase{"Cut", "è" "\xc3", "è\\xc3"},
                    PrintCase{"RightToLeftOverride", "\u202egnp", "\\xe2\\x80\\xaegnp"},
                    PrintCase{"Longest", std::string(80, 'a'), std::string(80, 'a')},
                    PrintCase{"TooLong", std::string(81, 'a'), std::string(80, 'a') + "..."},
                    PrintCase{"NoHalfCharacter", std::string(79, 'a') + "è",
                              std::string(79, 'a') + "..."}),
    [](const auto& test) { return test.param.name; });

TEST(NearestNames, FindsTyposAndParts) {
  const std::vector<std::string> names = {"default", "fast", "quality", "multilingual"};
  EXPECT_EQ(nearest_names("defualt", names), std::vector<std::string>{"default"});
  EXPECT_EQ(nearest_names("multi", names), std::vector<std::string>{"multilingual"});
  EXPECT_EQ(nearest_names("qaulity", names), std::vector<std::string>{"quality"});
  EXPECT_TRUE(nearest_names("zzzzzzzz", names).empty());
}

TEST(NearestNames, NoneFarFromAShortOne) {
  const std::vector<std::string> names = {"a", "demo", "info", "plan"};
  EXPECT_EQ(nearest_names("paln", names), std::vector<std::string>{"plan"});
  EXPECT_EQ(nearest_names("dem", names), std::vector<std::string>{"demo"});
  for (const char* far : {"", "x", "d", "in", "lane", "into-it", "dexx"}) {
    EXPECT_TRUE(nearest_names(far, names).empty()) << far;
  }
}

}  // namespace
}  // namespace roost

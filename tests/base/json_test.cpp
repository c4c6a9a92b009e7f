#include "base/json.h"

#include <gtest/gtest.h>

#include <functional>

#include "roost/error.h"

namespace roost {
namespace {

JsonDocument parse(std::string_view text) {
  return JsonDocument::parse(text, "t.json");
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::BadFile);
    return error.what();
  }
  return "nothing was refused";
}

struct BadCase {
  std::string name, text, message;
};
class BadJsonTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadJsonTest, IsRefusedWithItsPlace) {
  EXPECT_EQ(refusal([] { parse(GetParam().text); }), "t.json: " + GetParam().message);
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadJsonTest,
    testing::Values(
        BadCase{"Empty", "", "not JSON at byte 0: the text ends where a value should be"},
        BadCase{"Space", " \n", "not JSON at byte 2: the text ends where a value should be"},
        BadCase{"Trailing", "{} x", "not JSON at byte 3: more text after the JSON value"},
        BadCase{"TwoValues", "1 2", "not JSON at byte 2: more text after the JSON value"},
        BadCase{"Cut", "{\"a\": [1, 2", "not JSON at byte 11: expected ',' or ']' in the array"},
        BadCase{"TrailingComma", "[1,]", "not JSON at byte 3: not a JSON value"},
        BadCase{"KeyWithoutQuotes", "{a:1}", "not JSON at byte 1: expected a key in quotes"},
        BadCase{"NoColon", "{\"a\" 1}", "not JSON at byte 5: expected ':' after the key"},
        BadCase{"OpenString", "[\"abc]", "not JSON at byte 1: a string that does not end"},
        BadCase{"ControlByte", "\"a\nb\"", "not JSON at byte 2: a control byte in a string"},
        BadCase{"Escape", "\"\\x\"", "not JSON at byte 1: an unknown escape in a string"},
        BadCase{"Surrogate", "[\"\\ud800\"]", "not JSON at byte 2: a lone surrogate"},
        BadCase{"LowSurrogate", "[\"\\udc00\"]", "not JSON at byte 2: a lone surrogate"},
        BadCase{"NotUtf8", "[\"a\xff\"]", "not JSON at byte 3: not UTF-8"},
        BadCase{"EncodedSurrogate", "\"\xed\xa0\x80\"", "not JSON at byte 1: not UTF-8"},
        BadCase{"Bom", "\xEF\xBB\xBF{}",
                "it starts with a byte order mark, which JSON does not allow"},
        BadCase{"NaN", "[NaN]", "not JSON at byte 1: not a JSON value"},
        BadCase{"Infinity", "-Infinity", "not JSON at byte 1: expected a digit"},
        BadCase{"Overflow", "[1e999]",
                "not JSON at byte 1: a number beyond what a double can hold"},
        BadCase{"LongOverflow", std::string(400, '9'),
                "not JSON at byte 0: a number beyond what a double can hold"},
        BadCase{"LeadingZero", "[01]", "not JSON at byte 1: a number with a leading zero"},
        BadCase{"TooDeep", nested(65), "not JSON at byte 64: nested more than 64 deep"},
        BadCase{"MuchTooDeep", nested(100'000), "not JSON at byte 64: nested more than 64 deep"},
        BadCase{"Twice", R"({"a":1,"b":2,"a":3})", "the key 'a' is given more than once"},
        BadCase{"TwiceInside", R"({"x":[{},{"y":{"k":1,"k":2}}]})",
                "the key 'x[1].y.k' is given more than once"},
        BadCase{"TwiceByEscape", R"({"a":1,"\u0061":2})", "the key 'a' is given more than once"},
        BadCase{"TwiceOfMany", R"({"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"c":2})",
                "the key 'c' is given more than once"}),
    [](const auto& test) { return test.param.name; });

TEST(Json, ReadsEveryKind) {
  const JsonDocument document = parse(
      R"({"n":null,"t":true,"i":-5,"u":18446744073709551615,"d":2.5,"s":"a\u00e9\ud83d\ude00\u0000b",
          "a":[1,[2],{"k":3}],"o":{}})");
  const JsonView root = document.root();
  EXPECT_EQ(root.size(), 8u);
  EXPECT_TRUE(root.at("n").is_null());
  EXPECT_TRUE(root.at("t").as_bool());
  EXPECT_EQ(root.at("i").as_int(), -5);
  EXPECT_EQ(root.at("i").as_double(), -5.0);
  EXPECT_EQ(root.at("u").kind(), JsonKind::UInt);
  EXPECT_EQ(root.at("u").as_uint(), UINT64_MAX);
  EXPECT_EQ(root.at("d").as_double(), 2.5);
  EXPECT_EQ(root.at("s").as_string(), std::string_view("aé😀\0b", 9));
  EXPECT_EQ(root.at("a").size(), 3u);
  EXPECT_EQ(root.at("o").size(), 0u);
  EXPECT_FALSE(root.find("missing"));
}

TEST(Json, WholeNumbersBeyond64BitsAreDoubles) {
  const JsonDocument document =
      parse("[1000000000000000019884624838656, 1, -9223372036854775809, 1e-999]");
  std::vector<double> numbers;
  document.root().for_each([&](JsonView v) { numbers.push_back(v.as_double()); });
  EXPECT_EQ(numbers, (std::vector<double>{1e30, 1, -9223372036854775808.0, 0}));
}

TEST(Json, MembersComeInTheOrderOfTheText) {
  const JsonDocument document = parse(R"({"z":1,"a":[true],"m":{"z":2}})");
  std::string keys;
  document.root().for_each_member([&](std::string_view key, JsonView) { keys += key; });
  EXPECT_EQ(keys, "zam");
  EXPECT_EQ(document.root().to_value().to_json(), R"({"a":[true],"m":{"z":2},"z":1})");
}

TEST(Json, TheWrongKindIsNamedWithItsPath) {
  const JsonDocument document = parse(R"({"model":{"merges":["a",{"x y":7}],"n":-1,"e":[]}})");
  const JsonView model = document.root().at("model");
  std::vector<JsonView> merges;
  model.at("merges").for_each([&](JsonView v) { merges.push_back(v); });
  const std::vector<std::pair<std::function<void()>, std::string>> cases = {
      {[&] { merges[1].at("x y").as_string(); },
       "model.merges[1].x y should be a string, but is a whole number"},
      {[&] { merges[0].as_int(); }, "model.merges[0] should be a whole number, but is a string"},
      {[&] { model.at("n").as_uint(); },
       "model.n should be a whole number that is not negative, but is a whole number"},
      {[&] { model.at("e").find("k"); }, "model.e should be an object, but is an array"},
      {[&] { model.at("vocab"); }, "model has no 'vocab'"},
      {[&] { document.root().as_bool(); },
       "the top level should be true or false, but is an object"},
  };
  for (const auto& [act, message] : cases) EXPECT_EQ(refusal(act), "t.json: " + message);
}

TEST(Json, LimitsAreKept) {
  EXPECT_EQ(refusal([] { JsonDocument::parse("[1,2,3]", "big", {.max_bytes = 6}); }),
            "big: 7 bytes of JSON, and at most 6 bytes are read");
  EXPECT_NO_THROW(JsonDocument::parse("[1,2,3]", "big", {.max_bytes = 7}));
  EXPECT_NO_THROW(parse(nested(64)));
  EXPECT_NO_THROW(JsonDocument::parse("7", "t", {.max_depth = 0}));
}

TEST(Json, ManyKeysAreCheckedQuickly) {
  std::string text = "{";
  for (int i = 0; i < 300'000; ++i) text += "\"key" + std::to_string(i) + "\":1,";
  EXPECT_NO_THROW(parse(text + "\"last\":1}"));
  EXPECT_EQ(refusal([&] { parse(text + "\"key77\":1}"); }),
            "t.json: the key 'key77' is given more than once");
}

}  // namespace
}  // namespace roost

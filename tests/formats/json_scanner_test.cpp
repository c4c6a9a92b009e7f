#include "formats/json_scanner.h"

#include <optional>

#include "formats/expect_error.h"

namespace roost::formats {
namespace {

using test::expect_bad_file;

template <class Work>
auto scan(const std::string& text, Work&& work) {
  ByteReader bytes(std::as_bytes(std::span(text)), "x");
  JsonScanner json(bytes);
  return work(json);
}

struct StringCase {
  const char* name;
  std::string text;
  std::optional<std::string> value;
};
class JsonStringTest : public testing::TestWithParam<StringCase> {};

TEST_P(JsonStringTest, Reads) {
  const auto read = [&] {
    return scan(GetParam().text, [](JsonScanner& json) {
      std::string value = json.string(16, "a text");
      json.end(false);
      return value;
    });
  };
  if (GetParam().value) {
    EXPECT_EQ(read(), *GetParam().value);
  } else {
    expect_bad_file("'x' at byte", [&] { (void)read(); });
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, JsonStringTest,
    testing::Values(
        StringCase{"Plain", R"("abc")", "abc"}, StringCase{"Empty", R"("")", ""},
        StringCase{"Escapes", R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
        StringCase{"Unicode", R"("\u0041\u00fc\u20AC")", "A\xC3\xBC\xE2\x82\xAC"},
        StringCase{"Surrogates", R"("\ud83d\udc13")", "\xF0\x9F\x90\x93"},
        StringCase{"Raw", "\"\xC3\xBC\"", "\xC3\xBC"}, StringCase{"Space", " \n\t\r\"a\" ", "a"},
        StringCase{"Sixteen", "\"0123456789abcdef\"", "0123456789abcdef"},
        StringCase{"TooLong", "\"0123456789abcdefg\"", {}}, StringCase{"NoEnd", "\"abc", {}},
        StringCase{"EndInEscape", "\"abc\\", {}}, StringCase{"UnknownEscape", R"("\x")", {}},
        StringCase{"ShortHex", R"("\u12")", {}}, StringCase{"BadHex", R"("\u12G4")", {}},
        StringCase{"LoneHigh", R"("\ud83d")", {}}, StringCase{"LoneLow", R"("\udc13")", {}},
        StringCase{"HighHigh", R"("\ud83d\ud83d")", {}}, StringCase{"ControlByte", "\"a\x01\"", {}},
        StringCase{"BareNul", std::string("\"a\0\"", 4), {}}, StringCase{"NotUtf8", "\"\xFC\"", {}},
        StringCase{"Number", "1", {}}, StringCase{"Trailing", "\"a\" b", {}},
        StringCase{"Nothing", "", {}}),
    [](const auto& test) { return test.param.name; });

struct NumberCase {
  const char* name;
  std::string text;
  std::optional<std::uint64_t> value;
};
class JsonNumberTest : public testing::TestWithParam<NumberCase> {};

TEST_P(JsonNumberTest, Reads) {
  const auto read = [&] {
    return scan(GetParam().text, [](JsonScanner& json) {
      const std::uint64_t value = json.whole_number("a count");
      json.end(false);
      return value;
    });
  };
  if (GetParam().value) {
    EXPECT_EQ(read(), *GetParam().value);
  } else {
    expect_bad_file("'x' at byte", [&] { (void)read(); });
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, JsonNumberTest,
    testing::Values(NumberCase{"Zero", "0", 0}, NumberCase{"Plain", "42", 42},
                    NumberCase{"Largest", "18446744073709551615", UINT64_MAX},
                    NumberCase{"TooLarge", "18446744073709551616", {}},
                    NumberCase{"MuchTooLarge", "99999999999999999999999", {}},
                    NumberCase{"Negative", "-1", {}}, NumberCase{"MinusZero", "-0", {}},
                    NumberCase{"Point", "1.0", {}}, NumberCase{"Exponent", "1e400", {}},
                    NumberCase{"LeadingZero", "01", {}}, NumberCase{"Plus", "+1", {}},
                    NumberCase{"Text", "\"1\"", {}}, NumberCase{"Nothing", "", {}}),
    [](const auto& test) { return test.param.name; });

TEST(JsonScanner, SkipsAnyValue) {
  const char* values[] = {"null",
                          "true",
                          "false",
                          "0",
                          "-1.5e+10",
                          "[]",
                          "{}",
                          "\"x\"",
                          "[1,[2,{\"a\":[]}],\"b\"]",
                          " { \"a\" : 1 , \"b\" : [ ] } "};
  for (const std::string value : values) {
    scan(value, [](JsonScanner& json) {
      json.skip_value();
      json.end(false);
    });
  }
  const char* bad[] = {
      "",  "nul", "[1,]", "{\"a\":1,}", "{\"a\"}", "{1:2}", "[1 2]", "01",   "1.", "1e",
      "-", "NaN", "[",    "{\"a\":",    "}",       "'a'",   ".5",    "[,1]", "1 1"};
  for (const std::string value : bad) {
    expect_bad_file("'x' at byte", [&] {
      scan(value, [](JsonScanner& json) {
        json.skip_value();
        json.end(false);
      });
    });
  }
}

TEST(JsonScanner, DepthIsLimited) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  scan(nested(64), [](JsonScanner& json) { json.skip_value(); });
  expect_bad_file("at byte 64: the JSON text is more than 64 levels deep",
                  [&] { scan(nested(65), [](JsonScanner& json) { json.skip_value(); }); });
  expect_bad_file("64 levels", [&] {
    scan(std::string(100'000, '['), [](JsonScanner& json) { json.skip_value(); });
  });
}

}  // namespace
}  // namespace roost::formats

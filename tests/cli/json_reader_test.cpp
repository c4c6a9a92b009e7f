// The reader that judges the program's JSON must itself refuse what is none.
#include "cli/json_reader.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace roost::cli::test {
namespace {

TEST(JsonReader, ReadsBackWhatValueWrites) {
  Value value;
  value["numbers"] = Value::Array{0, -1, 2.5, 1e300, INT64_MAX};
  value["words"] = Value::Array{true, false, nullptr, "", "è \" \\ \n \x01"};
  value["empty"] = Value::Array{Value::Object{}, Value::Array{}};
  EXPECT_EQ(read_json(value.to_json()), value);
  EXPECT_EQ(read_json(value.to_json(true) + "\n"), value);
}

class NotJson : public testing::TestWithParam<std::string> {};

TEST_P(NotJson, IsRefused) { EXPECT_THROW(read_json(GetParam()), std::runtime_error); }

INSTANTIATE_TEST_SUITE_P(Texts, NotJson,
                         testing::Values("", " ", "{", "[1,]", "[1", R"({"a":1,})", R"({"a" 1})",
                                         R"({a:1})", R"({"a":1,"a":2})", "{} {}", "01", "1.", ".5",
                                         "+1", "nan", "\"a", "\"\n\"", "\"\xff\"", R"("\x")",
                                         R"("\u00")", "'a'", "tru"));

}  // namespace
}  // namespace roost::cli::test

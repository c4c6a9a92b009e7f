#include "roost/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "roost/error.h"

namespace roost {
namespace {

TEST(Value, PrintsCanonicalJson) {
  Value v;
  v["b"] = Value::Array{1, 2.5, "x\n\"\\", nullptr, true};
  v["a"] = 1e300;
  EXPECT_EQ(v.to_json(), R"({"a":1e+300,"b":[1,2.5,"x\n\"\\",null,true]})");
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()).to_json(), "null");
  EXPECT_EQ(Value("\x01\t").to_json(), "\"\\u0001\\u0009\"");
  EXPECT_EQ(Value("è").to_json(), "\"è\"");
  EXPECT_EQ(Value("a\xff").to_json(), R"("a\\xff")");  // JSON must be UTF-8
}

TEST(Value, MergePatchRemovesMergesAndReplaces) {
  Value v;
  v["keep"] = 1;
  v["drop"] = 2;
  v["nested"]["x"] = 1;
  Value patch;
  patch["drop"] = nullptr;
  patch["nested"]["y"] = 2;
  v.merge_patch(patch);
  EXPECT_EQ(v.to_json(), R"({"keep":1,"nested":{"x":1,"y":2}})");
}

TEST(Value, WrongKindSaysWhatWasFound) {
  try {
    Value("text").as_int();
    FAIL();
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    EXPECT_STREQ(error.what(), "expected an integer, found a string");
  }
}

}  // namespace
}  // namespace roost

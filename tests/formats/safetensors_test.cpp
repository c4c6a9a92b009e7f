#include "formats/safetensors.h"

#include <ctime>

#include "formats/safetensors_bytes.h"

namespace roost::formats {
namespace {

using test::entry;
using test::expect_bad_file;
using test::FakeTree;
using test::safetensors_bytes;

Checkpoint open_bytes(const std::string& bytes) {
  FakeTree tree;
  tree.file("m", bytes);
  return open_safetensors(File::open(tree.root() / "m"));
}

TEST(Safetensors, DescribesItsTensors) {
  const std::string header = "{\"__metadata__\":{\"format\":\"pt\"}," +
                             entry("w", "F32", "[2,3]", "[4,28]") + "," +
                             entry("b", "BF16", "[2]", "[0,4]") + "}  ";
  const Checkpoint checkpoint = open_bytes(safetensors_bytes(header, 28));
  ASSERT_EQ(checkpoint.tensors.size(), 2u);
  const TensorInfo& b = checkpoint.tensors[0];
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.dtype, Dtype::BF16);
  EXPECT_EQ(b.offset, 8 + header.size());
  const TensorInfo& w = checkpoint.tensors[1];
  EXPECT_EQ(w.shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(w.offset, 8 + header.size() + 4);
  EXPECT_EQ(w.bytes, 24u);
  EXPECT_EQ(checkpoint.parameters(), 8u);
  EXPECT_EQ(checkpoint.metadata.to_json(), "{\"format\":\"pt\"}");
  ASSERT_EQ(checkpoint.files.size(), 1u);
  EXPECT_EQ(checkpoint.files[0].size, 8 + header.size() + 28);
}

TEST(Safetensors, ReadsEveryTypeOfTheFormat) {
  const std::pair<const char*, int> types[] = {
      {"BOOL", 4}, {"F4", 2},          {"F6_E2M3", 3}, {"F6_E3M2", 3}, {"U8", 4},
      {"I8", 4},   {"F8_E5M2", 4},     {"F8_E4M3", 4}, {"F8_E8M0", 4}, {"F8_E4M3FNUZ", 4},
      {"I16", 8},  {"F8_E5M2FNUZ", 4}, {"U16", 8},     {"F16", 8},     {"BF16", 8},
      {"I32", 16}, {"U32", 16},        {"F32", 16},    {"C64", 32},    {"F64", 32},
      {"I64", 32}, {"U64", 32}};
  for (const auto& type : types) {
    const auto bytes = static_cast<std::size_t>(type.second);
    const Checkpoint checkpoint = open_bytes(safetensors_bytes(
        "{" + entry("t", type.first, "[4]", "[0," + std::to_string(bytes) + "]") + "}", bytes));
    EXPECT_EQ(to_string(checkpoint.tensors[0].dtype), type.first);
    EXPECT_EQ(checkpoint.tensors[0].bytes, bytes);
  }
}

TEST(Safetensors, AcceptsWhatTheFormatAllows) {
  EXPECT_EQ(open_bytes(safetensors_bytes("{}", 0)).tensors.size(), 0u);
  EXPECT_EQ(open_bytes(safetensors_bytes("{}      ", 0)).tensors.size(), 0u);
  const Checkpoint zero = open_bytes(safetensors_bytes(
      "{" + entry("a", "F32", "[2,0]", "[0,0]") + "," + entry("b", "F32", "[]", "[0,4]") + "}", 4));
  EXPECT_EQ(zero.find("a")->elements(), 0u);
  EXPECT_EQ(zero.find("b")->elements(), 1u);
  const Checkpoint future =
      open_bytes(safetensors_bytes("{" + entry("a", "F2_NEW", "[7]", "[0,5]") + "}", 5));
  EXPECT_EQ(future.tensors[0].dtype, Dtype::Unknown);
  EXPECT_EQ(future.tensors[0].bytes, 5u);
}

struct BadCase {
  const char* name;
  std::string bytes;
  const char* words;
};
class BadSafetensorsTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadSafetensorsTest, IsRefused) {
  expect_bad_file(GetParam().words, [&] { (void)open_bytes(GetParam().bytes); });
}

std::string with_header(const std::string& header) {
  return safetensors_bytes(header, 4);
}
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return with_header("{" + entry("t", dtype, shape, offsets) + "}");
}
std::string two(const std::string& first, const std::string& second) {
  return safetensors_bytes(
      "{" + entry("a", "F32", "[1]", first) + "," + entry("b", "F32", "[1]", second) + "}", 8);
}
std::string length(std::uint64_t n) {
  return test::Bytes().u64(n).text("{}").str();
}

INSTANTIATE_TEST_SUITE_P(
    Framing, BadSafetensorsTest,
    testing::Values(BadCase{"Empty", "", "too short"}, BadCase{"Seven", "1234567", "too short"},
                    BadCase{"NoHeader", length(0), "does not begin with '{'"},
                    BadCase{"HeaderPastFile", length(3), "a header of 3 bytes"},
                    BadCase{"HeaderPastLimit", length(100'000'001), "100000001"},
                    BadCase{"HeaderHuge", length(UINT64_MAX), "18446744073709551615"},
                    BadCase{"LeadingSpace", with_header(" {}"), "begin with '{'"},
                    BadCase{"Array", with_header("[]"), "begin with '{'"},
                    BadCase{"Bom", with_header("\xEF\xBB\xBF{}"), "begin with '{'"},
                    BadCase{"TrailingTab", with_header("{}\t"), "follows the JSON text"},
                    BadCase{"TrailingText", with_header("{}{}"), "follows the JSON text"},
                    BadCase{"CutHeader", with_header("{\"a\":"), "an object"},
                    BadCase{"NotUtf8", with_header("{\"\xFC\":{}}"), "not UTF-8"},
                    BadCase{"DataMissing",
                            safetensors_bytes("{" + entry("t", "F32", "[1]", "[0,4]") + "}", 3),
                            "fetch it again"},
                    BadCase{"DataAfter",
                            safetensors_bytes("{" + entry("t", "F32", "[1]", "[0,4]") + "}", 5),
                            "fetch it again"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Tensors, BadSafetensorsTest,
    testing::Values(
        BadCase{"NoFields", with_header("{\"t\":{}}"), "lacks dtype"},
        BadCase{"NotAnObject", with_header("{\"t\":[]}"), "an object"},
        BadCase{"UnknownField", with_header("{\"t\":{\"x\":1}}"), "unknown key 'x'"},
        BadCase{"FieldTwice", with_header("{\"t\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}"),
                "repeats"},
        BadCase{"NameTwice",
                safetensors_bytes("{" + entry("t", "F32", "[1]", "[0,4]") + "," +
                                      entry("t", "F32", "[1]", "[4,8]") + "}",
                                  8),
                "two tensors are called 't'"},
        BadCase{"NulInName", with_header("{" + entry("a\\u0000", "F32", "[1]", "[0,4]") + "}"),
                "control bytes"},
        BadCase{"LongName",
                with_header("{" + entry(std::string(4097, 'a'), "F32", "[1]", "[0,4]") + "}"),
                "(4097 bytes)"},
        BadCase{"NegativeOffset", one("F32", "[1]", "[-1,3]"), "not '-'"},
        BadCase{"FloatOffset", one("F32", "[1]", "[0,4.0]"), "whole number"},
        BadCase{"HugeOffset", one("F32", "[1]", "[0,1e400]"), "whole number"},
        BadCase{"Reversed", one("F32", "[1]", "[4,0]"), "are not [begin, end]"},
        BadCase{"OneOffset", one("F32", "[1]", "[4]"), "are not [begin, end]"},
        BadCase{"ThreeOffsets", one("F32", "[1]", "[0,4,8]"), "more than two"},
        BadCase{"NotFromZero", safetensors_bytes("{" + entry("t", "F32", "[1]", "[4,8]") + "}", 8),
                "after a gap"},
        BadCase{"Gap", two("[0,4]", "[5,9]"), "after a gap"},
        BadCase{"Overlap", two("[0,4]", "[2,6]"), "inside another"},
        BadCase{"Same", two("[0,4]", "[0,4]"), "inside another"},
        BadCase{"NegativeShape", one("F32", "[-1]", "[0,4]"), "not '-'"},
        BadCase{"Overflow", one("F32", "[4294967296,4294967296]", "[0,4]"), "passes 64 bits"},
        BadCase{"BytesOverflow", one("F32", "[9223372036854775808]", "[0,4]"), "does not fit"},
        BadCase{"SizeMismatch", one("F16", "[1]", "[0,4]"), "does not fit them"},
        BadCase{"OddHalfBytes", one("F4", "[7]", "[0,4]"), "does not fit them"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Metadata, BadSafetensorsTest,
    testing::Values(BadCase{"Twice", with_header("{\"__metadata__\":{},\"__metadata__\":{}}"),
                            "a second '__metadata__'"},
                    BadCase{"KeyTwice", with_header("{\"__metadata__\":{\"a\":\"1\",\"a\":\"1\"}}"),
                            "a second 'a'"},
                    BadCase{"NotText", with_header("{\"__metadata__\":{\"a\":1}}"),
                            "'__metadata__' here"},
                    BadCase{"NotObject", with_header("{\"__metadata__\":[]}"), "an object"}),
    [](const auto& test) { return test.param.name; });

TEST(BadSafetensors, TooManyDimensions) {
  std::string shape = "[1";
  for (int i = 0; i < 64; ++i) shape += ",1";
  expect_bad_file("more than 64 dimensions",
                  [&] { (void)open_bytes(one("F32", shape + "]", "[0,4]")); });
}

TEST(Safetensors, APlainFileIsToldByItsContent) {
  FakeTree tree;
  tree.file("a", safetensors_bytes("{}", 0)).file("b", "{\"weight_map\":{}}").file("c", "GGUF");
  const Folder folder = Folder::open(tree.root());
  EXPECT_TRUE(is_safetensors(folder.file("a")));
  EXPECT_FALSE(is_safetensors(folder.file("b")));
  EXPECT_FALSE(is_safetensors(folder.file("c")));
  EXPECT_EQ(open_safetensors(std::string(tree.root() / "a")).files[0].name, "a");
}

TEST(Safetensors, ALargeHeaderIsReadInTime) {
  std::string header = "{";
  std::uint64_t offset = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string range = "[" + std::to_string(offset) + "," + std::to_string(offset + 2) + "]";
    header += (i == 0 ? "" : ",") + entry("t" + std::to_string(i), "F16", "[1]", range);
    offset += 2;
  }
  const std::string bytes = safetensors_bytes(header + "}", offset);
  const std::clock_t begin = std::clock();
  EXPECT_EQ(open_bytes(bytes).tensors.size(), 200'000u);
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const double megabytes = static_cast<double>(header.size()) / 1e6;
  RecordProperty("milliseconds_per_mb", std::to_string(seconds * 1e3 / megabytes));
  EXPECT_TRUE(ROOST_SANITIZED || seconds < 2 * (0.1 + 0.02 * megabytes)) << seconds;
}

}  // namespace
}  // namespace roost::formats

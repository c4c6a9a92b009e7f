#include "formats/gguf.h"

#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "formats/gguf_blocks.h"
#include "formats/gguf_bytes.h"

namespace roost::formats {
namespace {

using namespace test;  // the pieces of a GGUF file read best without a qualifier

GgufFile open(const std::string& bytes) {
  FakeTree tree;
  tree.file("m", bytes);
  const File file = File::open(tree.root() / "m");
  return open_gguf(file);
}

TEST(Gguf, ReadsMetadataAndTensors) {
  const std::string tokens = gguf_text("a") + gguf_text("b");
  const std::string bytes = gguf_bytes(
      {gguf_string("general.architecture", "bert"), gguf_u32("bert.embedding_length", 64),
       gguf_u32("bert.block_count", 2),
       gguf_pair("bert.attention.layer_norm_epsilon", 6, Bytes().u32(0x3F000000).str()),
       gguf_pair("f", 7, Bytes().u8(1).str()), gguf_pair("n", 5, Bytes().u32(0xFFFFFFFF).str()),
       gguf_array("tokenizer.ggml.tokens", 8, 2, tokens),
       gguf_array("tokenizer.ggml.scores", 6, 2, Bytes().u32(0x3F800000).u32(0xBF800000).str()),
       gguf_array("tokenizer.ggml.token_type", 5, 2, Bytes().u32(1).u32(0xFFFFFFFD).str()),
       gguf_array("deep", 9, 1, Bytes().u32(0).u64(2).u16(7).str())},
      {gguf_tensor("b", {64, 2}, 8, 0), gguf_tensor("a", {3}, 0, 160)}, 160 + 12);
  const GgufFile gguf = open(bytes);
  EXPECT_EQ(gguf.version, 3u);
  EXPECT_EQ(gguf.architecture(), "bert");
  EXPECT_EQ(gguf.at("n").as_int(), -1);
  EXPECT_TRUE(gguf.at("f").as_bool());
  EXPECT_EQ(gguf.at("tokenizer.ggml.tokens").as_texts(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(gguf.at("tokenizer.ggml.scores").as_floats(), (std::vector<float>{1, -1}));
  EXPECT_EQ(gguf.at("tokenizer.ggml.token_type").as_ints(), (std::vector<std::int64_t>{1, -3}));
  ASSERT_EQ(gguf.at("deep").arrays.size(), 1u);
  EXPECT_EQ(gguf.at("deep").arrays[0].as_ints(), (std::vector<std::int64_t>{7, 0}));
  const TensorInfo& b = *gguf.checkpoint.find("b");
  EXPECT_EQ(b.shape, (std::vector<std::uint64_t>{2, 64}));
  EXPECT_EQ(b.dtype, Dtype::Q8_0);
  EXPECT_EQ(b.bytes, 136u);
  EXPECT_EQ(gguf.checkpoint.find("a")->offset, b.offset + 160);
  EXPECT_EQ(b.offset % 32, 0u);
  const ModelConfig config = gguf_config(gguf);
  EXPECT_EQ(config.model_type, "bert");
  EXPECT_EQ(config.hidden_size, 64u);
  EXPECT_EQ(config.layers, 2u);
  EXPECT_EQ(config.norm_eps, 0.5);
  EXPECT_EQ(config.vocab_size, 2u);
}

TEST(Gguf, AcceptsEmptyFilesOtherAlignmentsAndPadding) {
  EXPECT_EQ(open(gguf_bytes({}, {}, 0, 32, 2)).version, 2u);
  const std::string tensor = gguf_tensor("t", {1}, 0, 0);
  EXPECT_EQ(open(gguf_bytes({gguf_u32("general.alignment", 64)}, {tensor}, 4, 64)).alignment, 64u);
  EXPECT_EQ(open(gguf_bytes({}, {tensor}, 32)).checkpoint.tensors.size(), 1u);
}

TEST(Gguf, AccessIsTyped) {
  const GgufFile gguf = open(gguf_bytes({gguf_u32("u", 1), gguf_string("s", "x")}, {}, 0));
  expect_bad_file("a text should", [&] { (void)gguf.at("u").as_text(); });
  expect_bad_file("a whole number should", [&] { (void)gguf.at("s").as_uint(); });
  expect_bad_file("a list of f32", [&] { (void)gguf.at("s").as_floats(); });
  expect_bad_file("'none' is missing", [&] { (void)gguf.at("none"); });
}

struct BadCase {
  const char* name;
  std::string bytes;
  const char* words;
};
class BadGgufTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadGgufTest, IsRefused) {
  expect_bad_file(GetParam().words, [&] { (void)open(GetParam().bytes); });
}

std::string counts(std::uint64_t tensors, std::uint64_t keys) {
  return Bytes().text("GGUF").u32(3).u64(tensors).u64(keys).str();
}
std::string pair(const std::string& bytes) {
  return gguf_bytes({bytes}, {}, 0);
}
std::string tensors(const std::vector<std::string>& list, std::size_t data) {
  return gguf_bytes({}, list, data);
}
std::string f32s(std::uint64_t n, std::uint64_t offset) {
  return gguf_tensor("t", {n}, 0, offset);
}
std::string nested(int depth) {
  std::string out = Bytes().u32(0).u64(0).str();
  for (int i = 1; i < depth; ++i) out = Bytes().u32(9).u64(1).text(out).str();
  return gguf_pair("k", 9, out);
}

INSTANTIATE_TEST_SUITE_P(
    Head, BadGgufTest,
    testing::Values(
        BadCase{"Empty", "", "does not begin with 'GGUF'"},
        BadCase{"Magic", "GGUF", "4 bytes wanted"},
        BadCase{"Version0", gguf_bytes({}, {}, 0, 32, 0), "version 0"},
        BadCase{"KeysNegative", counts(0, UINT64_MAX), "18446744073709551615 keys"},
        BadCase{"Keys2to40", counts(0, std::uint64_t{1} << 40), "1099511627776 keys"},
        BadCase{"TensorsNegative", counts(UINT64_MAX, 0), "18446744073709551615 tensors"},
        BadCase{"Trailing", gguf_bytes({}, {}, 33), "something follows"},
        BadCase{"EmptyKey", pair(gguf_u32("", 1)), "a key is empty"},
        BadCase{"LongKey", pair(gguf_u32(std::string(65'536, 'k'), 1)), "a key of 65536 bytes"},
        BadCase{"ControlKey", pair(gguf_u32("a\n", 1)), "control bytes"},
        BadCase{"KeyTwice", gguf_bytes({gguf_u32("a", 1), gguf_u32("a", 1)}, {}, 0),
                "'a' is there twice"},
        BadCase{"Type", pair(gguf_pair("k", 13, "12345678")), "of type 13"},
        BadCase{"Bool", pair(gguf_pair("k", 7, "\x02")), "neither 0 nor 1"},
        BadCase{"Bools", pair(gguf_array("k", 7, 2, "\x01\x02")), "neither 0 nor 1"},
        BadCase{"LongText", pair(gguf_pair("k", 8, Bytes().u64(100).str())), "100 bytes wanted"},
        BadCase{"HugeText", pair(gguf_pair("k", 8, Bytes().u64(UINT64_MAX).str())), "longer than"},
        BadCase{"ArrayPastEnd", pair(gguf_array("k", 4, 3, "12345678")), "does not fit the file"},
        BadCase{"ArrayHuge", pair(gguf_array("k", 8, std::uint64_t{1} << 61, "")),
                "does not fit the file"},
        BadCase{"ArrayType", pair(gguf_array("k", 99, 0, "")), "of type 99"},
        BadCase{"Deep", pair(nested(5)), "more than 4 deep"},
        BadCase{"Alignment0", pair(gguf_u32("general.alignment", 0)), "general.alignment"},
        BadCase{"Alignment13", pair(gguf_u32("general.alignment", 13)), "general.alignment"},
        BadCase{"Alignment2to31", pair(gguf_u32("general.alignment", 0x80000000)),
                "general.alignment"},
        BadCase{"AlignmentType", pair(gguf_pair("general.alignment", 10, Bytes().u64(32).str())),
                "general.alignment"},
        BadCase{"Architecture", pair(gguf_u32("general.architecture", 1)), "a text should"},
        BadCase{"TokensType", pair(gguf_array("tokenizer.ggml.tokens", 0, 1, "x")),
                "no array of text"},
        BadCase{"ScoresType",
                gguf_bytes({gguf_array("tokenizer.ggml.tokens", 8, 1, gguf_text("a")),
                            gguf_array("tokenizer.ggml.scores", 0, 1, "x")},
                           {}, 0),
                "no array of f32"},
        BadCase{"ScoresLength",
                gguf_bytes({gguf_array("tokenizer.ggml.tokens", 8, 1, gguf_text("a")),
                            gguf_array("tokenizer.ggml.scores", 6, 0, "")},
                           {}, 0),
                "as long as the vocabulary"},
        BadCase{"SplitLies",
                gguf_bytes({gguf_u32("split.no", 2), gguf_u32("split.count", 2)}, {}, 0),
                "part 3 of 2"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Tensors, BadGgufTest,
    testing::Values(
        BadCase{"LongName", tensors({gguf_tensor(std::string(65, 'n'), {1}, 0, 0)}, 4),
                "65 bytes is longer"},
        BadCase{"NameTwice", tensors({f32s(8, 0), f32s(8, 32)}, 64), "two tensors are called 't'"},
        BadCase{"NoDimensions", tensors({gguf_tensor("t", {}, 0, 0)}, 4), "0 dimensions"},
        BadCase{"FiveDimensions", tensors({gguf_tensor("t", {1, 1, 1, 1, 1}, 0, 0)}, 4),
                "5 dimensions"},
        BadCase{"ZeroDimension", tensors({f32s(0, 0)}, 4), "dimension of 0"},
        BadCase{"NegativeDimension", tensors({f32s(UINT64_MAX, 0)}, 4), "beyond 63 bits"},
        BadCase{"ProductOverflow", tensors({gguf_tensor("t", {1ull << 40, 1ull << 40}, 0, 0)}, 4),
                "64 bits"},
        BadCase{"BytesOverflow", tensors({f32s(1ull << 62, 0)}, 4), "64 bits"},
        BadCase{"PadOverflow", tensors({gguf_tensor("t", {(1ull << 63) - 1}, 24, 0)}, 4),
                "lies beyond"},
        BadCase{"HalfBlock", tensors({gguf_tensor("t", {33}, 8, 0)}, 68), "whole blocks"},
        BadCase{"HalfBlockRow", tensors({gguf_tensor("t", {16, 2}, 8, 0)}, 34), "whole blocks"},
        BadCase{"RemovedType", tensors({gguf_tensor("t", {32}, 4, 0)}, 68), "has type 4"},
        BadCase{"FutureType", tensors({gguf_tensor("t", {32}, 1000, 0)}, 68), "has type 1000"},
        BadCase{"Unaligned", tensors({f32s(1, 4)}, 36), "leaves a gap"},
        BadCase{"Gap", tensors({f32s(1, 32)}, 36), "leaves a gap"},
        BadCase{"Overlap", tensors({gguf_tensor("a", {8}, 0, 0), gguf_tensor("b", {8}, 0, 0)}, 64),
                "overlaps"},
        BadCase{"OffsetWraps", tensors({f32s(1, UINT64_MAX - 31)}, 4), "lies beyond"},
        BadCase{"BeyondFile", tensors({f32s(9, 0)}, 32), "lies beyond"},
        BadCase{"Trailing", tensors({f32s(1, 0)}, 33), "something follows"}),
    [](const auto& test) { return test.param.name; });

TEST(BadGguf, OtherLayoutsAreUnsupported) {
  for (const std::uint32_t version : {1u, 4u, 0x03000000u}) {
    expect_error(ErrorCode::Unsupported, "GGUF",
                 [&] { (void)open(gguf_bytes({}, {}, 0, 32, version)); });
  }
  expect_error(ErrorCode::Unsupported, "part 1 of 2", [&] {
    (void)open(gguf_bytes({gguf_u32("split.no", 0), gguf_u32("split.count", 2)}, {}, 0));
  });
}

TEST(BadGguf, EveryCutIsRefused) {
  const std::string whole =
      gguf_bytes({gguf_string("a", "b"), gguf_array("c", 8, 1, gguf_text("d"))}, {f32s(1, 0)}, 4);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_bad_file("m", [&] { (void)open(whole.substr(0, size)); });
  }
}

std::vector<std::byte> from_hex(const std::string& hex) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return out;
}

// tests/formats/reference/gguf_blocks.py wrote what the blocks stand for.
TEST(GgufBlocks, AreReadAsTheReferenceReadsThem) {
  std::ifstream fixture(ROOST_FORMATS_TESTS "/fixtures/gguf_blocks.txt");
  ASSERT_TRUE(fixture.good());
  std::set<std::string> seen;
  for (std::string line; std::getline(fixture, line);) {
    std::istringstream words(line);
    std::string name, hex;
    words >> name >> hex;
    seen.insert(name);
    std::vector<double> expected;
    for (double value = 0; words >> value;) expected.push_back(value);
    Dtype dtype = Dtype::Unknown;
    for (int i = 0; i <= static_cast<int>(Dtype::Q2_0); ++i) {
      if (to_string(static_cast<Dtype>(i)) == name) dtype = static_cast<Dtype>(i);
    }
    std::vector<float> got(expected.size());
    dequantize(dtype, from_hex(hex), got);
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_NEAR(got[i], expected[i], 1e-5 * std::fabs(expected[i]) + 1e-4 * (got.size() > 8))
          << name << " " << i;
    }
  }
  EXPECT_EQ(seen.size(), 7u);
}

TEST(GgufBlocks, HalvesKeepTheirEdges) {
  EXPECT_TRUE(std::isinf(half_to_float(0x7C00)));
  EXPECT_LT(half_to_float(0xFC00), 0);
  EXPECT_TRUE(std::isnan(half_to_float(0x7E01)));
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
}

TEST(GgufBlocks, WrongSizesAndOtherTypesAreRefused) {
  std::vector<std::byte> bytes(34);
  std::vector<float> out(32);
  dequantize(Dtype::Q8_0, bytes, out);
  expect_error(ErrorCode::InvalidArgument, "differ in size",
               [&] { dequantize(Dtype::Q4_0, bytes, out); });
  expect_error(ErrorCode::InvalidArgument, "differ in size",
               [&] { dequantize(Dtype::Q8_0, bytes, std::span(out).first(31)); });
  expect_error(ErrorCode::Unsupported, "IQ2_XS", [&] { dequantize(Dtype::IQ2_XS, bytes, out); });
  EXPECT_FALSE(can_dequantize(Dtype::Unknown));
}

}  // namespace
}  // namespace roost::formats

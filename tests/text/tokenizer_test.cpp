#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <functional>

#include "roost/error.h"

namespace roost::text {
namespace {

using Tokens = std::vector<std::string>;
using Ids = std::vector<std::uint32_t>;

constexpr std::string_view kBert = R"({
  "added_tokens": [
    {"id": 0, "content": "[PAD]", "special": true}, {"id": 1, "content": "[UNK]", "special": true},
    {"id": 2, "content": "[CLS]", "special": true}, {"id": 3, "content": "[SEP]", "special": true}],
  "normalizer": {"type": "BertNormalizer", "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
    "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2]}, "[SEP]": {"id": "[SEP]", "ids": [3]}}},
  "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
  "padding": {"strategy": {"Fixed": 16}, "direction": "Left", "pad_id": 0, "pad_token": "[PAD]"},
  "truncation": {"max_length": 8, "direction": "Left", "strategy": "OnlySecond", "stride": 2},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
    "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "hello": 4, "##s": 5, "world": 6,
              ",": 7, "ele": 8, "##ve": 9, "un": 10, "##able": 11, "中": 12}}})";

std::shared_ptr<const Tokenizer> bert() {
  return Tokenizer::from_json(kBert, "t");
}

Tokens tokens_of(const Tokenizer& tokenizer, const Encoding& encoding) {
  Tokens tokens;
  for (const std::uint32_t id : encoding.ids) tokens.emplace_back(*tokenizer.token_of(id));
  return tokens;
}

TEST(Tokenizer, EncodesAsBert) {
  const auto tokenizer = bert();
  const std::string text = "Hellos, ÉLÈVE 中 xyz";
  const Encoding encoding = tokenizer->encode(text);
  EXPECT_EQ(tokens_of(*tokenizer, encoding),
            (Tokens{"[CLS]", "hello", "##s", ",", "ele", "##ve", "中", "[UNK]", "[SEP]"}));
  std::vector<std::string> slices;
  for (const Offset at : encoding.offsets) slices.push_back(text.substr(at.begin, at.size()));
  EXPECT_EQ(slices, (Tokens{"", "Hello", "s", ",", "ÉLÈ", "VE", "中", "xyz", ""}));
  EXPECT_EQ(encoding.special, (std::vector<std::uint8_t>{1, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(tokenizer->decode(encoding.ids, true), "hellos, eleve 中");
  EXPECT_EQ(tokenizer->decode(encoding.ids, false), "[CLS] hellos, eleve 中 [UNK] [SEP]");
}

TEST(Tokenizer, PairsHaveTypesAndSequences) {
  const auto tokenizer = bert();
  const Encoding encoding = tokenizer->encode("hello", "worlds");
  EXPECT_EQ(encoding.ids, (Ids{2, 4, 3, 6, 5, 3}));
  EXPECT_EQ(encoding.types, (Ids{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(encoding.sequence, (std::vector<std::uint8_t>{255, 0, 255, 1, 1, 255}));
  EXPECT_EQ(tokenizer->encode("hello", "worlds", {.add_special_tokens = false}).ids,
            (Ids{4, 6, 5}));
}

struct CutCase {
  std::string name;
  EncodeOptions options;
  Ids ids;
};
class CutTest : public testing::TestWithParam<CutCase> {};

TEST_P(CutTest, KeepsWhatFits) {
  const Encoding encoding =
      bert()->encode("hello world hello", "un un un un un", GetParam().options);
  EXPECT_EQ(encoding.ids, GetParam().ids);
  EXPECT_EQ(encoding.truncated, encoding.ids.size() < 11);
  EXPECT_EQ(encoding.offsets.size(), encoding.ids.size());
}

using Truncate = EncodeOptions::Truncate;
INSTANTIATE_TEST_SUITE_P(
    Lengths, CutTest,
    testing::Values(
        CutCase{"Fits", {.max_tokens = 11}, {2, 4, 6, 4, 3, 10, 10, 10, 10, 10, 3}},
        CutCase{"LongerFirst", {.max_tokens = 9}, {2, 4, 6, 4, 3, 10, 10, 10, 3}},
        CutCase{"ThenBoth", {.max_tokens = 8}, {2, 4, 6, 3, 10, 10, 10, 3}},
        CutCase{"Left", {.max_tokens = 8, .cut = Side::Left}, {2, 6, 4, 3, 10, 10, 10, 3}},
        CutCase{"OnlyFirst",
                {.max_tokens = 10, .truncate = Truncate::OnlyFirst},
                {2, 4, 6, 3, 10, 10, 10, 10, 10, 3}},
        CutCase{"OnlySecond",
                {.max_tokens = 8, .truncate = Truncate::OnlySecond},
                {2, 4, 6, 4, 3, 10, 10, 3}},
        CutCase{"WithoutSpecial", {.add_special_tokens = false, .max_tokens = 3}, {4, 10, 10}}),
    [](const auto& test) { return test.param.name; });

ErrorCode code_of(const std::function<void()>& act, std::string* message = nullptr) {
  try {
    act();
  } catch (const RoostError& error) {
    if (message) *message = error.what();
    return error.code();
  }
  return ErrorCode::Internal;
}

TEST(Tokenizer, RefusesWhatDoesNotFit) {
  const auto tokenizer = bert();
  std::string message;
  EXPECT_EQ(code_of(
                [&] {
                  tokenizer->encode("hello world", {.max_tokens = 3, .truncate = Truncate::Refuse});
                },
                &message),
            ErrorCode::ContextTooLong);
  EXPECT_EQ(message,
            "the text has 4 tokens, and at most 3 are taken: shorten it, or let it be cut");
  EXPECT_EQ(code_of([&] { tokenizer->encode("hello", {.max_tokens = 2}); }),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] {
              tokenizer->encode("hello", "world world world",
                                {.max_tokens = 4, .truncate = Truncate::OnlyFirst});
            }),
            ErrorCode::ContextTooLong);
}

TEST(Tokenizer, StrayBytesAreReplacementCharacters) {
  const auto tokenizer = bert();
  const Encoding encoding = tokenizer->encode("hello\xff\xe4\xb8 world");
  EXPECT_EQ(encoding.ids, (Ids{2, 4, 6, 3}));  // the normalizer drops U+FFFD
  EXPECT_EQ(encoding.offsets[2], (Offset{9, 14}));
}

TEST(Tokenizer, SettingsOfTheFileAreTold) {
  const auto tokenizer = bert();
  ASSERT_TRUE(tokenizer->padding());
  EXPECT_EQ(tokenizer->padding()->side, Side::Left);
  EXPECT_EQ(tokenizer->padding()->length, 16u);
  ASSERT_TRUE(tokenizer->truncation());
  EXPECT_EQ(tokenizer->truncation()->max_tokens, 8u);
  EXPECT_EQ(tokenizer->truncation()->truncate, Truncate::OnlySecond);
  EXPECT_EQ(tokenizer->size(), 13u);
  EXPECT_EQ(tokenizer->id_of("world"), 6u);
  EXPECT_FALSE(tokenizer->id_of("worlds"));
  EXPECT_FALSE(tokenizer->token_of(13));
  EXPECT_TRUE(tokenizer->is_special(3));
  EXPECT_FALSE(tokenizer->is_special(4));
}

TEST(Tokenizer, AddedTokensTakeBlanksAndStandAlone) {
  const auto tokenizer = Tokenizer::from_json(
      R"({"model": {"type": "WordLevel", "unk_token": "[UNK]",
                    "vocab": {"[UNK]": 0, "x": 1, " x": 2, "x ": 3}},
          "added_tokens": [{"id": 4, "content": "[L]", "lstrip": true, "normalized": false},
                           {"id": 5, "content": "[R]", "rstrip": true, "normalized": false},
                           {"id": 6, "content": "S", "single_word": true, "normalized": true},
                           {"id": 7, "content": "[LL]", "special": true}]})",
      "t");
  const Encoding left = tokenizer->encode("x [L] x");
  EXPECT_EQ(left.ids, (Ids{1, 4, 2}));
  EXPECT_EQ(left.offsets[1], (Offset{1, 5}));
  const Encoding right = tokenizer->encode("x [R] x");
  EXPECT_EQ(right.ids, (Ids{3, 5, 1}));
  EXPECT_EQ(right.offsets[1], (Offset{2, 6}));
  EXPECT_EQ(tokenizer->encode("x S x").ids, (Ids{3, 6, 2}));
  EXPECT_EQ(tokenizer->encode("xSx").ids, (Ids{0}));
  EXPECT_EQ(tokenizer->encode("[LL][L][R]").ids, (Ids{7, 4, 5}));
}

TEST(Tokenizer, EmptyTextsAreFine) {
  const auto tokenizer = bert();
  EXPECT_EQ(tokenizer->encode("").ids, (Ids{2, 3}));
  EXPECT_EQ(tokenizer->encode("", "").ids, (Ids{2, 3, 3}));
  EXPECT_TRUE(tokenizer->encode(" \n", {.add_special_tokens = false}).ids.empty());
  EXPECT_EQ(tokenizer->decode({}, false), "");
}

}  // namespace
}  // namespace roost::text

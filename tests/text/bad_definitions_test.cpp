// Definitions that lie, contradict themselves, or ask for what cannot be done in linear time.
#include <gtest/gtest.h>

#include "roost/error.h"
#include "text/tokenizer.h"

namespace roost::text {
namespace {

// A definition around a model of "a" and "b" with the given members besides.
std::string with(
    const std::string& members,
    const std::string& model =
        R"({"type":"WordLevel","vocab":{"a":0,"b":1,"[UNK]":2},"unk_token":"[UNK]"})") {
  return R"({"model":)" + model + (members.empty() ? "" : "," + members) + "}";
}

std::string bpe(const std::string& members) {
  return with("", R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},)" + members + "}");
}

std::string split_by(const std::string& regex) {
  return with(R"("pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":")" +
              regex + R"("}})");
}

std::string nested_sequences(std::size_t depth) {
  std::string text = R"("normalizer":)";
  for (std::size_t i = 0; i < depth; ++i) text += R"({"type":"Sequence","normalizers":[)";
  text += R"({"type":"NFC"})";
  for (std::size_t i = 0; i < depth; ++i) text += "]}";
  return with(text);
}

std::string chain(std::size_t steps, const std::string& step) {
  std::string text = R"("normalizer":{"type":"Sequence","normalizers":[)";
  for (std::size_t i = 0; i < steps; ++i) text += (i == 0 ? "" : ",") + step;
  return with(text + "]}");
}

struct BadCase {
  std::string name;
  std::string definition;
  ErrorCode code;
  std::string says;
};
class BadDefinitionTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadDefinitionTest, IsRefused) {
  try {
    Tokenizer::from_json(GetParam().definition, "t.json");
    FAIL() << "it was taken";
  } catch (const RoostError& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), GetParam().code) << message;
    EXPECT_TRUE(message.starts_with("t.json: ")) << message;
    EXPECT_NE(message.find(GetParam().says), message.npos) << message;
    EXPECT_LT(message.size(), 1'000u);
  }
}

constexpr auto kBad = ErrorCode::BadFile;
constexpr auto kUnsupported = ErrorCode::Unsupported;

INSTANTIATE_TEST_SUITE_P(
    Definitions, BadDefinitionTest,
    testing::Values(
        BadCase{"NotJson", "{", kBad, "not JSON at byte 1"},
        BadCase{"NoModel", "{}", kBad, "the top level has no 'model'"},
        BadCase{"Deep", nested_sequences(10'000), kBad, "nested more than 64 deep"},
        BadCase{"LongChain", chain(10'000, R"({"type":"NFC"})"), kBad, "at most 100 make sense"},
        BadCase{"SameId", with("", R"({"type":"WordLevel","vocab":{"a":0,"b":0},"unk_token":"a"})"),
                kBad, "model.vocab.b gives the id 0 to a second token"},
        BadCase{"HugeId",
                with("", R"({"type":"WordLevel","vocab":{"a":2147483648},"unk_token":"a"})"), kBad,
                "model.vocab.a is 2147483648, and ids go up to"},
        BadCase{"NegativeId", with("", R"({"type":"WordLevel","vocab":{"a":-1},"unk_token":"a"})"),
                kBad, "model.vocab.a should be a whole number that is not negative"},
        BadCase{"SameToken",
                with("", R"({"type":"WordLevel","vocab":{"a":0,"a":1},"unk_token":"a"})"), kBad,
                "the key 'model.vocab.a' is given more than once"},
        BadCase{"NoUnknown", with("", R"({"type":"WordPiece","vocab":{"a":0}})"), kBad,
                "has the unknown token '[UNK]', which its vocabulary lacks"},
        BadCase{"MergeOfNothing", bpe(R"("merges":["a c"])"), kBad,
                "model.merges[0] needs the token 'c', which the vocabulary lacks"},
        BadCase{"MergeToNothing", bpe(R"("merges":["a b","b ab"])"), kBad,
                "model.merges[1] needs the token 'bab'"},
        BadCase{"MergeOfOne", bpe(R"("merges":["ab"])"), kBad, "is not two tokens"},
        BadCase{"MergeOfThree", bpe(R"("merges":[["a","b","a"]])"), kBad, "is not two tokens"},
        BadCase{"MergeShorterThanPrefix",
                bpe(R"("continuing_subword_prefix":"####","merges":["a b"])"), kBad,
                "shorter than the continuing prefix"},
        BadCase{"LongMerge", bpe(R"("merges":["a )" + std::string(1'000'000, 'b') + R"("])"), kBad,
                "model.merges[0] needs the token 'bbb"},
        BadCase{"Dropout", bpe(R"("dropout":0.1,"merges":["a b"])"), kUnsupported, "random merges"},
        BadCase{"UnknownIdPastTheEnd",
                with("", R"({"type":"Unigram","vocab":[["a",0]],"unk_id":1})"), kBad,
                "model.unk_id is 1, and the vocabulary has 1 tokens"},
        BadCase{"NoUnknownId", with("", R"({"type":"Unigram","vocab":[["a",0]]})"), kUnsupported,
                "has no unk_id"},
        BadCase{"EmptyUnigram", with("", R"({"type":"Unigram","vocab":[],"unk_id":0})"), kBad,
                "the vocabulary has 0 tokens"},
        BadCase{"PieceWithoutScore", with("", R"({"type":"Unigram","vocab":[["a"]],"unk_id":0})"),
                kBad, "model.vocab[0] is not a token and its score"},
        BadCase{"EmptyAddedToken", with(R"("added_tokens":[{"id":3,"content":""}])"), kBad,
                "is empty"},
        BadCase{
            "LongAddedToken",
            with(R"("added_tokens":[{"id":3,"content":")" + std::string(1'000'000, '(') + R"("}])"),
            kBad, "has 1000000 bytes, at most 1000 are allowed"},
        BadCase{"AddedTokenOfOtherId", with(R"("added_tokens":[{"id":7,"content":"a"}])"), kBad,
                "the added token 'a' has id 7, but 0 in the model's vocabulary"},
        BadCase{"AddedTokenOnTakenId", with(R"("added_tokens":[{"id":0,"content":"c"}])"), kBad,
                "has id 0, which is 'a' in the vocabulary"},
        BadCase{"AddedTokenTwice",
                with(R"("added_tokens":[{"id":3,"content":"c"},{"id":4,"content":"c"}])"), kBad,
                "is given twice"},
        BadCase{"LookAhead", split_by("a(?=b)"), kUnsupported, "unsupported regex 'a(?=b)'"},
        BadCase{"LookBehind", split_by("(?<!a)b"), kUnsupported, "unsupported regex"},
        BadCase{"BackReference", split_by(R"((a)\\1)"), kUnsupported, "back references"},
        BadCase{"Atomic", split_by("(?>a+)b"), kUnsupported, "unsupported regex"},
        BadCase{"Possessive", split_by("a++b"), kUnsupported, "unsupported regex"},
        BadCase{"OpenClass", split_by("[a"), kUnsupported, "unsupported regex"},
        BadCase{"HugeRegex", split_by(std::string(1'000'000, 'a')), kUnsupported, "1000000 bytes"},
        BadCase{"HungryRegex", split_by("((a{1000}){1000}){1000}"), kUnsupported,
                "unsupported regex"},
        BadCase{"EmptyPattern",
                with(R"("normalizer":{"type":"Replace","pattern":{"String":""},"content":"x"})"),
                kUnsupported, "normalizer.pattern: a pattern of 0 bytes"},
        BadCase{"NotBase64",
                with(R"("normalizer":{"type":"Precompiled","precompiled_charsmap":"*"})"), kBad,
                "is not base64"},
        BadCase{"NoCharsmap",
                with(R"("normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"})"), kBad,
                "is not a charsmap"},
        BadCase{"UnknownStep", with(R"("normalizer":{"type":"Rot13"})"), kUnsupported,
                "normalizer is of the unsupported type 'Rot13'"},
        BadCase{"UnknownModel", with("", R"({"type":"Oracle","vocab":{}})"), kUnsupported,
                "model is of the unsupported type 'Oracle'"},
        BadCase{"WrongKind", with(R"("pre_tokenizer":["Whitespace"])"), kBad,
                "pre_tokenizer should be an object, but is an array"},
        BadCase{
            "SecondTextInSingle",
            with(
                R"("post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B"}}]})"),
            kBad, "uses the second text"}),
    [](const auto& test) { return test.param.name; });

TEST(BadDefinition, AGrowingTextIsStopped) {
  const auto tokenizer = Tokenizer::from_json(
      chain(40, R"({"type":"Replace","pattern":{"String":"a"},"content":"aa"})"), "t.json");
  try {
    tokenizer->encode(std::string(1'000, 'a'));
    FAIL();
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::BadFile);
  }
}

TEST(BadDefinition, CatastrophicRegexesAreLinear) {
  const auto tokenizer = Tokenizer::from_json(split_by("(a+)+$"), "t.json");
  EXPECT_EQ(tokenizer->encode(std::string(100'000, 'a') + "b").ids.size(), 1u);
}

// Each byte of good files changed in turn: an error or a tokenizer, never anything else.
TEST(BadDefinition, NoByteChangeIsHarmful) {
  const std::string good =
      R"({"added_tokens":[{"id":3,"content":"<s>","special":true}],"normalizer":{"type":"NFKC"},)"
      R"("pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"[ab]+|\\s"}},)"
      R"("model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char byte : {'\0', '"', '{', ']', '9', '\\', '\xff', ','}) {
      std::string changed = good;
      changed[i] = byte;
      try {
        Tokenizer::from_json(changed, "t")->encode("ab ba<s>");
      } catch (const RoostError&) {
      }
    }
  }
}

}  // namespace
}  // namespace roost::text

#include <gtest/gtest.h>

#include <functional>

#include "roost/error.h"
#include "text/tokenizer.h"

namespace roost::text {
namespace {

using Ids = std::vector<std::uint32_t>;

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::BadFile);
    return error.what();
  }
  return "nothing was refused";
}

TEST(VocabularyFiles, VocabTxtIsBert) {
  const auto tokenizer = Tokenizer::from_vocab_txt(
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\r\n##s\n!\nÉté\nete\n", "vocab.txt");
  EXPECT_EQ(tokenizer->encode("Hellos! Été").ids, (Ids{2, 4, 5, 6, 8, 3}));
  EXPECT_EQ(tokenizer->encode("hello", "zz").types, (Ids{0, 0, 0, 1, 1}));
  EXPECT_EQ(tokenizer->decode(Ids{2, 4, 5, 6, 3}, true), "hellos!");
  const auto cased = Tokenizer::from_vocab_txt("[UNK]\nÉté\nete\n", "v", {.lowercase = false});
  EXPECT_EQ(cased->encode("Été").ids, (Ids{1}));
}

TEST(VocabularyFiles, VocabAndMergesAreByteLevel) {
  const auto roberta = Tokenizer::from_vocab_and_merges(
      R"({"<s>":0,"</s>":1,"h":2,"i":3,"hi":4,"Ġ":5,"Ġhi":6,"<mask>":7})",
      "#version: 0.2\nh i\nĠ hi\n", "v");
  const Encoding encoding = roberta->encode("hi hi <mask>", "hi");
  EXPECT_EQ(encoding.ids, (Ids{0, 4, 6, 7, 1, 1, 4, 1}));
  EXPECT_EQ(encoding.offsets[2], (Offset{3, 5}));
  EXPECT_EQ(roberta->decode(Ids{4, 6}, false), "hi hi");
  const auto gpt = Tokenizer::from_vocab_and_merges(R"({"h":0,"i":1,"hi":2})", "h i\n", "v");
  EXPECT_EQ(gpt->encode("hihi").ids, (Ids{2, 2}));
}

TEST(VocabularyFiles, BadLinesAreTold) {
  EXPECT_EQ(refusal([] { Tokenizer::from_vocab_txt("[UNK]\na\na\n", "v"); }),
            "v: line 3 repeats the token 'a', or is one too many");
  EXPECT_EQ(refusal([] { Tokenizer::from_vocab_txt("[UNK]\n\na\n", "v"); }), "v: line 2 is empty");
  EXPECT_EQ(refusal([] { Tokenizer::from_vocab_txt("a\n", "v"); }), "v: it has no [UNK]");
  EXPECT_EQ(refusal([] { Tokenizer::from_vocab_txt("[UNK]\n\xff\n", "v"); }), "v: it is not UTF-8");
  EXPECT_EQ(refusal([] { Tokenizer::from_vocab_and_merges(R"({"a":0})", "a\n", "v"); }),
            "v: line 1 is not two tokens with a space between them");
  EXPECT_EQ(refusal([] { Tokenizer::from_vocab_and_merges(R"({"a":0})", "a a\n", "v"); }),
            "v: line 1 merges to or from what the vocabulary lacks");
}

// Field 1 of the model: a piece with a text, a score and a type.
std::string piece(const std::string& text, char type) {
  const std::string body = "\x0a" + std::string(1, static_cast<char>(text.size())) + text +
                           std::string("\x15\x00\x00\x80\xbf", 5) + "\x18" + type;
  return "\x0a" + std::string(1, static_cast<char>(body.size())) + body;
}

TEST(VocabularyFiles, SentencepieceIsReadWithinItsBytes) {
  const std::string model =
      piece("<unk>", 2) + piece("\u2581", 1) + piece("a", 1) + piece("\u2581a", 1);
  const auto tokenizer = Tokenizer::from_sentencepiece(model, "m");
  EXPECT_EQ(tokenizer->encode(" a  a").ids, (Ids{3, 3}));
  EXPECT_EQ(tokenizer->decode(Ids{3, 3}, true), "a a");
  for (std::size_t size = 0; size < model.size(); ++size) {
    try {
      Tokenizer::from_sentencepiece(std::string_view(model).substr(0, size), "m")->encode("a");
    } catch (const RoostError& error) {
      EXPECT_EQ(error.code(), ErrorCode::BadFile);
    }
  }
  for (std::size_t i = 0; i < model.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = model;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      try {
        Tokenizer::from_sentencepiece(changed, "m")->encode("a b");
      } catch (const RoostError&) {
      }
    }
  }
}

TEST(VocabularyFiles, BrokenSentencepieceIsTold) {
  EXPECT_EQ(refusal([] { Tokenizer::from_sentencepiece("\x0a\x7f", "m"); }),
            "m: not a protobuf message at byte 0: a field is longer than what is left");
  EXPECT_EQ(refusal([] { Tokenizer::from_sentencepiece(piece("a", 1), "m"); }),
            "m: it has no piece for what is unknown");
  EXPECT_EQ(refusal([] { Tokenizer::from_sentencepiece(piece("a", 2) + piece("a", 1), "m"); }),
            "m: piece 1 repeats 'a'");
}

}  // namespace
}  // namespace roost::text

// A megabyte of one character (or two in turn) through every kind of model: what takes more than
// linear time would not end within the test's limit.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "text/tokenizer.h"

namespace roost::text {
namespace {

std::shared_ptr<const Tokenizer> definition(const std::string& name) {
  const auto path = std::filesystem::path(ROOST_TEXT_REFERENCE) / "made" / (name + ".json");
  std::ifstream file(path, std::ios::binary);
  return Tokenizer::from_json(std::string(std::istreambuf_iterator<char>(file), {}), name);
}

std::string megabyte_of(std::string_view unit) {
  std::string text;
  while (text.size() < 1'000'000) text += unit;
  return text;
}

class LinearTest : public testing::TestWithParam<std::string> {};

TEST_P(LinearTest, TakesAMegabyteOfAnything) {
  const auto tokenizer = definition(GetParam());
  for (const char* unit :
       {"a",        " ",     "é",      "中",   "e\u0301", "\u0323\u0301", "\u0301\u0323", "'",
        "<s",       "[MASK", "\n",     " \n",  "1",       "\u1100\u1161", "👩\u200d",      "\xff",
        "\xe2\x82", "t t",   "\u2581", "<unk>"}) {
    const std::string text = megabyte_of(unit);
    const Encoding encoding = tokenizer->encode(text);
    ASSERT_EQ(encoding.offsets.size(), encoding.ids.size());
    for (const Offset at : encoding.offsets) ASSERT_LE(at.end, text.size());
    tokenizer->decode(encoding.ids, true);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, LinearTest,
                         testing::Values("bert_uncased", "roberta", "llama3", "llama2", "clip",
                                         "xlm_roberta", "albert", "unigram_bytes", "words_nfc",
                                         "added_tokens", "split_removed"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace roost::text

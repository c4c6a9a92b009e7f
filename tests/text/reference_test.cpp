// Compares with what reference/make.mjs wrote down: for each definition and each text one digest
// of the ids, the tokens and the decoded text.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "text/tokenizer.h"
#include "text/unicode/byte_characters.h"

namespace roost::text {
namespace {

const std::filesystem::path kMade = std::filesystem::path(ROOST_TEXT_REFERENCE) / "made";

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

class Digest {
 public:
  void add(std::uint32_t id) {
    for (int shift = 0; shift < 32; shift += 8) add_byte(id >> shift & 255u);
  }
  void add(std::string_view text) {
    for (const char byte : text) add_byte(static_cast<unsigned char>(byte));
    add_byte(0);
  }
  std::uint64_t value() const { return std::uint64_t{first_} << 32 | second_; }

 private:
  void add_byte(std::uint32_t byte) {
    first_ = (first_ ^ byte) * 0x01000193u;
    const std::uint32_t before = second_;
    second_ = ((before ^ byte) * 0x85ebca6bu) ^ (before >> 15);
  }
  std::uint32_t first_ = 0x811c9dc5u, second_ = 0x9747b28cu;
};

std::uint64_t digest_of(const Tokenizer& tokenizer, const Encoding& encoding) {
  Digest digest;
  for (const std::uint32_t id : encoding.ids) digest.add(id);
  for (const std::uint32_t id : encoding.ids) digest.add(tokenizer.token_of(id).value_or(""));
  digest.add(tokenizer.decode(encoding.ids, false));
  return digest.value();
}

std::vector<std::string> read_texts() {
  const JsonDocument document = JsonDocument::parse(contents(kMade / "texts.json"), "texts.json");
  std::vector<std::string> texts;
  document.root().for_each([&](JsonView text) { texts.emplace_back(text.as_string()); });
  return texts;
}

std::vector<std::string> definition_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kMade)) {
    if (entry.path().extension() == ".digests") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ReferenceTest : public testing::TestWithParam<std::string> {
 protected:
  static const std::vector<std::string>& texts() {
    static const std::vector<std::string> texts = read_texts();
    return texts;
  }
  // The text that text i is paired with, as make.mjs has it.
  static std::optional<std::string_view> pair_of(std::size_t i) {
    if (i % 8 != 7) return std::nullopt;
    const std::string& pair = texts()[i * 7 % texts().size()];
    return pair.empty() ? std::nullopt : std::optional<std::string_view>(pair);
  }
};

TEST_P(ReferenceTest, AgreesOnEveryText) {
  const std::string name = GetParam();
  const auto tokenizer = Tokenizer::from_json(contents(kMade / (name + ".json")), name);
  const std::string digests = contents(kMade / (name + ".digests"));
  ASSERT_EQ(digests.size(), texts().size() * sizeof(std::uint64_t));
  std::size_t compared = 0, wrong = 0;
  for (std::size_t i = 0; i < texts().size(); ++i) {
    std::uint64_t expected = 0;
    std::memcpy(&expected, digests.data() + i * sizeof expected, sizeof expected);
    if (expected == 0) continue;
    ++compared;
    const Encoding encoding = tokenizer->encode(texts()[i], pair_of(i));
    if (digest_of(*tokenizer, encoding) == expected) continue;
    if (++wrong <= 5) ADD_FAILURE() << name << ", text " << i << ": " << texts()[i];
  }
  EXPECT_EQ(wrong, 0u) << "of " << compared;
  EXPECT_GE(compared, 1'600u);
}

// Each token's slice of the text is where it came from: inside it, and in order.
TEST_P(ReferenceTest, OffsetsLieInTheTextInOrder) {
  const std::string name = GetParam();
  const auto tokenizer = Tokenizer::from_json(contents(kMade / (name + ".json")), name);
  for (std::size_t i = 0; i < texts().size(); ++i) {
    const Encoding encoding = tokenizer->encode(texts()[i], pair_of(i));
    std::array<Offset, 2> last{};
    for (std::size_t t = 0; t < encoding.ids.size(); ++t) {
      const Offset at = encoding.offsets[t];
      if (encoding.special[t] == 1) {
        ASSERT_EQ(at, Offset{}) << name << ", text " << i;
        continue;
      }
      const std::uint8_t sequence = encoding.sequence[t];
      const std::string_view text = sequence == 0 ? std::string_view(texts()[i]) : *pair_of(i);
      ASSERT_LE(at.begin, at.end) << name << ", text " << i << ", token " << t;
      ASSERT_LE(at.end, text.size()) << name << ", text " << i << ", token " << t;
      ASSERT_LE(last[sequence].begin, at.begin) << name << ", text " << i << ", token " << t;
      ASSERT_LE(last[sequence].end, at.end) << name << ", text " << i << ", token " << t;
      last[sequence] = at;
    }
  }
}

// Where no step changes the text, a token's slice of it is the token.
TEST(Offsets, SliceTheTokensOutOfTheText) {
  const auto tokenizer = Tokenizer::from_json(contents(kMade / "gpt2.json"), "gpt2");
  for (const std::string& text : read_texts()) {
    const Encoding encoding = tokenizer->encode(text);
    std::string joined;
    for (std::size_t t = 0; t < encoding.ids.size(); ++t) {
      const std::string token(tokenizer->token_of(encoding.ids[t]).value_or(""));
      const Offset at = encoding.offsets[t];
      joined += text.substr(at.begin, at.size());
      if (tokenizer->is_special(encoding.ids[t])) continue;
      ASSERT_EQ(bytes_spelled_by(token), text.substr(at.begin, at.size())) << text;
    }
    ASSERT_EQ(joined, text);
  }
}

class SentencepieceTest : public ReferenceTest {};

TEST_P(SentencepieceTest, AgreesOnEveryLine) {
  const auto folder = std::filesystem::path(ROOST_TEXT_REFERENCE) / "sentencepiece";
  const std::string name = GetParam();
  const auto tokenizer = Tokenizer::from_sentencepiece(contents(folder / (name + ".model")), name);
  const std::string digests = contents(folder / (name + ".ids"));
  ASSERT_EQ(digests.size(), texts().size() * sizeof(std::uint64_t));
  std::size_t compared = 0, wrong = 0;
  for (std::size_t i = 0; i < texts().size(); ++i) {
    std::uint64_t expected = 0;
    std::memcpy(&expected, digests.data() + i * sizeof expected, sizeof expected);
    if (expected == 0) continue;
    ++compared;
    Digest digest;
    for (const std::uint32_t id : tokenizer->encode(texts()[i]).ids) digest.add(id);
    if (digest.value() == expected) continue;
    if (++wrong <= 5) ADD_FAILURE() << name << ", text " << i << ": " << texts()[i];
  }
  EXPECT_EQ(wrong, 0u) << "of " << compared;
  EXPECT_GE(compared, 1'000u);
}

INSTANTIATE_TEST_SUITE_P(Models, SentencepieceTest, testing::Values("spm_unigram", "spm_bpe"),
                         [](const auto& test) { return test.param; });
INSTANTIATE_TEST_SUITE_P(Definitions, ReferenceTest, testing::ValuesIn(definition_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace roost::text

#include "backend/native/made_tokenizer.h"

#include <utility>
#include <vector>

#include "roost/value.h"

namespace roost::backend {
namespace {

constexpr std::size_t kSpecials = 5;

// Pieces in the order of their length: a .. z, aa .. zz, aaa .. zzz, ... No word but whole digits
// and marks is without a piece, since every letter is one.
std::vector<std::string> tokens_of(std::size_t count, std::size_t padding) {
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  std::swap(tokens[0], tokens[padding]);
  std::vector<std::string> pieces;
  for (char c = 'a'; c <= 'z'; ++c) pieces.emplace_back(1, c);
  for (char c = '0'; c <= '9'; ++c) pieces.emplace_back(1, c);
  for (const std::string& piece : pieces) tokens.push_back(piece);
  for (const std::string& piece : pieces) tokens.push_back("##" + piece);
  for (const char mark : std::string("!\"#$%&'()*+,-./:;<=>?@[]_{}~")) tokens.emplace_back(1, mark);
  for (std::size_t at = 0; tokens.size() < count; ++at) {
    const std::string shorter = pieces[at];  // what it lies in grows
    for (char c = 'a'; c <= 'z' && tokens.size() < count; ++c) {
      pieces.push_back(shorter + c);
      tokens.push_back(pieces.back());
      if (tokens.size() < count) tokens.push_back("##" + pieces.back());
    }
  }
  tokens.resize(count);
  return tokens;
}

Value piece(const char* kind, const char* id, int type) {
  return Value::Object{{kind, Value::Object{{"id", id}, {"type_id", type}}}};
}

Value processor(const std::vector<std::string>& tokens) {
  Value::Object specials;
  for (std::size_t i = 0; i < kSpecials; ++i) {
    specials[tokens[i]] = Value::Object{
        {"id", tokens[i]}, {"ids", Value::Array{i}}, {"tokens", Value::Array{tokens[i]}}};
  }
  const Value::Array single = {piece("SpecialToken", "[CLS]", 0), piece("Sequence", "A", 0),
                               piece("SpecialToken", "[SEP]", 0)};
  Value::Array pair = single;
  pair.push_back(piece("Sequence", "B", 1));
  pair.push_back(piece("SpecialToken", "[SEP]", 1));
  return Value::Object{{"type", "TemplateProcessing"},
                       {"single", single},
                       {"pair", std::move(pair)},
                       {"special_tokens", std::move(specials)}};
}

}  // namespace

std::string made_tokenizer(std::size_t vocabulary, std::size_t padding) {
  const std::vector<std::string> tokens = tokens_of(vocabulary, padding);
  Value::Object ids;
  for (std::size_t i = 0; i < tokens.size(); ++i) ids[tokens[i]] = i;
  Value::Array added;
  for (std::size_t i = 0; i < kSpecials; ++i) {
    added.push_back(Value::Object{{"id", i},
                                  {"content", tokens[i]},
                                  {"single_word", false},
                                  {"lstrip", false},
                                  {"rstrip", false},
                                  {"normalized", false},
                                  {"special", true}});
  }
  const Value tokenizer = Value::Object{
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", std::move(added)},
      {"normalizer", Value::Object{{"type", "BertNormalizer"},
                                   {"clean_text", true},
                                   {"handle_chinese_chars", true},
                                   {"strip_accents", nullptr},
                                   {"lowercase", true}}},
      {"pre_tokenizer", Value::Object{{"type", "BertPreTokenizer"}}},
      {"post_processor", processor(tokens)},
      {"decoder", Value::Object{{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
      {"model", Value::Object{{"type", "WordPiece"},
                              {"unk_token", "[UNK]"},
                              {"continuing_subword_prefix", "##"},
                              {"max_input_chars_per_word", 100},
                              {"vocab", std::move(ids)}}}};
  return tokenizer.to_json() + "\n";
}

}  // namespace roost::backend

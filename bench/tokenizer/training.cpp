#include "training.h"

#include <cstdint>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>

#include "roost/value.h"
#include "text/steps/scanners.h"
#include "text/unicode/byte_characters.h"
#include "text/unicode/characters.h"

namespace roost::bench {
namespace {

using Pair = std::uint64_t;

class Trainer {
 public:
  explicit Trainer(const std::vector<std::string>& texts) {
    std::map<std::string, std::int64_t> counts;
    for (const std::string& text : texts) {
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text::scan_gpt2(text, at);
        ++counts[text.substr(at, end - at)];
        at = end;
      }
    }
    for (unsigned byte = 0; byte < 256; ++byte) {
      symbols_.emplace_back(text::character_of_byte(static_cast<unsigned char>(byte)));
    }
    for (const auto& [word, count] : counts) {
      Word entry{{}, count};
      for (const char byte : word) entry.symbols.push_back(static_cast<unsigned char>(byte));
      words_.push_back(std::move(entry));
    }
    for (std::size_t i = 0; i < words_.size(); ++i) count_pairs(i, 1);
    for (const auto& [pair, count] : counts_) queue_.push({count, pair});
  }

  std::vector<std::pair<std::string, std::string>> run(std::size_t most) {
    std::vector<std::pair<std::string, std::string>> merges;
    while (merges.size() < most && !queue_.empty()) {
      const auto [count, pair] = queue_.top();
      queue_.pop();
      if (counts_[pair] != count) continue;  // out of date
      if (count < 2) break;
      const auto left = static_cast<std::uint32_t>(pair >> 32);
      const auto right = static_cast<std::uint32_t>(pair);
      merges.emplace_back(symbols_[left], symbols_[right]);
      symbols_.push_back(symbols_[left] + symbols_[right]);
      merge_everywhere(pair, left, right, static_cast<std::uint32_t>(symbols_.size() - 1));
    }
    return merges;
  }

 private:
  struct Word {
    std::vector<std::uint32_t> symbols;
    std::int64_t count;
  };

  void count_pairs(std::size_t word, std::int64_t sign) {
    const Word& w = words_[word];
    for (std::size_t i = 1; i < w.symbols.size(); ++i) {
      const Pair pair = Pair{w.symbols[i - 1]} << 32 | w.symbols[i];
      counts_[pair] += sign * w.count;
      if (sign > 0) where_[pair].insert(word);
      touched_.insert(pair);
    }
  }

  void merge_everywhere(Pair pair, std::uint32_t left, std::uint32_t right, std::uint32_t merged) {
    touched_.clear();
    const std::set<std::size_t> words = std::move(where_[pair]);
    for (const std::size_t word : words) {
      count_pairs(word, -1);
      std::vector<std::uint32_t> symbols;
      for (const std::uint32_t symbol : words_[word].symbols) {
        if (!symbols.empty() && symbols.back() == left && symbol == right) {
          symbols.back() = merged;
        } else {
          symbols.push_back(symbol);
        }
      }
      words_[word].symbols = std::move(symbols);
      count_pairs(word, 1);
    }
    counts_[pair] = 0;
    for (const Pair changed : touched_) {
      if (counts_[changed] > 0) queue_.push({counts_[changed], changed});
    }
  }

  std::vector<std::string> symbols_;
  std::vector<Word> words_;
  std::unordered_map<Pair, std::int64_t> counts_;
  std::unordered_map<Pair, std::set<std::size_t>> where_;
  std::set<Pair> touched_;
  std::priority_queue<std::pair<std::int64_t, Pair>> queue_;
};

Value special(const std::string& content, int id) {
  Value token;
  token["id"] = id;
  token["content"] = content;
  token["special"] = true;
  for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) token[flag] = false;
  return token;
}

Value typed(const std::string& type) {
  Value step;
  step["type"] = type;
  return step;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> learn_merges(const std::vector<std::string>& texts,
                                                              std::size_t most) {
  return Trainer(texts).run(most);
}

std::string bpe_definition(const std::vector<std::string>& texts, std::size_t merges) {
  Value vocab = Value::Object{};
  Value::Array pairs;
  int id = 0;
  vocab["<|endoftext|>"] = id++;
  for (unsigned byte = 0; byte < 256; ++byte) {
    vocab[text::character_of_byte(static_cast<unsigned char>(byte))] = id++;
  }
  for (const auto& [left, right] : learn_merges(texts, merges)) {
    if (!vocab.find(left + right)) vocab[left + right] = id++;
    pairs.push_back(left + " " + right);
  }
  Value model = typed("BPE");
  model["vocab"] = vocab;
  model["merges"] = pairs;
  Value byte_level = typed("ByteLevel");
  byte_level["add_prefix_space"] = false;
  byte_level["trim_offsets"] = true;
  byte_level["use_regex"] = true;
  Value definition;
  definition["added_tokens"] = Value::Array{special("<|endoftext|>", 0)};
  definition["normalizer"] = nullptr;
  definition["pre_tokenizer"] = byte_level;
  definition["post_processor"] = nullptr;
  definition["decoder"] = byte_level;
  definition["model"] = model;
  return definition.to_json();
}

std::string wordpiece_definition(const std::vector<std::string>& texts, std::size_t merges) {
  std::vector<std::string> lowered;
  for (const std::string& text : texts) {
    std::string& to = lowered.emplace_back(text);
    for (char& c : to) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  Value vocab = Value::Object{};
  int id = 0;
  Value::Array added;
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
    added.push_back(special(token, id));
    vocab[token] = id++;
  }
  const auto add = [&](const std::string& token) {
    if (!token.empty() && !vocab.find(token)) vocab[token] = id++;
  };
  for (char c = '!'; c <= '~'; ++c) {
    add(std::string(1, c));
    add("##" + std::string(1, c));
  }
  for (const auto& [left, right] : learn_merges(lowered, merges)) {
    const std::string bytes = text::bytes_spelled_by(left + right).value_or("");
    const bool starts_word = bytes.starts_with(' ');
    const std::string word = starts_word ? bytes.substr(1) : bytes;
    if (!text::is_valid_utf8(word) || word.find_first_of(" \n\t") != word.npos) continue;
    add(starts_word ? word : "##" + word);
  }
  Value model = typed("WordPiece");
  model["vocab"] = vocab;
  model["unk_token"] = "[UNK]";
  model["continuing_subword_prefix"] = "##";
  model["max_input_chars_per_word"] = 100;
  Value normalizer = typed("BertNormalizer");
  normalizer["clean_text"] = true;
  normalizer["handle_chinese_chars"] = true;
  normalizer["strip_accents"] = nullptr;
  normalizer["lowercase"] = true;
  Value post = typed("BertProcessing");
  post["cls"] = Value::Array{"[CLS]", 2};
  post["sep"] = Value::Array{"[SEP]", 3};
  Value definition;
  definition["added_tokens"] = added;
  definition["normalizer"] = normalizer;
  definition["pre_tokenizer"] = typed("BertPreTokenizer");
  definition["post_processor"] = post;
  definition["decoder"] = nullptr;
  definition["model"] = model;
  return definition.to_json();
}

}  // namespace roost::bench

#include "text/steps/added_tokens.h"

#include <algorithm>

#include "text/unicode/characters.h"

namespace roost::text {
namespace {

bool touches_word(std::string_view before, std::string_view after) {
  return (!before.empty() && is(last_character(before).code, kWord)) ||
         (!after.empty() && is(character_at(after, 0).code, kWord));
}

std::size_t blanks_at_end(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size()) {
    const Character last = last_character(text.substr(0, text.size() - size));
    if (!is(last.code, kSpace)) break;
    size += last.size;
  }
  return size;
}

std::size_t blanks_at_start(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && is(character_at(text, size).code, kSpace)) {
    size += character_at(text, size).size;
  }
  return size;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::vector<Trie::Entry> keys;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].text.empty()) continue;
    keys.emplace_back(entries_[i].text, static_cast<std::uint32_t>(i));
    first_bytes_[static_cast<unsigned char>(entries_[i].text.front())] = true;
  }
  trie_ = Trie(std::move(keys));
}

void AddedTokens::split(std::string_view text, std::vector<Part>& parts) const {
  std::size_t done = 0;
  const auto add = [&](std::size_t begin, std::size_t end, std::optional<std::uint32_t> token) {
    if (begin == end) return;
    parts.push_back({{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)}, token});
  };
  for (std::size_t at = 0; !trie_.empty() && at < text.size();) {
    if (!first_bytes_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    const auto match = trie_.longest_prefix(text.substr(at));
    if (!match) {
      ++at;
      continue;
    }
    const AddedToken& token = entries_[match->value].token;
    std::size_t begin = at, end = at + match->size;
    at = end;
    if (token.single_word && touches_word(text.substr(0, begin), text.substr(end))) continue;
    if (token.lstrip) begin -= blanks_at_end(text.substr(done, begin - done));
    if (token.rstrip) end += blanks_at_start(text.substr(end));
    add(done, begin, std::nullopt);
    add(begin, end, token.id);
    done = at = end;
  }
  add(done, text.size(), std::nullopt);
}

}  // namespace roost::text

#include "text/models/wordpiece.h"

#include "text/unicode/characters.h"

namespace roost::text {

Trie trie_of(const Vocabulary& vocabulary) {
  std::vector<Trie::Entry> entries;
  entries.reserve(vocabulary.count());
  for (std::uint32_t id = 0; id < vocabulary.id_end(); ++id) {
    if (const auto token = vocabulary.token_of(id)) entries.emplace_back(*token, id);
  }
  return Trie(std::move(entries));
}

WordPiece::WordPiece(std::shared_ptr<const Vocabulary> vocabulary, Settings settings)
    : vocabulary_(std::move(vocabulary)),
      settings_(std::move(settings)),
      trie_(trie_of(*vocabulary_)),
      continuing_(trie_.walk(Trie::kRoot, settings_.continuing_prefix)) {}

void WordPiece::tokenize(std::string_view text, std::span<const Offset> pieces, ModelScratch&,
                         std::vector<ModelToken>& out) const {
  for (const Offset piece : pieces) {
    const std::string_view word = text.substr(piece.begin, piece.size());
    const bool too_long =
        word.size() > settings_.max_characters && count_characters(word) > settings_.max_characters;
    if (too_long) {
      out.push_back({settings_.unknown, piece});
    } else if (const auto id = vocabulary_->id_of(word)) {
      out.push_back({*id, piece});
    } else {
      tokenize_in_parts(word, piece.begin, out);
    }
  }
}

void WordPiece::tokenize_in_parts(std::string_view word, std::uint32_t base,
                                  std::vector<ModelToken>& out) const {
  const std::size_t before = out.size();
  const std::uint32_t end = base + static_cast<std::uint32_t>(word.size());
  for (std::uint32_t at = base; at < end;) {
    const auto match =
        trie_.longest_prefix(word.substr(at - base), at == base ? Trie::kRoot : continuing_);
    if (!match || match->size == 0) {
      out.resize(before);
      out.push_back({settings_.unknown, {base, end}});
      return;
    }
    const std::uint32_t next = at + static_cast<std::uint32_t>(match->size);
    out.push_back({match->value, {at, next}});
    at = next;
  }
}

void WordLevel::tokenize(std::string_view text, std::span<const Offset> pieces, ModelScratch&,
                         std::vector<ModelToken>& out) const {
  for (const Offset piece : pieces) {
    const auto id = vocabulary_->id_of(text.substr(piece.begin, piece.size()));
    out.push_back({id.value_or(unknown_), piece});
  }
}

}  // namespace roost::text

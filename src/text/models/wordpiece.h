#pragma once

#include <memory>
#include <string>

#include "text/models/model.h"
#include "text/models/trie.h"
#include "text/models/vocabulary.h"

namespace roost::text {

// From each place the longest token there is; all but a word's first token start with a prefix.
class WordPiece final : public Model {
 public:
  struct Settings {
    std::uint32_t unknown;  // the id a word gets that no tokens make up
    std::string continuing_prefix = "##";
    std::size_t max_characters = 100;  // longer words are unknown
  };
  WordPiece(std::shared_ptr<const Vocabulary> vocabulary, Settings settings);

  void tokenize(std::string_view text, std::span<const Offset> pieces, ModelScratch& scratch,
                std::vector<ModelToken>& out) const override;

 private:
  void tokenize_in_parts(std::string_view word, std::uint32_t base,
                         std::vector<ModelToken>& out) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  Settings settings_;
  Trie trie_;
  std::uint32_t continuing_;  // the trie's node behind the prefix
};

// A piece is a token, or unknown.
class WordLevel final : public Model {
 public:
  WordLevel(std::shared_ptr<const Vocabulary> vocabulary, std::uint32_t unknown)
      : vocabulary_(std::move(vocabulary)), unknown_(unknown) {}

  void tokenize(std::string_view text, std::span<const Offset> pieces, ModelScratch& scratch,
                std::vector<ModelToken>& out) const override;

 private:
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::uint32_t unknown_;
};

// A trie of every token with its id.
Trie trie_of(const Vocabulary& vocabulary);

}  // namespace roost::text

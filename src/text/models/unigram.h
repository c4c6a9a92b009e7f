#pragma once

#include <array>
#include <limits>
#include <memory>
#include <vector>

#include "text/models/model.h"
#include "text/models/trie.h"
#include "text/models/vocabulary.h"

namespace roost::text {

// Of all ways to cut a piece into tokens the one whose scores add up to most (Viterbi). What no
// token covers is unknown, a run of it at a time.
class Unigram final : public Model {
 public:
  static constexpr double kHidden = -std::numeric_limits<double>::infinity();

  struct Settings {
    std::uint32_t unknown;
    bool byte_fallback = false;  // unknown text becomes its bytes, if each is a token
  };
  // `scores` by id; kHidden: no text becomes this token.
  Unigram(std::shared_ptr<const Vocabulary> vocabulary, std::vector<double> scores,
          Settings settings);

  void tokenize(std::string_view text, std::span<const Offset> pieces, ModelScratch& scratch,
                std::vector<ModelToken>& out) const override;

 private:
  void find_best(std::string_view piece, std::vector<ModelScratch::Step>& lattice) const;
  void emit_unknown(std::string_view text, Offset at, std::vector<ModelToken>& out) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  std::vector<double> scores_;
  Settings settings_;
  double unknown_score_;
  Trie trie_;
  std::array<std::uint32_t, 256> byte_ids_{};
};

// The ids of <0x00> to <0xFF>; Trie::kNone for those there are not.
std::array<std::uint32_t, 256> byte_token_ids(const Vocabulary& vocabulary);

}  // namespace roost::text

#include "text/models/unigram.h"

#include <algorithm>

#include "text/unicode/characters.h"

namespace roost::text {
namespace {

constexpr std::uint32_t kNowhere = UINT32_MAX;
constexpr double kUnknownPenalty = 10.0;

std::uint32_t narrow(std::size_t n) {
  return static_cast<std::uint32_t>(n);
}

double least(const std::vector<double>& scores) {
  double least = 0;
  for (const double score : scores) {
    if (score != Unigram::kHidden) least = std::min(least, score);
  }
  return least;
}

Trie trie_of_scored(const Vocabulary& vocabulary, const std::vector<double>& scores) {
  std::vector<Trie::Entry> entries;
  for (std::uint32_t id = 0; id < scores.size(); ++id) {
    if (scores[id] != Unigram::kHidden) entries.emplace_back(*vocabulary.token_of(id), id);
  }
  return Trie(std::move(entries));
}

}  // namespace

std::array<std::uint32_t, 256> byte_token_ids(const Vocabulary& vocabulary) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::array<std::uint32_t, 256> ids{};
  for (std::size_t byte = 0; byte < ids.size(); ++byte) {
    const std::array<char, 6> token = {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
    ids[byte] = vocabulary.id_of({token.data(), token.size()}).value_or(Trie::kNone);
  }
  return ids;
}

Unigram::Unigram(std::shared_ptr<const Vocabulary> vocabulary, std::vector<double> scores,
                 Settings settings)
    : vocabulary_(std::move(vocabulary)),
      scores_(std::move(scores)),
      settings_(settings),
      unknown_score_(least(scores_) - kUnknownPenalty),
      trie_(trie_of_scored(*vocabulary_, scores_)),
      byte_ids_(byte_token_ids(*vocabulary_)) {}

void Unigram::tokenize(std::string_view text, std::span<const Offset> pieces, ModelScratch& scratch,
                       std::vector<ModelToken>& out) const {
  for (const Offset piece : pieces) {
    const std::string_view bytes = text.substr(piece.begin, piece.size());
    find_best(bytes, scratch.lattice);
    scratch.path.clear();
    for (std::uint32_t end = piece.size(); end > 0; end = scratch.lattice[end].from) {
      scratch.path.push_back({scratch.lattice[end].id, {scratch.lattice[end].from, end}});
    }
    for (auto token = scratch.path.rbegin(); token != scratch.path.rend();) {
      Offset at = token->at;
      const std::uint32_t id = token++->id;
      if (id != settings_.unknown) {
        out.push_back({id, {piece.begin + at.begin, piece.begin + at.end}});
        continue;
      }
      while (token != scratch.path.rend() && token->id == id) at.end = token++->at.end;
      emit_unknown(text, {piece.begin + at.begin, piece.begin + at.end}, out);
    }
  }
}

// lattice[i]: the last token of the best way to i.
void Unigram::find_best(std::string_view piece, std::vector<ModelScratch::Step>& lattice) const {
  lattice.assign(piece.size() + 1, {0.0, 0, kNowhere});
  lattice[0].from = 0;
  const auto offer = [&](std::size_t from, std::size_t to, std::uint32_t id, double score) {
    const double sum = lattice[from].score + score;
    if (lattice[to].from == kNowhere || sum > lattice[to].score) {
      lattice[to] = {sum, id, narrow(from)};
    }
  };
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t next = at + character_at(piece, at).size;
    bool covered = false;
    std::uint32_t node = Trie::kRoot;
    for (std::size_t end = at; end < piece.size();) {
      node = trie_.step(node, piece[end++]);
      if (node == Trie::kNone) break;
      const std::uint32_t id = trie_.value(node);
      if (id == Trie::kNone) continue;
      offer(at, end, id, scores_[id]);
      covered = covered || end == next;
    }
    if (!covered) offer(at, next, settings_.unknown, unknown_score_);
    at = next;
  }
}

void Unigram::emit_unknown(std::string_view text, Offset at, std::vector<ModelToken>& out) const {
  const std::string_view bytes = text.substr(at.begin, at.size());
  const auto id_of = [&](char byte) { return byte_ids_[static_cast<unsigned char>(byte)]; };
  if (vocabulary_->id_of(bytes) == settings_.unknown) {
    out.push_back({settings_.unknown, at});
    return;
  }
  const bool spelled =
      settings_.byte_fallback && std::all_of(bytes.begin(), bytes.end(),
                                             [&](char byte) { return id_of(byte) != Trie::kNone; });
  if (!spelled) {
    out.push_back({settings_.unknown, at});
    return;
  }
  for (std::uint32_t i = at.begin; i < at.end; ++i) out.push_back({id_of(text[i]), {i, i + 1}});
}

}  // namespace roost::text

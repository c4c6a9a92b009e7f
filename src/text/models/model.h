#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/unicode/aligned_text.h"

namespace roost::text {

struct ModelToken {
  std::uint32_t id;
  Offset at;  // bytes of the text that the pieces are of
};

// Memory that a model works in, kept from text to text; belongs to one call at a time.
struct ModelScratch {
  struct Symbol {
    std::uint32_t id;
    std::uint32_t begin, end;     // bytes of the piece
    std::int32_t previous, next;  // symbols, or -1
  };
  struct Candidate {
    std::uint32_t rank;
    std::uint32_t left;               // symbol
    std::uint32_t left_id, right_id;  // as they were when this was found
    std::uint32_t merged;
  };
  struct Step {
    double score;
    std::uint32_t id;
    std::uint32_t from;  // byte
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::vector<Step> lattice;
  std::vector<ModelToken> path;
};

// Pieces of text to tokens. Immutable and thread-safe.
class Model {
 public:
  virtual ~Model() = default;
  // Appends the tokens of each piece, in order.
  virtual void tokenize(std::string_view text, std::span<const Offset> pieces,
                        ModelScratch& scratch, std::vector<ModelToken>& out) const = 0;
};

}  // namespace roost::text

#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/models/model.h"
#include "text/models/vocabulary.h"

namespace roost::text {

// Two neighbouring tokens and the one that may replace them; a lower rank goes first.
struct Merge {
  std::uint32_t left, right, merged;
  std::uint32_t rank;
};

// Merges by their pair: open addressing, one look at memory.
class MergeTable {
 public:
  MergeTable() : MergeTable(std::vector<Merge>{}) {}
  explicit MergeTable(const std::vector<Merge>& merges);  // of equal pairs the last counts

  struct Found {
    std::uint32_t rank, merged;
  };
  const Found* find(std::uint32_t left, std::uint32_t right) const {
    const std::uint64_t key = std::uint64_t{left} << 32 | right;
    for (std::size_t slot = slot_of(key);; slot = (slot + 1) & mask_) {
      if (entries_[slot].key == key) return &entries_[slot].found;
      if (entries_[slot].key == kEmpty) return nullptr;
    }
  }

 private:
  static constexpr std::uint64_t kEmpty = UINT64_MAX;
  struct Entry {
    std::uint64_t key = kEmpty;
    Found found{};
  };
  std::size_t slot_of(std::uint64_t key) const {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> shift_);
  }
  std::vector<Entry> entries_;
  std::size_t mask_ = 0;
  int shift_ = 0;
};

// Byte-pair encoding: a piece starts as characters (or bytes), and the best pair of neighbours
// merges until none is left. Long pieces take n log n steps.
class Bpe final : public Model {
 public:
  struct Settings {
    std::optional<std::uint32_t> unknown;
    std::string continuing_prefix = {};
    std::string word_suffix = {};
    bool fuse_unknown = false;
    bool byte_fallback = false;
    bool ignore_merges = false;  // a piece that is a token stays whole
    // Pieces are bytes, and tokens spell bytes as characters; set for byte-level tokenizers, whose
    // pieces then need not be spelled.
    bool on_bytes = false;
  };
  Bpe(std::shared_ptr<const Vocabulary> vocabulary, const std::vector<Merge>& merges,
      Settings settings);

  void tokenize(std::string_view text, std::span<const Offset> pieces, ModelScratch& scratch,
                std::vector<ModelToken>& out) const override;

 private:
  using Symbol = ModelScratch::Symbol;
  static constexpr std::uint32_t kNone = UINT32_MAX;

  void tokenize_piece(std::string_view piece, std::uint32_t base, ModelScratch& scratch,
                      std::vector<ModelToken>& out) const;
  void start_with_bytes(std::string_view piece, std::vector<Symbol>& symbols) const;
  void start_with_characters(std::string_view piece, std::vector<Symbol>& symbols) const;
  void add_character(std::string_view piece, std::uint32_t begin, std::uint32_t end,
                     std::vector<Symbol>& symbols) const;
  void merge_few(std::vector<Symbol>& symbols) const;
  void merge_many(ModelScratch& scratch) const;
  std::optional<std::uint32_t> whole_token(std::string_view piece, ModelScratch& scratch) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  std::shared_ptr<const Vocabulary> by_bytes_;  // on_bytes: tokens as the bytes they spell
  MergeTable merges_;
  Settings settings_;
  std::array<std::uint32_t, 256> byte_ids_{};  // of one byte; kNone: there is no such token
  // Whether merging the text of a token gives just that token: found out when first asked.
  enum Whole : std::uint8_t { Unasked, Yes, No };
  mutable std::vector<std::atomic<std::uint8_t>> whole_;
};

}  // namespace roost::text

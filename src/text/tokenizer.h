#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/unicode/aligned_text.h"

namespace roost::text {

enum class Side { Left, Right };

struct EncodeOptions {
  // What to do with what does not fit. Refuse throws RoostError ContextTooLong with both numbers.
  enum class Truncate { Longest, OnlyFirst, OnlySecond, Refuse };

  bool add_special_tokens = true;
  std::size_t max_tokens = 0;  // special ones included; 0: no limit
  Truncate truncate = Truncate::Longest;
  Side cut = Side::Right;  // the end of a text that is cut off
};

// The vectors are of one length.
struct Encoding {
  static constexpr std::uint8_t kNoSequence = 255;

  std::vector<std::uint32_t> ids;
  std::vector<std::uint32_t> types;
  std::vector<Offset> offsets;         // bytes of the token's text; {0, 0} for added ones
  std::vector<std::uint8_t> special;   // 1: put there by the tokenizer, not found in a text
  std::vector<std::uint8_t> sequence;  // 0: first text, 1: second, kNoSequence: neither
  bool truncated = false;
};

// Settings that a definition carries for its users; encode() does not apply them by itself.
struct PaddingSettings {
  Side side = Side::Right;
  std::uint32_t id = 0;
  std::uint32_t type = 0;
  std::string token = "[PAD]";
  std::optional<std::size_t> length;  // none: that of the longest in a batch
  std::size_t multiple_of = 0;        // 0: any
};
struct TruncationSettings {
  std::size_t max_tokens = 512;
  std::size_t stride = 0;
  Side cut = Side::Right;
  EncodeOptions::Truncate truncate = EncodeOptions::Truncate::Longest;
};

struct BertOptions {
  bool lowercase = true;
  std::optional<bool> strip_accents = std::nullopt;  // none: as lowercase
  bool separate_ideographs = true;
};

struct TokenizerParts;

// Text to token ids and back. Immutable and thread-safe; make one and share it.
//
// Makers throw RoostError BadFile, naming `what`, for a definition that contradicts itself, and
// Unsupported for a part of the format that is not read. Nothing of their input is kept by
// reference.
class Tokenizer {
 public:
  // A tokenizer.json.
  static std::shared_ptr<const Tokenizer> from_json(std::string_view json, const std::string& what);
  // BERT's vocab.txt: a token a line.
  static std::shared_ptr<const Tokenizer> from_vocab_txt(std::string_view vocab,
                                                         const std::string& what,
                                                         const BertOptions& options = {});
  // vocab.json and merges.txt of GPT-2 or RoBERTa.
  static std::shared_ptr<const Tokenizer> from_vocab_and_merges(std::string_view vocab_json,
                                                                std::string_view merges_txt,
                                                                const std::string& what);
  // A sentencepiece model. It puts no special tokens around texts: the file does not say which.
  static std::shared_ptr<const Tokenizer> from_sentencepiece(std::string_view bytes,
                                                             const std::string& what);

  explicit Tokenizer(std::unique_ptr<const TokenizerParts> parts);
  ~Tokenizer();

  // Linear in the texts. A byte that belongs to no UTF-8 sequence is read as U+FFFD. Throws
  // RoostError InvalidArgument for a text of 1 GiB or more, or a max_tokens that leaves no room
  // beside the special tokens.
  Encoding encode(std::string_view text, std::optional<std::string_view> pair,
                  const EncodeOptions& options = {}) const;
  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const {
    return encode(text, std::nullopt, options);
  }

  // Always UTF-8. Unknown ids are passed over.
  std::string decode(std::span<const std::uint32_t> ids, bool skip_special_tokens) const;

  std::optional<std::uint32_t> id_of(std::string_view token) const;
  std::optional<std::string_view> token_of(std::uint32_t id) const;
  bool is_special(std::uint32_t id) const;
  std::size_t size() const;  // one past the largest id: rows an embedding table needs

  const std::optional<PaddingSettings>& padding() const;
  const std::optional<TruncationSettings>& truncation() const;

 private:
  std::unique_ptr<const TokenizerParts> parts_;
};

}  // namespace roost::text

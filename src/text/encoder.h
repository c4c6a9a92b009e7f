#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "text/tokenizer_parts.h"

namespace roost::text {

// One encoding: the way of a text through the parts. Holds the memory of the call.
class Encoder {
 public:
  explicit Encoder(const TokenizerParts& parts) : parts_(parts), pieces_{section_, {}, {}, {}} {}
  Encoding encode(std::string_view text, std::optional<std::string_view> pair,
                  const EncodeOptions& options);

 private:
  struct Sequence {
    std::string_view text;
    std::vector<ModelToken> tokens;  // where they came from in `text`
    void cut(std::size_t most, Side side);
  };

  void tokenize(Sequence& sequence);
  void tokenize_plain(Offset part, Sequence& sequence);
  void run_model(AlignedText& text, Offset part, Sequence& sequence);
  Offset trimmed(Offset at, std::string_view text) const;
  Encoding assemble(const Sequence& first, const Sequence& second, bool with_pair,
                    bool add_special_tokens) const;

  const TokenizerParts& parts_;
  AlignedText whole_, section_, subsection_;
  std::vector<AddedTokens::Part> parts_before_, parts_after_;
  Pieces pieces_;
  ModelScratch scratch_;
  std::vector<ModelToken> found_;
};

}  // namespace roost::text

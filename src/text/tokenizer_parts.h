#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "text/models/model.h"
#include "text/models/vocabulary.h"
#include "text/steps/added_tokens.h"
#include "text/steps/decoders.h"
#include "text/steps/normalizers.h"
#include "text/steps/post_processors.h"
#include "text/steps/pre_tokenizers.h"
#include "text/tokenizer.h"

namespace roost::text {

// What a tokenizer is made of, in the order a text passes it. Null: that step does nothing.
struct TokenizerParts {
  AddedTokens added_before;  // looked for in the text as it came
  std::unique_ptr<const Normalizer> normalizer;
  AddedTokens added_after;  // looked for in the normalized text
  std::unique_ptr<const PreTokenizer> pre_tokenizer;
  std::unique_ptr<const Model> model;  // never null
  Template output;
  std::unique_ptr<const Decoder> decoder;

  std::shared_ptr<const Vocabulary> vocabulary;  // the model's
  Vocabulary added;                              // tokens the model does not have
  std::vector<std::uint32_t> special_ids;        // ascending
  std::optional<PaddingSettings> padding;
  std::optional<TruncationSettings> truncation;
};

// Sorts tokens into the two lists, the vocabulary and the special ids; the other parts are there.
// Throws RoostError BadFile naming `what` when a token contradicts the model's vocabulary.
void add_tokens(TokenizerParts& parts, std::vector<AddedToken> tokens, const std::string& what);

}  // namespace roost::text

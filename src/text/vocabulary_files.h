#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/tokenizer_parts.h"

namespace roost::text {

// The files of tokenizers from before tokenizer.json. All throw RoostError BadFile or Unsupported,
// naming `what`.

// vocab.txt of BERT.
std::unique_ptr<const TokenizerParts> read_vocab_txt(std::string_view vocab,
                                                     const std::string& what,
                                                     const BertOptions& options);

// vocab.json and merges.txt of GPT-2 or RoBERTa; the latter, if there are <s> and </s>, puts those
// around texts.
std::unique_ptr<const TokenizerParts> read_vocab_and_merges(std::string_view vocab_json,
                                                            std::string_view merges_txt,
                                                            const std::string& what);

// A sentencepiece model (unigram or BPE). It puts no special tokens around texts: such a file does
// not say which.
std::unique_ptr<const TokenizerParts> read_sentencepiece(std::string_view bytes,
                                                         const std::string& what);

}  // namespace roost::text

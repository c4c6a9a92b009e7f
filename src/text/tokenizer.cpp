#include "text/tokenizer.h"

#include <algorithm>

#include "text/definition.h"
#include "text/encoder.h"
#include "text/tokenizer_parts.h"
#include "text/vocabulary_files.h"

namespace roost::text {

Tokenizer::Tokenizer(std::unique_ptr<const TokenizerParts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;

std::shared_ptr<const Tokenizer> Tokenizer::from_json(std::string_view json,
                                                      const std::string& what) {
  return std::make_shared<const Tokenizer>(read_definition(json, what));
}

std::shared_ptr<const Tokenizer> Tokenizer::from_vocab_txt(std::string_view vocab,
                                                           const std::string& what,
                                                           const BertOptions& options) {
  return std::make_shared<const Tokenizer>(read_vocab_txt(vocab, what, options));
}

std::shared_ptr<const Tokenizer> Tokenizer::from_vocab_and_merges(std::string_view vocab_json,
                                                                  std::string_view merges_txt,
                                                                  const std::string& what) {
  return std::make_shared<const Tokenizer>(read_vocab_and_merges(vocab_json, merges_txt, what));
}

std::shared_ptr<const Tokenizer> Tokenizer::from_sentencepiece(std::string_view bytes,
                                                               const std::string& what) {
  return std::make_shared<const Tokenizer>(read_sentencepiece(bytes, what));
}

Encoding Tokenizer::encode(std::string_view text, std::optional<std::string_view> pair,
                           const EncodeOptions& options) const {
  return Encoder(*parts_).encode(text, pair, options);
}

std::string Tokenizer::decode(std::span<const std::uint32_t> ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const std::uint32_t id : ids) {
    const auto token = token_of(id);
    if (token && !(skip_special_tokens && is_special(id))) tokens.emplace_back(*token);
  }
  if (parts_->decoder) parts_->decoder->decode(tokens);
  std::string decoded;
  for (const std::string& token : tokens) {
    if (!parts_->decoder && &token != &tokens.front()) decoded += ' ';
    decoded += token;
  }
  return decoded;
}

std::optional<std::uint32_t> Tokenizer::id_of(std::string_view token) const {
  if (const auto id = parts_->added.id_of(token)) return id;
  return parts_->vocabulary->id_of(token);
}

std::optional<std::string_view> Tokenizer::token_of(std::uint32_t id) const {
  if (const auto token = parts_->added.token_of(id)) return token;
  return parts_->vocabulary->token_of(id);
}

bool Tokenizer::is_special(std::uint32_t id) const {
  return std::binary_search(parts_->special_ids.begin(), parts_->special_ids.end(), id);
}

std::size_t Tokenizer::size() const {
  return std::max(parts_->vocabulary->id_end(), parts_->added.id_end());
}

const std::optional<PaddingSettings>& Tokenizer::padding() const {
  return parts_->padding;
}
const std::optional<TruncationSettings>& Tokenizer::truncation() const {
  return parts_->truncation;
}

}  // namespace roost::text

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "text/tokenizer_parts.h"

namespace roost::text {

// A tokenizer.json. Throws RoostError BadFile or Unsupported, with the path of what is wrong.
std::unique_ptr<const TokenizerParts> read_definition(std::string_view json,
                                                      const std::string& what);

// Its sections. An absent or null view: no such step, and a null pointer.
using MaybeView = std::optional<JsonView>;
std::unique_ptr<const Normalizer> read_normalizer(const MaybeView& view);
std::unique_ptr<const Decoder> read_decoder(const MaybeView& view);
Template read_post_processor(const MaybeView& view);

// `spell_bytes`: whether the last ByteLevel step spells bytes as characters.
std::unique_ptr<const PreTokenizer> read_pre_tokenizer(const MaybeView& view, bool spell_bytes);
bool ends_in_byte_level(const MaybeView& view);

struct ModelParts {
  std::shared_ptr<const Vocabulary> vocabulary;
  std::unique_ptr<const Model> model;
  bool works_on_bytes = false;  // the last ByteLevel step must not spell them
};
ModelParts read_model(const JsonView& view, bool after_byte_level);

// {"token": id, ...}
std::shared_ptr<const Vocabulary> read_vocabulary(const JsonView& view);

// A member that may be absent or null.
MaybeView find_value(const JsonView& view, std::string_view key);
bool flag_or(const JsonView& view, std::string_view key, bool otherwise);
std::string text_or(const JsonView& view, std::string_view key, std::string_view otherwise);
std::size_t count_or(const JsonView& view, std::string_view key, std::size_t otherwise);

// Throws Unsupported: "<what>: <path> <problem>".
[[noreturn]] void unsupported(const JsonView& view, const std::string& problem);
std::unique_ptr<const Pattern> read_pattern(const JsonView& view);

}  // namespace roost::text

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/file.h"
#include "roost/value.h"

namespace roost::formats {

inline constexpr std::uint64_t kMaxConfigBytes = 16'000'000;

// What config.json says of a model, under one name per thing: families spell them differently
// ("hidden_size", "dim", "n_embd", "d_model"). null counts as absent. `raw` has all of it.
struct ModelConfig {
  std::string model_type;
  std::vector<std::string> architectures;
  std::optional<std::uint64_t> hidden_size;
  std::optional<std::uint64_t> layers;
  std::optional<std::uint64_t> heads;
  std::optional<std::uint64_t> kv_heads;
  std::optional<std::uint64_t> head_dim;
  std::optional<std::uint64_t> intermediate_size;
  std::optional<std::uint64_t> vocab_size;
  std::optional<std::uint64_t> max_positions;
  std::optional<std::uint64_t> type_vocab_size;
  std::optional<std::uint64_t> pad_token_id;
  std::optional<double> norm_eps;
  std::optional<double> rope_theta;
  std::string activation;
  std::string position_embedding_type;
  std::string problem_type;
  std::string dtype;                            // that the weights were saved in, as it is spelt
  std::map<std::uint64_t, std::string> labels;  // id2label
  bool names_code = false;                      // auto_map: code of the repository; never run
  Value raw;
};

// `text` is config.json; `name` is for messages. Throws BadFile naming the key for what is no such
// object, a value of another kind, or one out of its range.
ModelConfig parse_config(std::string_view text, const std::string& name);

// What tokenizer_config.json says beside the tokenizer itself.
struct TokenizerConfig {
  std::string tokenizer_class;
  std::optional<bool> do_lower_case;
  std::optional<std::uint64_t> model_max_length;  // absent when it is one of the huge "no limit"s
  std::string padding_side, truncation_side;
  std::map<std::string, std::string> special_tokens;  // "pad_token": "[PAD]"
  bool has_chat_template = false;
  bool names_code = false;
  Value raw;
};
TokenizerConfig parse_tokenizer_config(std::string_view text, const std::string& name);

}  // namespace roost::formats

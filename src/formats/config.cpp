#include "formats/config.h"

#include <charconv>

#include "formats/config_reader.h"

namespace roost::formats {
namespace {

constexpr std::uint64_t kMaxLabels = 1'000'000;
constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 31;

JsonDocument parse_object(std::string_view text, const std::string& name) {
  JsonDocument document =
      JsonDocument::parse(text, name, {.max_bytes = kMaxConfigBytes, .max_depth = 64});
  if (!document.root().is_object()) document.root().refuse("is not an object");
  return document;
}

// {"0": "NEGATIVE", "1": "POSITIVE"}; some write numbers as labels.
std::map<std::uint64_t, std::string> read_labels(JsonView object) {
  std::map<std::uint64_t, std::string> labels;
  object.for_each_member([&](std::string_view key, JsonView label) {
    std::uint64_t id = 0;
    const auto end = std::from_chars(key.data(), key.data() + key.size(), id);
    if (end.ec != std::errc{} || end.ptr != key.data() + key.size() || id >= kMaxLabels) {
      label.refuse("has a key that is no number below 1000000");
    }
    std::string text;
    if (label.is_string()) {
      text = label.as_string();
    } else if (label.kind() == JsonKind::Int) {
      text = std::to_string(label.as_int());
    } else {
      label.refuse("is neither a text nor a whole number");
    }
    if (!labels.try_emplace(id, std::move(text)).second)
      label.refuse("is a second label of one id");
  });
  return labels;
}

void read_sizes(const ConfigReader& config, ModelConfig& out) {
  out.hidden_size = config.whole({"hidden_size", "dim", "n_embd", "d_model"}, 1, 1 << 20);
  out.layers = config.whole({"num_hidden_layers", "n_layers", "n_layer", "num_layers"}, 0, 10'000);
  out.heads = config.whole({"num_attention_heads", "n_heads", "n_head", "num_heads"}, 1, 65'536);
  out.kv_heads = config.whole({"num_key_value_heads"}, 1, 65'536);
  out.head_dim = config.whole({"head_dim", "d_kv"}, 1, 65'536);
  out.intermediate_size =
      config.whole({"intermediate_size", "hidden_dim", "n_inner", "d_ff"}, 1, 1 << 24);
  out.vocab_size = config.whole({"vocab_size"}, 1, 100'000'000);
  out.max_positions = config.whole({"max_position_embeddings", "n_positions"}, 1, kMaxCount);
  out.type_vocab_size = config.whole({"type_vocab_size"}, 0, 65'536);
  out.norm_eps =
      config.number({"layer_norm_eps", "layer_norm_epsilon", "norm_eps", "rms_norm_eps"}, 0.0, 1.0);
  out.rope_theta = config.number({"rope_theta", "rotary_emb_base"}, 1.0, 1e12);
  const auto pad = config.find({"pad_token_id"});  // -1 means none
  if (pad && pad->as_int() >= 0) out.pad_token_id = config.whole({"pad_token_id"}, 0, kMaxCount);
}

}  // namespace

ModelConfig parse_config(std::string_view text, const std::string& name) {
  const JsonDocument document = parse_object(text, name);
  const ConfigReader config(document.root());
  ModelConfig out;
  out.model_type = config.text({"model_type"});
  if (const auto list = config.find({"architectures"})) {
    list->for_each([&](JsonView one) { out.architectures.emplace_back(one.as_string()); });
  }
  read_sizes(config, out);
  out.activation =
      config.text({"hidden_act", "activation", "activation_function", "hidden_activation"});
  out.position_embedding_type = config.text({"position_embedding_type"});
  out.problem_type = config.text({"problem_type"});
  out.dtype = config.text({"torch_dtype", "dtype"});
  if (const auto labels = config.find({"id2label"})) out.labels = read_labels(*labels);
  out.names_code = config.find({"auto_map"}).has_value();
  out.raw = document.root().to_value();
  return out;
}

TokenizerConfig parse_tokenizer_config(std::string_view text, const std::string& name) {
  const JsonDocument document = parse_object(text, name);
  const ConfigReader config(document.root());
  TokenizerConfig out;
  out.tokenizer_class = config.text({"tokenizer_class"});
  out.do_lower_case = config.flag({"do_lower_case"});
  if (const auto limit = config.find({"model_max_length"})) {
    const double value = limit->as_double();
    if (!(value >= 1)) limit->refuse("is less than 1");
    if (value < static_cast<double>(kMaxCount)) {
      out.model_max_length = static_cast<std::uint64_t>(value);
    }
  }
  out.padding_side = config.text({"padding_side"});
  out.truncation_side = config.text({"truncation_side"});
  for (const char* key : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                          "cls_token", "mask_token"}) {
    const auto token = config.find({key});
    if (!token) continue;
    const JsonView content = token->is_object() ? token->at("content") : *token;
    out.special_tokens.emplace(key, content.as_string());
  }
  out.has_chat_template = config.find({"chat_template"}).has_value();
  out.names_code = config.find({"auto_map"}).has_value();
  out.raw = document.root().to_value();
  return out;
}

}  // namespace roost::formats

#include "nets/families.h"

#include <algorithm>
#include <optional>

#include "roost/error.h"
#include "roost/ids.h"

namespace roost::nets {
namespace {

constexpr std::uint64_t kMost = 1u << 20;  // of any size but the vocabulary
constexpr std::uint64_t kMostVocabulary = 1u << 24;
constexpr std::uint64_t kMostLayers = 256;

[[noreturn]] void refuse(const std::string& key, const std::string& problem) {
  throw RoostError(ErrorCode::BadFile, "config.json: '" + key + "' " + problem);
}

[[noreturn]] void cannot_run(const std::string& what) {
  throw RoostError(ErrorCode::Unsupported, "config.json: " + what);
}

std::size_t within(const std::optional<std::uint64_t>& value, const std::string& key,
                   std::uint64_t least, std::uint64_t most) {
  if (!value) refuse(key, "is absent");
  if (*value >= least && *value <= most) return *value;
  refuse(key, "is " + std::to_string(*value) + ", not within " + std::to_string(least) + " and " +
                  std::to_string(most));
}

struct Family {
  std::string_view name;
  bool position_ids_follow_padding = false;  // the first token's row is pad_token_id + 1
  bool typed = true;
  std::size_t relative_buckets = 0;
  TensorNames names;
};

TensorNames bert_names(std::vector<std::string> prefixes) {
  TensorNames names;
  names.prefixes = std::move(prefixes);
  names.words = "embeddings.word_embeddings";
  names.positions = "embeddings.position_embeddings";
  names.types = "embeddings.token_type_embeddings";
  names.embedding_norm = "embeddings.LayerNorm";
  const std::string layer = "encoder.layer.{}.";
  names.query = layer + "attention.self.query";
  names.key = layer + "attention.self.key";
  names.value = layer + "attention.self.value";
  names.out = layer + "attention.output.dense";
  names.attention_norm = layer + "attention.output.LayerNorm";
  names.up = layer + "intermediate.dense";
  names.down = layer + "output.dense";
  names.norm = layer + "output.LayerNorm";
  return names;
}

TensorNames electra_names() {
  TensorNames names = bert_names({"", "electra."});
  names.projection = "embeddings_project";
  return names;
}

TensorNames mpnet_names() {
  TensorNames names = bert_names({"", "mpnet."});
  names.types.clear();
  const std::string attention = "encoder.layer.{}.attention.";
  names.query = attention + "attn.q";
  names.key = attention + "attn.k";
  names.value = attention + "attn.v";
  names.out = attention + "attn.o";
  names.attention_norm = attention + "LayerNorm";
  names.relative_bias = "encoder.relative_attention_bias";
  return names;
}

TensorNames distilbert_names() {
  TensorNames names;
  names.prefixes = {"", "distilbert."};
  names.words = "embeddings.word_embeddings";
  names.positions = "embeddings.position_embeddings";
  names.embedding_norm = "embeddings.LayerNorm";
  const std::string layer = "transformer.layer.{}.";
  names.query = layer + "attention.q_lin";
  names.key = layer + "attention.k_lin";
  names.value = layer + "attention.v_lin";
  names.out = layer + "attention.out_lin";
  names.attention_norm = layer + "sa_layer_norm";
  names.up = layer + "ffn.lin1";
  names.down = layer + "ffn.lin2";
  names.norm = layer + "output_layer_norm";
  return names;
}

constexpr std::size_t kMpnetBuckets = 32;

const std::vector<Family>& all() {
  static const std::vector<Family> families = {
      {"bert", false, true, 0, bert_names({"", "bert."})},
      {"camembert", true, true, 0, bert_names({"", "roberta."})},
      {"distilbert", false, false, 0, distilbert_names()},
      {"electra", false, true, 0, electra_names()},
      {"mpnet", true, false, kMpnetBuckets, mpnet_names()},
      {"roberta", true, true, 0, bert_names({"", "roberta."})},
      {"xlm-roberta", true, true, 0, bert_names({"", "roberta."})},
  };
  return families;
}

const Family& family_of(const std::string& name) {
  for (const Family& family : all()) {
    if (family.name == name) return family;
  }
  std::string known;
  for (const std::string& other : families()) known += (known.empty() ? "" : ", ") + other;
  throw RoostError(ErrorCode::Unsupported, "models of the family '" + printable(name) +
                                               "' cannot be run; those of " + known + " can");
}

bool flag(const Value& config, std::string_view key) {
  const Value* value = config.find(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

void refuse_variants(const formats::ModelConfig& config) {
  const std::string& positions = config.position_embedding_type;
  if (!positions.empty() && positions != "absolute") {
    cannot_run("positions of the kind '" + printable(positions) +
               "' cannot be run; 'absolute' can");
  }
  if (flag(config.raw, "is_decoder")) {
    cannot_run("'is_decoder' is true, and of this family only encoders can be run");
  }
}

std::size_t buckets_of(const formats::ModelConfig& config, std::size_t usual) {
  const Value* value = config.raw.find("relative_attention_num_buckets");
  if (usual == 0 || value == nullptr) return usual;
  const bool whole = value->is_int() && value->as_int() >= 4 && value->as_int() <= 4096;
  if (!whole) refuse("relative_attention_num_buckets", "is no whole number from 4 to 4096");
  return static_cast<std::size_t>(value->as_int());
}

tensor::Activation activation_of(const formats::ModelConfig& config) {
  if (config.activation.empty()) return tensor::Activation::Gelu;
  if (const auto known = tensor::parse_activation(config.activation)) return *known;
  cannot_run("the activation '" + printable(config.activation) +
             "' cannot be run; gelu, gelu_new, relu and silu can");
}

}  // namespace

std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const Family& family : all()) names.emplace_back(family.name);
  return names;
}

EncoderShape shape_of(const formats::ModelConfig& config) {
  if (config.model_type.empty()) refuse("model_type", "is absent, so the family is unknown");
  const Family& family = family_of(config.model_type);
  refuse_variants(config);
  EncoderShape shape;
  shape.family = config.model_type;
  shape.vocabulary = within(config.vocab_size, "vocab_size", 1, kMostVocabulary);
  shape.hidden = within(config.hidden_size, "hidden_size", 1, kMost);
  shape.embedding = shape.hidden;
  shape.layers = within(config.layers, "num_hidden_layers", 1, kMostLayers);
  shape.heads = within(config.heads, "num_attention_heads", 1, kMost);
  shape.intermediate = within(config.intermediate_size, "intermediate_size", 1, kMost);
  shape.positions = within(config.max_positions, "max_position_embeddings", 1, kMost);
  if (family.typed)
    shape.types = within(config.type_vocab_size.value_or(2), "type_vocab_size", 0, kMost);
  shape.relative_buckets = buckets_of(config, family.relative_buckets);
  shape.activation = activation_of(config);
  shape.epsilon = static_cast<float>(config.norm_eps.value_or(1e-12));
  if (const Value* width = config.raw.find("embedding_size");
      width != nullptr && !family.names.projection.empty()) {
    if (!width->is_int() || width->as_int() < 1) refuse("embedding_size", "is no size");
    shape.embedding =
        within(static_cast<std::uint64_t>(width->as_int()), "embedding_size", 1, kMost);
  }
  if (family.position_ids_follow_padding) {
    shape.position_offset = within(config.pad_token_id.value_or(1), "pad_token_id", 0, kMost) + 1;
  }
  if (shape.hidden % shape.heads != 0) {
    refuse("num_attention_heads", "is " + std::to_string(shape.heads) +
                                      ", which does not divide hidden_size, " +
                                      std::to_string(shape.hidden));
  }
  if (shape.position_offset >= shape.positions) {
    refuse("pad_token_id", "leaves no position for a token");
  }
  return shape;
}

std::string of_layer(const std::string& pattern, std::size_t layer) {
  std::string name = pattern;
  const std::size_t at = name.find("{}");
  return at == std::string::npos ? name : name.replace(at, 2, std::to_string(layer));
}

const TensorNames& names_of(const EncoderShape& shape) {
  return family_of(shape.family).names;
}

}  // namespace roost::nets

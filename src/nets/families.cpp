#include "nets/families.h"

#include <algorithm>
#include <array>

#include "roost/error.h"
#include "roost/ids.h"

namespace roost::nets {
namespace {

constexpr std::uint64_t kMost = 1u << 20;  // of any size but the vocabulary
constexpr std::uint64_t kMostVocabulary = 1u << 24;
constexpr std::uint64_t kMostLayers = 256;

// Reads a config, naming what is wrong with it.
class ConfigReader {
 public:
  explicit ConfigReader(const Value& config) : config_(config) {}

  std::size_t size(const std::string& key, std::uint64_t least, std::uint64_t most,
                   std::optional<std::size_t> absent = {}) const {
    const Value* value = config_.find(key);
    if (value == nullptr || value->is_null()) {
      if (absent) return *absent;
      refuse(key, "is absent");
    }
    if (!value->is_int() || value->as_int() < 0) refuse(key, "is no whole number from 0 on");
    const auto number = static_cast<std::uint64_t>(value->as_int());
    if (number < least || number > most) {
      refuse(key, "is " + std::to_string(number) + ", not within " + std::to_string(least) +
                      " and " + std::to_string(most));
    }
    return number;
  }

  float number(const std::string& key, double absent) const {
    const Value* value = config_.find(key);
    if (value == nullptr || value->is_null()) return static_cast<float>(absent);
    if (!value->is_number()) refuse(key, "is no number");
    const double number = value->as_double();
    if (!(number >= 0 && number <= 1)) refuse(key, "is not within 0 and 1");
    return static_cast<float>(number);
  }

  std::string text(const std::string& key, const std::string& absent) const {
    const Value* value = config_.find(key);
    if (value == nullptr || value->is_null()) return absent;
    if (!value->is_string()) refuse(key, "is no text");
    return value->as_string();
  }

  bool flag(const std::string& key) const {
    const Value* value = config_.find(key);
    return value != nullptr && value->is_bool() && value->as_bool();
  }

  [[noreturn]] static void refuse(const std::string& key, const std::string& problem) {
    throw RoostError(ErrorCode::BadFile, "config.json: '" + key + "' " + problem);
  }

 private:
  const Value& config_;
};

// How a family spells its config.
struct Keys {
  const char* hidden = "hidden_size";
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  const char* intermediate = "intermediate_size";
  const char* activation = "hidden_act";
};

struct Family {
  std::string_view name;
  Keys keys;
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

constexpr Keys kDistilbertKeys = {"dim", "n_layers", "n_heads", "hidden_dim", "activation"};
constexpr std::size_t kMpnetBuckets = 32;

const std::vector<Family>& all() {
  static const std::vector<Family> families = {
      {"bert", {}, false, true, 0, bert_names({"", "bert."})},
      {"camembert", {}, true, true, 0, bert_names({"", "roberta."})},
      {"distilbert", kDistilbertKeys, false, false, 0, distilbert_names()},
      {"electra", {}, false, true, 0, electra_names()},
      {"mpnet", {}, true, false, kMpnetBuckets, mpnet_names()},
      {"roberta", {}, true, true, 0, bert_names({"", "roberta."})},
      {"xlm-roberta", {}, true, true, 0, bert_names({"", "roberta."})},
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

void refuse_variants(const ConfigReader& config) {
  const std::string kind = config.text("position_embedding_type", "absolute");
  if (kind != "absolute") {
    throw RoostError(ErrorCode::Unsupported, "config.json: positions of the kind '" +
                                                 printable(kind) +
                                                 "' cannot be run; 'absolute' can");
  }
  if (config.flag("is_decoder")) {
    throw RoostError(ErrorCode::Unsupported,
                     "config.json: 'is_decoder' is true, and only encoders of this family run");
  }
}

}  // namespace

std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const Family& family : all()) names.emplace_back(family.name);
  return names;
}

EncoderShape shape_of(const Value& value) {
  const ConfigReader config(value);
  const std::string name = config.text("model_type", "");
  if (name.empty()) ConfigReader::refuse("model_type", "is absent: what it describes is unknown");
  const Family& family = family_of(name);
  refuse_variants(config);
  EncoderShape shape;
  shape.family = name;
  shape.vocabulary = config.size("vocab_size", 1, kMostVocabulary);
  shape.hidden = config.size(family.keys.hidden, 1, kMost);
  shape.embedding = family.names.projection.empty()
                        ? shape.hidden
                        : config.size("embedding_size", 1, kMost, shape.hidden);
  shape.layers = config.size(family.keys.layers, 1, kMostLayers);
  shape.heads = config.size(family.keys.heads, 1, kMost);
  shape.intermediate = config.size(family.keys.intermediate, 1, kMost);
  shape.positions = config.size("max_position_embeddings", 1, kMost);
  shape.types = family.typed ? config.size("type_vocab_size", 0, kMost, 2) : 0;
  shape.relative_buckets =
      family.relative_buckets == 0
          ? 0
          : config.size("relative_attention_num_buckets", 4, kMost, family.relative_buckets);
  if (family.position_ids_follow_padding) {
    shape.position_offset = config.size("pad_token_id", 0, kMost, 1) + 1;
  }
  shape.epsilon = config.number("layer_norm_eps", 1e-12);
  if (shape.hidden % shape.heads != 0) {
    ConfigReader::refuse(family.keys.heads, "does not divide '" + std::string(family.keys.hidden) +
                                                "', " + std::to_string(shape.hidden));
  }
  if (shape.position_offset >= shape.positions) {
    ConfigReader::refuse("pad_token_id", "leaves no position for a token");
  }
  const std::string activation = config.text(family.keys.activation, "gelu");
  const auto known = tensor::parse_activation(activation);
  if (!known) {
    throw RoostError(ErrorCode::Unsupported,
                     "config.json: the activation '" + printable(activation) +
                         "' cannot be run; gelu, gelu_new, relu and silu can");
  }
  shape.activation = *known;
  return shape;
}

const TensorNames& names_of(const EncoderShape& shape) {
  return family_of(shape.family).names;
}

}  // namespace roost::nets

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

enum class Pooling : std::uint8_t { Cls, Mean, Max, MeanSqrtLength, WeightedMean, LastToken };
std::string_view to_string(Pooling pooling);

// One step of a sentence-transformers model, in its order. `kind` is the class without its modules:
// "Transformer", "Pooling", "Dense", "Normalize", "StaticEmbedding", or one this program has not
// heard of.
struct SentenceModule {
  std::string name;
  std::string folder;  // "" for the model's own
  std::string kind;
  Value config = Value::Object{};  // of its folder; empty for the model's own
};

struct DenseModule {
  std::string folder;
  std::uint64_t in_features = 0, out_features = 0;
  bool bias = true;
  std::string activation;  // "Tanh", "Identity"
};

// What modules.json and the files beside it say. A folder without modules.json has none of it.
struct SentenceConfig {
  std::vector<SentenceModule> modules;
  std::vector<Pooling> pooling;  // outputs one after the other when several
  std::optional<std::uint64_t> pooling_dimension;
  bool include_prompt = true;  // its tokens are pooled too
  std::vector<DenseModule> dense;
  bool normalize = false;
  std::optional<std::uint64_t> max_seq_length;
  std::optional<bool> do_lower_case;
  std::map<std::string, std::string> prompts;
  std::string default_prompt;  // a key of prompts, or empty
  std::string similarity;      // "cosine", "dot", "euclidean", "manhattan", or empty
};

// Throws BadFile naming file and key; a module's folder must lie in the model's. nullopt when there
// is no modules.json.
std::optional<SentenceConfig> read_sentence_config(const Folder& folder);

}  // namespace roost::formats

#include "formats/sentence.h"

#include <array>
#include <utility>

#include "base/json.h"
#include "formats/bytes.h"
#include "formats/config.h"
#include "formats/config_reader.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr std::size_t kMaxModules = 64;
constexpr std::uint64_t kMaxDimension = 1 << 20;
constexpr std::size_t kMaxPromptBytes = 65'536;

struct PoolingName {
  Pooling pooling;
  const char* name;      // of "pooling_mode"
  const char* old_flag;  // one flag each, in older files
};
constexpr std::array kPoolings = {
    PoolingName{Pooling::Cls, "cls", "pooling_mode_cls_token"},
    PoolingName{Pooling::Max, "max", "pooling_mode_max_tokens"},
    PoolingName{Pooling::Mean, "mean", "pooling_mode_mean_tokens"},
    PoolingName{Pooling::MeanSqrtLength, "mean_sqrt_len_tokens",
                "pooling_mode_mean_sqrt_len_tokens"},
    PoolingName{Pooling::WeightedMean, "weightedmean", "pooling_mode_weightedmean_tokens"},
    PoolingName{Pooling::LastToken, "lasttoken", "pooling_mode_lasttoken"},
};

std::optional<JsonDocument> read_json(const Folder& folder, const std::string& name) {
  const auto file = folder.find(name);
  if (!file) return std::nullopt;
  return JsonDocument::parse(read_text(*file, kMaxConfigBytes), name,
                             {.max_bytes = kMaxConfigBytes, .max_depth = 64});
}

Pooling parse_pooling(JsonView name) {
  for (const PoolingName& known : kPoolings) {
    if (name.as_string() == known.name) return known.pooling;
  }
  name.refuse("is '" + printable(name.as_string()) + "', which is no way of pooling");
}

void read_pooling(JsonView root, SentenceConfig& out) {
  const ConfigReader config(root);
  if (const auto mode = config.find({"pooling_mode"})) {
    if (mode->is_array()) {
      mode->for_each([&](JsonView one) { out.pooling.push_back(parse_pooling(one)); });
    } else {
      out.pooling.push_back(parse_pooling(*mode));
    }
  } else {
    for (const PoolingName& known : kPoolings) {
      if (config.flag({known.old_flag}).value_or(false)) out.pooling.push_back(known.pooling);
    }
  }
  out.pooling_dimension =
      config.whole({"word_embedding_dimension", "embedding_dimension"}, 1, kMaxDimension);
  out.include_prompt = config.flag({"include_prompt"}).value_or(true);
}

void read_dense(JsonView root, const std::string& folder, SentenceConfig& out) {
  const ConfigReader config(root);
  DenseModule dense;
  dense.folder = folder;
  dense.in_features = config.whole({"in_features"}, 1, kMaxDimension).value_or(0);
  dense.out_features = config.whole({"out_features"}, 1, kMaxDimension).value_or(0);
  if (dense.in_features == 0 || dense.out_features == 0) {
    root.refuse("lacks in_features or out_features");
  }
  dense.bias = config.flag({"bias"}).value_or(true);
  dense.activation = last_part(config.text({"activation_function"}));
  out.dense.push_back(std::move(dense));
}

void read_module(const Folder& folder, JsonView entry, SentenceConfig& out) {
  const ConfigReader config(entry);
  SentenceModule module;
  module.name = config.text({"name"});
  module.folder = config.text({"path"}, 255);
  module.kind = last_part(config.text({"type"}));
  if (module.folder.find_first_of("/\\") != std::string::npos || module.folder.starts_with('.')) {
    entry.refuse("has a path that is no folder beside it: '" + printable(module.folder) + "'");
  }
  if (!module.folder.empty()) {
    if (const auto document = read_json(folder, module.folder + "/config.json")) {
      module.config = document->root().to_value();
      if (module.kind == "Pooling") read_pooling(document->root(), out);
      if (module.kind == "Dense") read_dense(document->root(), module.folder, out);
    }
  }
  if (module.kind == "Normalize") out.normalize = true;
  out.modules.push_back(std::move(module));
}

void read_prompts(JsonView root, SentenceConfig& out) {
  const ConfigReader config(root);
  if (const auto prompts = config.find({"prompts"})) {
    prompts->for_each_member([&](std::string_view key, JsonView prompt) {
      if (prompt.as_string().size() > kMaxPromptBytes) prompt.refuse("is longer than 64 KiB");
      out.prompts.emplace(key, prompt.as_string());
    });
  }
  out.default_prompt = config.text({"default_prompt_name"});
  out.similarity = config.text({"similarity_fn_name"});
  if (!out.default_prompt.empty() && out.prompts.count(out.default_prompt) == 0) {
    root.refuse("has a default_prompt_name that is no key of its prompts");
  }
}

}  // namespace

std::string_view to_string(Pooling pooling) {
  for (const PoolingName& known : kPoolings) {
    if (known.pooling == pooling) return known.name;
  }
  return "unknown";
}

std::optional<SentenceConfig> read_sentence_config(const Folder& folder) {
  const auto modules = read_json(folder, "modules.json");
  if (!modules) return std::nullopt;
  SentenceConfig out;
  if (modules->root().size() > kMaxModules) modules->root().refuse("has more than 64 modules");
  modules->root().for_each([&](JsonView entry) { read_module(folder, entry, out); });
  if (const auto limits = read_json(folder, "sentence_bert_config.json")) {
    const ConfigReader config(limits->root());
    out.max_seq_length = config.whole({"max_seq_length"}, 1, std::uint64_t{1} << 31);
    out.do_lower_case = config.flag({"do_lower_case"});
  }
  if (const auto prompts = read_json(folder, "config_sentence_transformers.json")) {
    read_prompts(prompts->root(), out);
  }
  return out;
}

}  // namespace roost::formats

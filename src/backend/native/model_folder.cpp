#include "backend/native/model_folder.h"

#include <algorithm>

#include "formats/safetensors.h"
#include "nets/families.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::backend {
namespace {

using formats::Folder;

constexpr std::uint64_t kMostTokenizerBytes = 100'000'000;
constexpr const char* kTokenizer = "tokenizer.json";

formats::ModelConfig read_config(const Folder& folder) {
  return formats::parse_config(
      formats::read_text(folder.file("config.json"), formats::kMaxConfigBytes), "config.json");
}

std::optional<std::uint64_t> tokenizer_most(const Folder& folder) {
  const auto file = folder.find("tokenizer_config.json");
  if (!file) return std::nullopt;
  return formats::parse_tokenizer_config(formats::read_text(*file, formats::kMaxConfigBytes),
                                         "tokenizer_config.json")
      .model_max_length;
}

}  // namespace

ModelFolder::ModelFolder(const std::string& path)
    : folder_(Folder::open(path)),
      config_(read_config(folder_)),
      sentence_(formats::read_sentence_config(folder_)),
      tokenizer_most_(tokenizer_most(folder_)),
      shape_(nets::shape_of(config_)) {
  if (sentence_ && !sentence_->dense.empty()) {
    throw RoostError(ErrorCode::Unsupported,
                     "modules.json: a Dense module after the pooling cannot be run");
  }
}

// Without modules.json, as sentence-transformers takes such a folder: the mean of all tokens.
formats::Pooling ModelFolder::pooling(const NativeOptions& options) const {
  if (options.pooling) return *options.pooling;
  if (!sentence_ || sentence_->pooling.empty()) return formats::Pooling::Mean;
  if (sentence_->pooling.size() == 1) return sentence_->pooling.front();
  throw RoostError(ErrorCode::Unsupported,
                   "several poolings at once cannot be run; choose one with the option 'pooling'");
}

bool ModelFolder::normalises(const NativeOptions& options) const {
  return options.normalise.value_or(sentence_ && sentence_->normalize);
}

std::size_t ModelFolder::max_tokens(const NativeOptions& options) const {
  std::uint64_t most = shape_.most_tokens();
  if (sentence_ && sentence_->max_seq_length) most = std::min(most, *sentence_->max_seq_length);
  if (tokenizer_most_) most = std::min(most, *tokenizer_most_);
  if (!options.max_tokens) return most;
  if (*options.max_tokens > shape_.most_tokens()) {
    throw RoostError(ErrorCode::InvalidArgument, "the option 'max_tokens' is " +
                                                     std::to_string(*options.max_tokens) +
                                                     ", and the model has positions for " +
                                                     std::to_string(shape_.most_tokens()));
  }
  return *options.max_tokens;
}

formats::Checkpoint ModelFolder::weights() const {
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"}) {
    if (folder_.find(name)) return formats::open_safetensors(folder_, name);
  }
  throw RoostError(ErrorCode::Unsupported, "'" + printable(path()) +
                                               "' has no model.safetensors, and weights of other "
                                               "formats are not read yet");
}

std::shared_ptr<const text::Tokenizer> ModelFolder::tokenizer() const {
  const auto file = folder_.find(kTokenizer);
  if (!file) {
    throw RoostError(ErrorCode::Unsupported, "'" + printable(path()) +
                                                 "' has no tokenizer.json, and tokenizers of "
                                                 "other formats are not read yet");
  }
  auto made =
      text::Tokenizer::from_json(formats::read_text(*file, kMostTokenizerBytes), kTokenizer);
  if (made->size() > shape_.vocabulary) {
    throw RoostError(ErrorCode::BadFile, "tokenizer.json has ids up to " +
                                             std::to_string(made->size() - 1) +
                                             ", and config.json says that there are vectors for " +
                                             std::to_string(shape_.vocabulary));
  }
  return made;
}

std::uint64_t ModelFolder::tokenizer_bytes() const {
  const auto file = folder_.find(kTokenizer);
  return file ? file->size() : 0;
}

}  // namespace roost::backend

#include <string>
#include <string_view>

#include "roost/local_models.h"

namespace roost {
namespace {

void refuse(bool is_set, const std::string& option, std::string_view why) {
  if (!is_set) return;
  throw RoostError(ErrorCode::Unsupported,
                   option + " is not supported: " + std::string(why) + "; leave it unset");
}

void check_positive(const std::optional<std::size_t>& value, const std::string& option) {
  if (value && *value == 0) {
    throw RoostError(ErrorCode::InvalidArgument, option + " is 0; it must be at least 1");
  }
}

template <class Options>
void check_common(const Options& options, const std::string& type) {
  check_positive(options.thread_count, type + ".thread_count");
  if (!options.backend.is_null() && !options.backend.is_object()) {
    throw RoostError(ErrorCode::InvalidArgument, type + ".backend must be an object, not " +
                                                     std::string(options.backend.kind_name()));
  }
  refuse(!options.cache_directory.empty(), type + ".cache_directory",
         "where files are kept is chosen per engine, not per load");
  refuse(options.thread_count.has_value(), type + ".thread_count",
         "models of one device share its threads");
  refuse(options.quantization_hint.has_value(), type + ".quantization_hint",
         "no model here comes in several precisions");
}

}  // namespace

void EmbedderOptions::validate() const {
  const std::string type = "EmbedderOptions";
  check_positive(max_sequence_length, type + ".max_sequence_length");
  check_common(*this, type);
  refuse(max_sequence_length.has_value(), type + ".max_sequence_length",
         "a model's own limit holds");
  refuse(!normalize_embeddings, type + ".normalize_embeddings = false",
         "models may give vectors of length 1 only");
  refuse(pooling_mode.has_value(), type + ".pooling_mode", "a model's own pooling holds");
  refuse(do_lower_case.has_value(), type + ".do_lower_case", "a model's own tokenizer decides");
}

void RerankerOptions::validate() const {
  check_common(*this, "RerankerOptions");
}

}  // namespace roost

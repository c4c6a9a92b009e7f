#include <array>
#include <string>

#include "roost/error.h"
#include "roost/ids.h"
#include "roost/model_management.h"

namespace roost::model_management {
namespace {

enum class Rule { Bool, Fraction, Count, Text, Priority };

struct Key {
  std::string_view name;
  std::string_view camel;  // empty: the same
  Rule rule;
};

constexpr std::array kKeys = {
    Key{"threshold", "", Rule::Fraction},
    Key{"force_cpu", "forceCpu", Rule::Bool},
    Key{"batch_size", "batchSize", Rule::Count},
    Key{"max_length", "maxLength", Rule::Count},
    Key{"post_process", "postProcess", Rule::Bool},
    Key{"confidence", "", Rule::Fraction},
    Key{"nms_threshold", "nmsThreshold", Rule::Fraction},
    Key{"max_detections", "maxDetections", Rule::Count},
    Key{"input_size", "inputSize", Rule::Count},
    Key{"dimension", "", Rule::Count},
    Key{"normalize", "", Rule::Bool},
    Key{"max_sequence_length", "maxSequenceLength", Rule::Count},
    Key{"sample_size", "sampleSize", Rule::Count},
    Key{"sampler", "", Rule::Text},
    Key{"enabled", "", Rule::Bool},
    Key{"auto_download", "autoDownload", Rule::Bool},
    Key{"auto_load", "autoLoad", Rule::Bool},
    Key{"priority", "", Rule::Priority},
};

[[noreturn]] void reject(std::string_view key, const Value& value, const std::string& wanted) {
  throw RoostError(ErrorCode::InvalidArgument, "config '" + printable(key) + "' is " +
                                                   printable(value.to_json()) + ", allowed is " +
                                                   wanted);
}

void check(const Key& key, const Value& value) {
  if (value.is_null()) return;  // in a patch: takes the key away
  switch (key.rule) {
    case Rule::Bool:
      if (!value.is_bool()) reject(key.name, value, "true or false");
      return;
    case Rule::Fraction:
      if (!value.is_number() || !(value.as_double() >= 0 && value.as_double() <= 1)) {
        reject(key.name, value, "a number from 0 to 1");
      }
      return;
    case Rule::Count:
      if (!value.is_int() || value.as_int() < 1) reject(key.name, value, "a whole number above 0");
      return;
    case Rule::Text:
      if (!value.is_string() || value.as_string().empty()) reject(key.name, value, "a text");
      return;
    case Rule::Priority:
      if (!value.is_string() || !parse_load_priority(value.as_string())) {
        reject(key.name, value, "low, normal, high or critical");
      }
      return;
  }
}

const Key* find_key(std::string_view name) {
  for (const Key& key : kKeys) {
    if (name == key.name || (!key.camel.empty() && name == key.camel)) return &key;
  }
  return nullptr;
}

}  // namespace

Value normalized_config(const Value& config) {
  Value result = Value::Object{};
  if (config.is_null()) return result;
  if (!config.is_object()) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "config is " + std::string(config.kind_name()) + ", allowed is an object");
  }
  for (const auto& [name, value] : config.as_object()) {
    check_text("config key", name, kMaxIdBytes);
    const Key* key = find_key(name);
    if (key) check(*key, value);
    const std::string_view kept = key ? key->name : std::string_view(name);
    if (result.find(kept)) {
      throw RoostError(ErrorCode::InvalidArgument,
                       "config '" + std::string(kept) + "' is there under two names");
    }
    result[kept] = value;
  }
  return result;
}

Value CaptionConfig::to_value() const {
  return Value::Object{{"threshold", threshold},
                       {"force_cpu", force_cpu},
                       {"batch_size", batch_size},
                       {"max_length", max_length},
                       {"post_process", post_process}};
}

Value DetectionConfig::to_value() const {
  return Value::Object{{"confidence", confidence},
                       {"nms_threshold", nms_threshold},
                       {"max_detections", max_detections},
                       {"input_size", input_size}};
}

Value EmbeddingConfig::to_value() const {
  return Value::Object{{"dimension", dimension},
                       {"normalize", normalize},
                       {"batch_size", batch_size},
                       {"max_sequence_length", max_sequence_length}};
}

}  // namespace roost::model_management

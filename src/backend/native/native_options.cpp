#include "backend/native/native_options.h"

#include <array>

#include "roost/error.h"
#include "roost/ids.h"

namespace roost::backend {
namespace {

using formats::Pooling;

constexpr std::array kPoolings = {Pooling::Cls,          Pooling::Mean,
                                  Pooling::Max,          Pooling::MeanSqrtLength,
                                  Pooling::WeightedMean, Pooling::LastToken};

[[noreturn]] void refuse(const std::string& key, const Value& value, const std::string& wanted) {
  throw RoostError(
      ErrorCode::InvalidArgument,
      "the option '" + key + "' is " + printable(value.to_json()) + "; it takes " + wanted);
}

tensor::Precision precision_of(const Value& value) {
  const std::string name = value.is_string() ? value.as_string() : "";
  if (name == "auto") return tensor::fastest_precision();
  if (const auto known = tensor::parse_precision(name)) return *known;
  refuse("precision", value, "auto, f32 or bf16");
}

Pooling pooling_of(const Value& value) {
  std::string names;
  for (const Pooling pooling : kPoolings) {
    if (value.is_string() && value.as_string() == to_string(pooling)) return pooling;
    names += (names.empty() ? "" : ", ") + std::string(to_string(pooling));
  }
  refuse("pooling", value, "one of " + names);
}

}  // namespace

NativeOptions parse_native_options(const Value& options) {
  NativeOptions parsed;
  if (options.is_null()) return parsed;
  for (const auto& [key, value] : options.as_object()) {
    if (key == "precision") {
      parsed.precision = precision_of(value);
    } else if (key == "pooling") {
      parsed.pooling = pooling_of(value);
    } else if (key == "normalize") {
      if (!value.is_bool()) refuse(key, value, "true or false");
      parsed.normalise = value.as_bool();
    } else if (key == "max_tokens") {
      if (!value.is_int() || value.as_int() < 2) refuse(key, value, "a whole number from 2 on");
      parsed.max_tokens = static_cast<std::size_t>(value.as_int());
    } else {
      throw RoostError(ErrorCode::UnknownOption,
                       "the native engine has no option '" + printable(key) +
                           "'; it has max_tokens, normalize, pooling and precision");
    }
  }
  return parsed;
}

}  // namespace roost::backend

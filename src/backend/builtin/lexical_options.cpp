#include "backend/builtin/lexical_options.h"

#include <string>

#include "roost/ids.h"
#include "roost/error.h"

namespace roost::backend {
namespace {

std::int64_t in_range(const std::string& key, const Value& value, std::int64_t low,
                      std::int64_t high) {
  if (value.is_int() && value.as_int() >= low && value.as_int() <= high) return value.as_int();
  throw RoostError(ErrorCode::InvalidArgument,
                   "option '" + key + "' of builtin:lexical is " + printable(value.to_json()) +
                       "; it must be a whole number from " + std::to_string(low) + " to " +
                       std::to_string(high));
}

}  // namespace

TableShape parse_lexical_options(const Value& options) {
  TableShape shape;
  if (options.is_null()) return shape;
  if (!options.is_object()) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "the options of builtin:lexical must be an object, not " +
                         std::string(options.kind_name()));
  }
  for (const auto& [key, value] : options.as_object()) {
    if (key == "rows") {
      shape.rows = static_cast<std::uint32_t>(in_range(key, value, 64, 1 << 20));
    } else if (key == "dimensions") {
      shape.dimensions = static_cast<std::uint32_t>(in_range(key, value, 8, 4096));
    } else if (key == "seed") {
      shape.seed = static_cast<std::uint64_t>(in_range(key, value, 0, INT64_MAX));
    } else {
      throw RoostError(ErrorCode::UnknownOption, "builtin:lexical has no option '" +
                                                     printable(key) +
                                                     "'; it takes dimensions, rows, seed");
    }
  }
  return shape;
}

}  // namespace roost::backend

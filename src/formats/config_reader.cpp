#include "formats/config_reader.h"

namespace roost::formats {

std::optional<JsonView> ConfigReader::find(Names names) const {
  for (const char* name : names) {
    const auto found = object_.find(name);
    if (found && !found->is_null()) return found;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ConfigReader::whole(Names names, std::uint64_t least,
                                                 std::uint64_t most) const {
  const auto found = find(names);
  if (!found) return std::nullopt;
  const std::uint64_t value = found->as_uint();
  if (value < least || value > most) {
    found->refuse("is " + std::to_string(value) + ", not within " + std::to_string(least) + " to " +
                  std::to_string(most));
  }
  return value;
}

std::optional<double> ConfigReader::number(Names names, double least, double most) const {
  const auto found = find(names);
  if (!found) return std::nullopt;
  const double value = found->as_double();
  if (!(value >= least && value <= most)) {
    found->refuse("is " + std::to_string(value) + ", not within " + std::to_string(least) + " to " +
                  std::to_string(most));
  }
  return value;
}

std::optional<bool> ConfigReader::flag(Names names) const {
  const auto found = find(names);
  if (!found) return std::nullopt;
  return found->as_bool();
}

std::string ConfigReader::text(Names names, std::size_t max_bytes) const {
  const auto found = find(names);
  if (!found) return {};
  const std::string_view text = found->as_string();
  if (text.size() > max_bytes) {
    found->refuse("is a text of " + std::to_string(text.size()) + " bytes, more than " +
                  std::to_string(max_bytes));
  }
  return std::string(text);
}

std::string last_part(std::string_view dotted) {
  return std::string(dotted.substr(dotted.find_last_of('.') + 1));
}

}  // namespace roost::formats

#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace roost::formats {

// Members of a JSON object by the first of several names that is there and not null. Throws BadFile
// for a value of another kind or out of range.
class ConfigReader {
 public:
  explicit ConfigReader(JsonView object) : object_(object) {}
  using Names = std::initializer_list<const char*>;

  std::optional<JsonView> find(Names names) const;
  std::optional<std::uint64_t> whole(Names names, std::uint64_t least, std::uint64_t most) const;
  std::optional<double> number(Names names, double least, double most) const;
  std::optional<bool> flag(Names names) const;
  std::string text(Names names, std::size_t max_bytes = 1024) const;  // empty when absent

 private:
  JsonView object_;
};

// The name of a class without the modules before it.
std::string last_part(std::string_view dotted);

}  // namespace roost::formats

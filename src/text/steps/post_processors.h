#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace roost::text {

// The order in which texts and special tokens follow each other, and their types. What every
// post-processor of the format comes down to.
struct Template {
  enum class Source : std::uint8_t { First, Second, Special };
  struct Item {
    Source source;
    std::uint32_t type;
    std::vector<std::uint32_t> ids;  // Special only
  };
  std::vector<Item> single = {{Source::First, 0, {}}};
  std::vector<Item> pair = {{Source::First, 0, {}}, {Source::Second, 1, {}}};
  bool trim_offsets = false;  // offsets leave out blanks at the ends of a token

  const std::vector<Item>& items(bool with_pair) const { return with_pair ? pair : single; }
  std::size_t special_tokens(bool with_pair) const;
};

}  // namespace roost::text

#pragma once

#include <optional>
#include <string_view>
#include <utility>

namespace roost::faces {

// Look-ups in a table of {enumerator, word}.
template <class Table>
constexpr std::string_view word_of(const Table& table,
                                   typename Table::value_type::first_type value) {
  for (const auto& [known, word] : table) {
    if (known == value) return word;
  }
  return "unknown";
}

template <class Table>
constexpr std::optional<typename Table::value_type::first_type> value_of(const Table& table,
                                                                         std::string_view name) {
  for (const auto& [known, word] : table) {
    if (word == name) return known;
  }
  return std::nullopt;
}

}  // namespace roost::faces

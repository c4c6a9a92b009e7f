#pragma once

#include <cstddef>
#include <string_view>

namespace roost {

// The code point at `at`, which moves past it. A byte that starts no valid UTF-8 sequence gives
// U+FFFD and is passed alone. `at` must be inside the text.
constexpr char32_t next_code_point(std::string_view text, std::size_t& at) {
  constexpr char32_t kInvalid = 0xFFFD;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at++);
  if (first < 0x80) return first;
  const std::size_t more = first < 0xC2   ? 0
                           : first < 0xE0 ? 1
                           : first < 0xF0 ? 2
                           : first < 0xF5 ? 3
                                          : 0;
  if (more == 0 || text.size() - at < more) return kInvalid;
  char32_t code = first & (0x3Fu >> more);
  for (std::size_t i = 0; i < more; ++i) {
    const unsigned next = byte(at + i);
    if ((next & 0xC0u) != 0x80) return kInvalid;
    code = code << 6 | (next & 0x3Fu);
  }
  const bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
  if (overlong || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return kInvalid;
  at += more;
  return code;
}

// The next character of `text`: a valid UTF-8 sequence, or else one byte. Removes it from `text`,
// which must not be empty.
constexpr std::string_view take_character(std::string_view& text) {
  std::size_t bytes = 0;
  next_code_point(text, bytes);
  const std::string_view character = text.substr(0, bytes);
  text.remove_prefix(bytes);
  return character;
}

// Whether a character of take_character() is a byte that belongs to no valid sequence.
constexpr bool is_stray_byte(std::string_view character) {
  return character.size() == 1 && static_cast<unsigned char>(character.front()) >= 0x80;
}

}  // namespace roost

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace roost::backend {

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

// Lower case for Latin (ASCII, Latin-1, Extended-A), Greek and Cyrillic; other scripts as they
// are. The Greek final sigma and the Cyrillic letters with two common spellings become one.
char32_t fold_case(char32_t code);

// How a code point takes part in words. Ideographs (Han, kana, emoji) are words of their own.
enum class CharacterKind : std::uint8_t { Separator, Letter, Ideograph };
CharacterKind character_kind(char32_t code);

}  // namespace roost::backend

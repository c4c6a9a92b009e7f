#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace roost::text {

// What tokenizers ask about a character; a set of these.
enum CharacterClass : std::uint8_t {
  kSpace = 1,        // property White_Space
  kLetter = 2,       // general category L
  kNumber = 4,       // N
  kPunctuation = 8,  // P
  kMark = 16,        // M
  kNonspacing = 32,  // Mn
  kInvisible = 64,   // Cc, Cf, Co, Cs
  kWord = 128,       // \w of Unicode regular expressions: letters, marks, digits, connectors
};

std::uint8_t class_beyond_ascii(char32_t code);

constexpr std::array<std::uint8_t, 128> kAsciiClasses = [] {
  std::array<std::uint8_t, 128> classes{};
  for (unsigned c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if ((c >= 9 && c <= 13) || c == ' ') classes[c] |= kSpace;
    if (letter) classes[c] |= kLetter;
    if (digit) classes[c] |= kNumber;
    if (letter || digit || c == '_') classes[c] |= kWord;
    if (c < 32 || c == 127) classes[c] |= kInvisible;
    for (const char p : std::string_view("!\"#%&'()*,-./:;?@[\\]_{}")) {
      if (c == static_cast<unsigned char>(p)) classes[c] |= kPunctuation;
    }
  }
  return classes;
}();

inline std::uint8_t class_of(char32_t code) {
  return code < 128 ? kAsciiClasses[code] : class_beyond_ascii(code);
}
inline bool is(char32_t code, std::uint8_t classes) {
  return (class_of(code) & classes) != 0;
}

// Category P, and the ASCII symbols too, as BERT has it.
inline bool is_bert_punctuation(char32_t code) {
  const bool ascii_symbol = code == '$' || code == '+' || code == '<' || code == '=' ||
                            code == '>' || code == '^' || code == '`' || code == '|' || code == '~';
  return ascii_symbol || is(code, kPunctuation);
}
bool is_cjk_ideograph(char32_t code);

// Lower case of one character: up to two.
std::u32string_view lower(char32_t code, std::array<char32_t, 2>& storage);

struct Character {
  char32_t code;
  std::uint32_t size;  // bytes
};
// The character at `at` of valid UTF-8.
inline Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xE0) return {(first & 31u) << 6 | (byte(1) & 63u), 2};
  if (first < 0xF0) return {(first & 15u) << 12 | (byte(1) & 63u) << 6 | (byte(2) & 63u), 3};
  return {(first & 7u) << 18 | (byte(1) & 63u) << 12 | (byte(2) & 63u) << 6 | (byte(3) & 63u), 4};
}
// The last character of valid UTF-8 that is not empty.
inline Character last_character(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80) --at;
  return character_at(text, at);
}

void append_utf8(std::string& out, char32_t code);
bool is_valid_utf8(std::string_view text);
std::size_t count_characters(std::string_view text);  // of valid UTF-8
// Each maximal part of what is not UTF-8 becomes one U+FFFD, as in the Encoding Standard.
std::string to_valid_utf8(std::string_view bytes);

}  // namespace roost::text

#include "text/steps/scanners.h"

#include "text/unicode/characters.h"

namespace roost::text {
namespace {

constexpr std::uint8_t kSpaceLetterOrNumber = kSpace | kLetter | kNumber;

// Where the run of characters with (or without) these classes ends.
std::size_t end_of_run(std::string_view text, std::size_t at, std::uint8_t classes, bool with) {
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      if (((kAsciiClasses[byte] & classes) != 0) != with) break;
      ++at;
    } else {
      const Character next = character_at(text, at);
      if (is(next.code, classes) != with) break;
      at += next.size;
    }
  }
  return at;
}

bool is_at(std::string_view text, std::size_t at, std::uint8_t classes) {
  return at < text.size() && is(character_at(text, at).code, classes);
}

bool is_other_at(std::string_view text, std::size_t at) {
  return at < text.size() && !is(character_at(text, at).code, kSpaceLetterOrNumber);
}

char lower_ascii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// The size of 's, 't, 're and so on at an apostrophe, or 0.
std::size_t contraction(std::string_view text, std::size_t at, bool any_case) {
  if (at + 1 >= text.size()) return 0;
  const auto letter = [&](std::size_t i) {
    if (at + i >= text.size()) return '\0';
    return any_case ? lower_ascii(text[at + i]) : text[at + i];
  };
  const char first = letter(1), second = letter(2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const bool two = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                   (first == 'l' && second == 'l');
  return two ? 3 : 0;
}

// \s+(?!\S)|\s+ for a run of blanks: a run before something leaves it its last blank.
std::size_t scan_blanks(std::string_view text, std::size_t at, std::size_t end) {
  if (end == text.size()) return end;
  const std::size_t last = last_character(text.substr(at, end - at)).size;
  return end - at > last ? end - last : end;
}

}  // namespace

std::size_t scan_gpt2(std::string_view text, std::size_t at) {
  if (text[at] == '\'') {
    if (const std::size_t size = contraction(text, at, false)) return at + size;
  }
  const std::size_t word = text[at] == ' ' ? at + 1 : at;
  if (word < text.size()) {
    const std::uint8_t classes = class_of(character_at(text, word).code);
    if (classes & kLetter) return end_of_run(text, word, kLetter, true);
    if (classes & kNumber) return end_of_run(text, word, kNumber, true);
    if (!(classes & kSpace)) return end_of_run(text, word, kSpaceLetterOrNumber, false);
  }
  return scan_blanks(text, at, end_of_run(text, at, kSpace, true));
}

std::size_t scan_cl100k(std::string_view text, std::size_t at, std::size_t most_digits) {
  if (text[at] == '\'') {
    if (const std::size_t size = contraction(text, at, true)) return at + size;
  }
  const Character first = character_at(text, at);
  const std::uint8_t classes = class_of(first.code);
  if (classes & kLetter) return end_of_run(text, at, kLetter, true);
  if (classes & kNumber) {
    std::size_t end = at;
    for (std::size_t i = 0; i < most_digits && is_at(text, end, kNumber); ++i) {
      end += character_at(text, end).size;
    }
    return end;
  }
  const bool newline = first.code == '\r' || first.code == '\n';
  if (!newline && is_at(text, at + first.size, kLetter)) {
    return end_of_run(text, at + first.size, kLetter, true);
  }
  const std::size_t word = first.code == ' ' ? at + 1 : at;
  if (is_other_at(text, word)) {
    std::size_t end = end_of_run(text, word, kSpaceLetterOrNumber, false);
    while (end < text.size() && (text[end] == '\r' || text[end] == '\n')) ++end;
    return end;
  }
  const std::size_t end = end_of_run(text, at, kSpace, true);
  const std::size_t last_newline = text.substr(at, end - at).find_last_of("\r\n");
  if (last_newline != std::string_view::npos) return at + last_newline + 1;
  return scan_blanks(text, at, end);
}

}  // namespace roost::text

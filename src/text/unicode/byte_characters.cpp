#include "text/unicode/byte_characters.h"

#include <array>

#include "text/unicode/characters.h"

namespace roost::text {
namespace {

constexpr bool prints(unsigned byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr unsigned kOthers = 68;  // bytes that do not print

constexpr std::array<char32_t, 256> kCharacters = [] {
  std::array<char32_t, 256> characters{};
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) characters[byte] = prints(byte) ? byte : next++;
  return characters;
}();

constexpr std::array<unsigned char, kOthers> kOtherBytes = [] {
  std::array<unsigned char, kOthers> bytes{};
  std::size_t next = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (!prints(byte)) bytes[next++] = static_cast<unsigned char>(byte);
  }
  return bytes;
}();

}  // namespace

std::string_view character_of_byte(unsigned char byte) {
  static const auto encoded = [] {
    std::array<std::string, 256> texts;
    for (std::size_t i = 0; i < texts.size(); ++i) append_utf8(texts[i], kCharacters[i]);
    return texts;
  }();
  return encoded[byte];
}

std::optional<unsigned char> byte_of_character(char32_t code) {
  if (code < 0x100) {
    if (!prints(code)) return std::nullopt;
    return static_cast<unsigned char>(code);
  }
  if (code >= 0x100 + kOthers) return std::nullopt;
  return kOtherBytes[code - 0x100];
}

std::optional<std::string> bytes_spelled_by(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    const Character next = character_at(text, at);
    const auto byte = byte_of_character(next.code);
    if (!byte) return std::nullopt;
    bytes += static_cast<char>(*byte);
    at += next.size;
  }
  return bytes;
}

}  // namespace roost::text

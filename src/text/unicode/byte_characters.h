#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace roost::text {

// GPT-2's alphabet of bytes: those that print stand for themselves, as Latin-1; the others, in
// order, are the characters from U+0100 on.
std::string_view character_of_byte(unsigned char byte);
std::optional<unsigned char> byte_of_character(char32_t code);
// The bytes that `text` spells; nothing when a character of it spells none.
std::optional<std::string> bytes_spelled_by(std::string_view text);

}  // namespace roost::text

#pragma once

#include <cstdint>

#include "base/utf8.h"

namespace roost::backend {

// Lower case for Latin (ASCII, Latin-1, Extended-A), Greek and Cyrillic; other scripts as they
// are. The Greek final sigma and the Cyrillic letters with two common spellings become one.
char32_t fold_case(char32_t code);

// How a code point takes part in words. Ideographs (Han, kana, emoji) are words of their own.
enum class CharacterKind : std::uint8_t { Separator, Letter, Ideograph };
CharacterKind character_kind(char32_t code);

}  // namespace roost::backend

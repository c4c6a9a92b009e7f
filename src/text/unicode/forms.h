#pragma once

#include <array>
#include <span>

#include "text/unicode/aligned_text.h"

namespace roost::text {

// The normalization forms of Unicode.
enum class Form { Nfc, Nfd, Nfkc, Nfkd };

// Linear in the text, whatever marks it piles up.
void apply_form(AlignedText& text, Form form);
std::string to_form(std::string_view text, Form form);

// One character in full; at most 18 code points (and room for one that is not there).
using Decomposition = std::array<char32_t, 32>;
std::span<const char32_t> decompose(char32_t code, bool compatibly, Decomposition& storage);

}  // namespace roost::text

#pragma once

#include <cstddef>
#include <string_view>

namespace roost::text {

// The regular expressions that nearly all byte-level tokenizers split with, by hand. Each takes a
// text and a place in it and says where the match that starts there ends; there always is one.

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t scan_gpt2(std::string_view text, std::size_t at);

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,most_digits}|
//  ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
std::size_t scan_cl100k(std::string_view text, std::size_t at, std::size_t most_digits);

}  // namespace roost::text

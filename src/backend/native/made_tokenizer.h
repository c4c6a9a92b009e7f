#pragma once

#include <cstddef>
#include <string>

namespace roost::backend {

inline constexpr std::size_t kLeastMadeVocabulary = 128;

// A tokenizer.json with so many tokens: letters, digits, punctuation, and then pieces of two and
// more letters. "[PAD]" has the id `padding`, 0 or 1; a pair of texts has the types 0 and 1.
std::string made_tokenizer(std::size_t vocabulary, std::size_t padding);

}  // namespace roost::backend

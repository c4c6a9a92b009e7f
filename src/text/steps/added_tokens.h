#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "text/models/trie.h"
#include "text/unicode/aligned_text.h"

namespace roost::text {

// A token that is found in the text as it stands, before the model sees any of it.
struct AddedToken {
  std::uint32_t id = 0;
  std::string content;
  bool single_word = false;  // only where no word character touches it
  bool lstrip = false;       // takes the blanks before it
  bool rstrip = false;       // takes the blanks after it
  bool normalized = false;   // looked for after normalizing
  bool special = false;
};

// Finds tokens of one list in texts: the longest at the leftmost place. Linear in the text.
class AddedTokens {
 public:
  struct Entry {
    std::string text;  // what to look for
    AddedToken token;
  };
  AddedTokens() = default;
  explicit AddedTokens(std::vector<Entry> entries);

  struct Part {
    Offset range;
    std::optional<std::uint32_t> token;  // none: plain text
  };
  // Appends the parts that make up the text, in order; none is empty.
  void split(std::string_view text, std::vector<Part>& parts) const;
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;
  Trie trie_;
  std::vector<bool> first_bytes_ = std::vector<bool>(256, false);
};

}  // namespace roost::text

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/unicode/aligned_text.h"

namespace roost::text {

// What a definition searches for in texts. Immutable and thread-safe.
class Pattern {
 public:
  virtual ~Pattern() = default;
  // Appends the matches, which do not overlap and are not empty, in order.
  virtual void find(std::string_view text, std::vector<Offset>& matches) const = 0;
};

// Both throw RoostError Unsupported, with `where` it stands in the definition.

// Not empty, at most 1,000 bytes.
std::unique_ptr<const Pattern> literal_pattern(std::string literal, const std::string& where);

// The known ones by hand, the others by RE2 with \s \d \w as Unicode has them; a trailing
// \s+(?!\S) is understood. "unsupported regex" is what cannot be matched in linear time, or means
// something else to RE2.
std::unique_ptr<const Pattern> regex_pattern(std::string_view source, const std::string& where);

// GPT-2's.
std::unique_ptr<const Pattern> gpt2_pattern();

}  // namespace roost::text

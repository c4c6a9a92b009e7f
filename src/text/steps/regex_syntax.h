#pragma once

#include <string>
#include <string_view>

namespace roost::text {

// A regular expression of a definition in RE2's syntax. Throws RoostError Unsupported with `where`
// it stands.
struct Re2Source {
  std::string pattern;
  // The pattern ended in \s+(?!\S), which here is its last group, to be cut by the matcher.
  enum class Tail { None, Blanks, BlanksOrBlank } tail = Tail::None;
};
Re2Source to_re2(std::string_view source, const std::string& where);

[[noreturn]] void refuse_regex(std::string_view source, const std::string& where,
                               const std::string& why);

}  // namespace roost::text

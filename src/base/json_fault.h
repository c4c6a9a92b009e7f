#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

// What is wrong with a text that the fast parser refused: slow, and run only then.
struct JsonFault {
  std::string reason;      // empty: nothing, apart from the whole numbers below
  std::size_t offset = 0;  // byte of the text
  // Ends (byte offsets, ascending) of whole numbers that 64 bits cannot hold and a double can.
  std::vector<std::size_t> big_integer_ends;
};
JsonFault find_json_fault(std::string_view text, std::size_t max_depth);

// The text with its big integers written as doubles.
std::string with_doubles(std::string_view text, const std::vector<std::size_t>& big_integer_ends);

}  // namespace roost

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace roost::nets {

// Tokens of several sequences end to end, with nothing between them.
struct PackedTokens {
  std::vector<std::uint32_t> ids;
  std::vector<std::uint32_t> types;  // as many as ids
  std::vector<std::size_t> starts;   // of the sequences, in order

  std::size_t tokens() const { return ids.size(); }
  std::size_t sequences() const { return starts.size(); }
  std::size_t length(std::size_t sequence) const {
    const std::size_t end = sequence + 1 < starts.size() ? starts[sequence + 1] : ids.size();
    return end - starts[sequence];
  }

  // Types may be empty: all 0.
  void append(std::span<const std::uint32_t> more, std::span<const std::uint32_t> types_of_them) {
    starts.push_back(ids.size());
    ids.insert(ids.end(), more.begin(), more.end());
    types.insert(types.end(), types_of_them.begin(), types_of_them.end());
    types.resize(ids.size(), 0);
  }
  void clear() {
    ids.clear();
    types.clear();
    starts.clear();
  }
};

}  // namespace roost::nets

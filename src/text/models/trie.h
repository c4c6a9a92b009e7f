#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace roost::text {

// Byte strings with a number each, in a double array: one look at memory for each byte.
class Trie {
 public:
  using Entry = std::pair<std::string_view, std::uint32_t>;
  static constexpr std::uint32_t kRoot = 0;
  static constexpr std::uint32_t kNone = UINT32_MAX;

  Trie() : Trie(std::vector<Entry>{}) {}
  // Values below kNone. The first of equal strings counts.
  explicit Trie(std::vector<Entry> entries);

  bool empty() const { return empty_; }
  // The node one byte further, or kNone.
  std::uint32_t step(std::uint32_t node, char byte) const {
    const std::uint32_t child = nodes_[node].base + static_cast<unsigned char>(byte);
    return nodes_[child].parent == node ? child : kNone;
  }
  std::uint32_t walk(std::uint32_t node, std::string_view bytes) const;
  std::uint32_t value(std::uint32_t node) const { return nodes_[node].value; }  // or kNone

  struct Match {
    std::uint32_t value = kNone;
    std::size_t size = 0;
  };
  // The longest entry that `text` starts with, from `node` on.
  std::optional<Match> longest_prefix(std::string_view text, std::uint32_t node = kRoot) const;

 private:
  struct Node {
    std::uint32_t base = 0;
    std::uint32_t parent = kNone;
    std::uint32_t value = kNone;
  };
  class Builder;
  std::vector<Node> nodes_;
  bool empty_ = true;
};

}  // namespace roost::text

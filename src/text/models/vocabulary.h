#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roost::text {

// Tokens by id and ids by token. Ids may have gaps.
class Vocabulary {
 public:
  enum class Added { Yes, TokenIsTaken, IdIsTaken, IdIsTooLarge };
  // Ids go up to kMaxId. What is not added changes nothing.
  static constexpr std::uint32_t kMaxId = (1u << 24) - 1;
  Added add(std::string_view token, std::uint64_t id);
  void reserve(std::size_t tokens);

  std::optional<std::uint32_t> id_of(std::string_view token) const;
  std::optional<std::string_view> token_of(std::uint32_t id) const;
  std::size_t count() const { return count_; }
  std::size_t id_end() const { return spans_.size(); }  // one past the largest id
  std::size_t longest() const { return longest_; }      // bytes

 private:
  struct Entry {
    std::uint32_t hash = 0;
    std::uint32_t id = kEmpty;
  };
  struct Span {
    std::uint32_t begin = 0;
    std::uint32_t size = kEmpty;
  };
  static constexpr std::uint32_t kEmpty = UINT32_MAX;

  std::string_view text_of(std::uint32_t id) const {
    return {bytes_.data() + spans_[id].begin, spans_[id].size};
  }
  std::size_t slot_of(std::string_view token, std::uint32_t hash) const;
  void grow(std::size_t slots);

  std::string bytes_;
  std::vector<Span> spans_;
  std::vector<Entry> table_;  // open addressing, a power of two
  std::size_t count_ = 0;
  std::size_t longest_ = 0;
};

}  // namespace roost::text

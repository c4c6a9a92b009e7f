#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace roost::text {

// A half-open range of bytes.
struct Offset {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t size() const { return end - begin; }
  friend bool operator==(const Offset&, const Offset&) = default;
};

// A text on its way through normalizers and pre-tokenizers, which knows of each of its bytes which
// bytes of the original it came from. As long as nothing changed its length that is a number;
// after that, an Offset for each byte.
//
// Always valid UTF-8. Made to be used again for the next text without a new allocation.
class AlignedText {
 public:
  // Its byte i is byte base + i of the original. `text` must outlive this, or the next assign.
  void assign(std::string_view text, std::uint32_t base);
  // A part of another; what that one is made of must outlive this, likewise.
  void assign_part(const AlignedText& whole, Offset part);

  std::string_view bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  // Where the bytes of a range came from.
  Offset origin(Offset range) const {
    if (shifted_) return {base_ + range.begin, base_ + range.end};
    return origin_of_changed(range);
  }

 private:
  friend class Rewriter;
  Offset origin_of_changed(Offset range) const;

  std::string_view bytes_;
  bool shifted_ = true;  // origin is base_ + position
  std::uint32_t base_ = 0;
  std::size_t assigned_ = 0;     // bytes it had at first
  std::vector<Offset> origins_;  // one a byte, unless shifted_
  std::string storage_, spare_;
  std::vector<Offset> spare_origins_;
};

// Writes a text anew from its beginning to its end. What was not passed by finish() is kept.
// A text that grows past any sense (64 times, and 64 KiB) is refused: RoostError BadFile, for only
// a definition that was made to do that does.
class Rewriter {
 public:
  explicit Rewriter(AlignedText& text);

  std::string_view rest() const { return in_.substr(at_); }
  bool done() const { return at_ == in_.size(); }
  std::size_t at() const { return at_; }  // bytes passed of what was
  std::size_t written() const { return out_.size(); }

  void keep(std::size_t bytes);
  // `with` takes the place of the next `bytes`; none: it is inserted.
  void replace(std::size_t bytes, std::string_view with);
  void drop(std::size_t bytes) { replace(bytes, {}); }
  // Maps the ASCII bytes ahead, each to one byte, as far as none is mapped to 0.
  void map_ascii(const std::array<char, 128>& map);
  void finish();

 private:
  void start_origins();
  [[noreturn]] void refuse_growth() const;
  Offset origin_of(std::size_t bytes) const;

  AlignedText& text_;
  std::string_view in_;
  std::string& out_;
  std::vector<Offset>& origins_;
  std::size_t at_ = 0;
  std::size_t most_;  // bytes to write
  bool shifted_;
};

}  // namespace roost::text

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/file.h"

namespace roost::formats {

// BadFile: "reading 'FILE' at byte OFFSET: WHY".
[[noreturn]] void bad_file(std::string_view file, std::uint64_t offset, const std::string& why);
[[noreturn]] void bad_file(std::string_view file, const std::string& why);
// IoError with the system's reason; BadFile where that says that a link or a folder was found.
[[noreturn]] void io_error(std::string_view file, int error);

// Reads a part of a file, or of memory, from its beginning to its end and never beyond; through a
// window, so that memory does not grow with the part. Numbers are little-endian. Whatever goes past
// the end throws BadFile with the offset in the file. Not thread-safe.
class ByteReader {
 public:
  static constexpr std::size_t kWindow = std::size_t{64} << 10;

  // The bytes [begin, end); throws BadFile unless they lie in `file`, which must outlive this.
  // `window` bytes are read at a time: a small one where little is wanted.
  ByteReader(const File& file, std::uint64_t begin, std::uint64_t end,
             std::size_t window = kWindow);
  // `bytes` must outlive this; `base` is what position() calls their first.
  ByteReader(std::span<const std::byte> bytes, std::string name, std::uint64_t base = 0);

  std::uint64_t position() const { return window_begin_ + at_; }
  std::uint64_t remaining() const { return end_ - position(); }
  bool at_end() const { return remaining() == 0; }
  const std::string& name() const { return name_; }

  // The next byte, which stays; -1 at the end.
  int peek() {
    if (at_ == window_.size() && !refill()) return -1;
    return static_cast<int>(window_[at_]);
  }
  void advance() { ++at_; }  // only after peek() gave a byte

  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  float f32();
  double f64();

  void read(std::span<std::byte> out);
  // A string of `bytes` bytes. Nothing is allocated before it is known that they are there.
  std::string text(std::uint64_t bytes, std::uint64_t max_bytes, std::string_view what);
  void skip(std::uint64_t bytes);

  [[noreturn]] void fail(const std::string& why) const { bad_file(name_, position(), why); }
  [[noreturn]] void fail_at(std::uint64_t offset, const std::string& why) const {
    bad_file(name_, offset, why);
  }

 private:
  bool refill();
  void need(std::uint64_t bytes) const;

  template <class T>
  T number() {
    need(sizeof(T));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value |= static_cast<std::uint64_t>(peek()) << (8 * i);
      advance();
    }
    return static_cast<T>(value);
  }

  const File* file_ = nullptr;  // null for memory
  std::string name_;
  std::size_t window_bytes_ = 0;
  std::vector<std::byte> buffer_;
  std::span<const std::byte> window_;
  std::uint64_t window_begin_ = 0;
  std::uint64_t end_ = 0;
  std::size_t at_ = 0;
};

// Valid UTF-8 throughout?
bool is_utf8(std::string_view text);

}  // namespace roost::formats

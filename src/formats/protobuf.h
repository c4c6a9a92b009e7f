#pragma once

#include <cstdint>
#include <string>

#include "formats/bytes.h"

namespace roost::formats {

// One message of protobuf's wire format, field by field:
//   while (message.next()) switch (message.field()) { case 1: n = message.varint(); break; ...
//                                                      default: message.skip(); }
// Each field must be read by one of these or skipped. Throws BadFile for field 0, groups, a varint
// of more than 64 bits, a length past the message, another wire type than is asked for, and more
// than 64 messages within each other.
class Proto {
 public:
  static constexpr int kMaxDepth = 64;

  explicit Proto(ByteReader& bytes) : bytes_(bytes), end_(bytes.position() + bytes.remaining()) {}

  bool next();
  std::uint64_t field() const { return field_; }
  bool is_packed() const { return wire_ == kLength; }

  std::uint64_t varint();
  std::int64_t integer() { return static_cast<std::int64_t>(varint()); }
  std::string text(std::size_t max_bytes, const char* what);  // UTF-8
  Proto message();
  void skip();
  std::uint64_t length();  // of a field of bytes; who asks reads or skips that many next

  ByteReader& bytes() { return bytes_; }
  std::uint64_t end() const { return end_; }

 private:
  static constexpr std::uint64_t kVarint = 0, k64Bits = 1, kLength = 2, k32Bits = 5;

  Proto(ByteReader& bytes, std::uint64_t end, int depth)
      : bytes_(bytes), end_(end), depth_(depth) {}
  std::uint64_t raw_varint();
  void expect(std::uint64_t wire) const;

  ByteReader& bytes_;
  std::uint64_t end_;
  int depth_ = 0;
  std::uint64_t field_ = 0;
  std::uint64_t wire_ = 0;
};

}  // namespace roost::formats

#include "formats/protobuf.h"

namespace roost::formats {

bool Proto::next() {
  if (bytes_.position() > end_) bytes_.fail("a message is longer than it says");
  if (bytes_.position() == end_) return false;
  const std::uint64_t tag = raw_varint();
  field_ = tag >> 3;
  wire_ = tag & 7;
  if (field_ == 0 || field_ > 0x1FFFFFFF) bytes_.fail("field " + std::to_string(field_));
  if (wire_ != kVarint && wire_ != k64Bits && wire_ != kLength && wire_ != k32Bits) {
    bytes_.fail("a field of wire type " + std::to_string(wire_));
  }
  return true;
}

std::uint64_t Proto::raw_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (bytes_.position() >= end_) bytes_.fail("a number has no end");
    const std::uint64_t byte = bytes_.u8();
    if (shift == 63 && byte > 1) break;
    value |= (byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  bytes_.fail("a number of more than 64 bits");
}

void Proto::expect(std::uint64_t wire) const {
  if (wire_ != wire) {
    bytes_.fail("field " + std::to_string(field_) + " has wire type " + std::to_string(wire_) +
                ", not " + std::to_string(wire));
  }
}

std::uint64_t Proto::varint() {
  expect(kVarint);
  return raw_varint();
}

std::uint64_t Proto::length() {
  expect(kLength);
  const std::uint64_t length = raw_varint();
  if (length > end_ - bytes_.position()) {
    bytes_.fail("field " + std::to_string(field_) + " of " + std::to_string(length) +
                " bytes is longer than its message");
  }
  return length;
}

std::string Proto::text(std::size_t max_bytes, const char* what) {
  std::string text = bytes_.text(length(), max_bytes, what);
  if (!is_utf8(text)) bytes_.fail(std::string(what) + " is not UTF-8");
  return text;
}

Proto Proto::message() {
  const std::uint64_t bytes = length();
  if (depth_ == kMaxDepth) bytes_.fail("messages are more than 64 deep within each other");
  return {bytes_, bytes_.position() + bytes, depth_ + 1};
}

void Proto::skip() {
  switch (wire_) {
    case kVarint:
      (void)raw_varint();
      return;
    case kLength:
      bytes_.skip(length());
      return;
    default: {
      const std::uint64_t bytes = wire_ == k64Bits ? 8 : 4;
      if (bytes > end_ - bytes_.position()) bytes_.fail("a number is longer than its message");
      bytes_.skip(bytes);
    }
  }
}

}  // namespace roost::formats

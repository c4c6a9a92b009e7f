#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace roost::text {

// Reads the fields of one protobuf message, in order, within its bytes. Throws RoostError BadFile
// with the byte offset for what is no message; a field of another wire type than asked for is
// refused likewise.
class ProtobufReader {
 public:
  ProtobufReader(std::string_view bytes, const std::string& what)
      : ProtobufReader(bytes, what, 0) {}

  struct Field {
    std::uint64_t number;
    unsigned wire_type;
    std::uint64_t value;     // of numbers, fixed or not
    std::string_view bytes;  // of what has a length
    std::size_t offset;      // in the file, of the field
  };
  std::optional<Field> next();  // none: the message is over

  std::uint64_t number(const Field& field) const;
  std::uint32_t fixed32(const Field& field) const;
  std::string_view bytes(const Field& field) const;
  ProtobufReader inner(const Field& field) const;  // a message within this one

 private:
  ProtobufReader(std::string_view bytes, const std::string& what, std::size_t base)
      : all_(bytes), what_(what), base_(base) {}
  std::uint64_t varint();
  std::uint64_t little_endian(std::size_t size);
  void expect(const Field& field, unsigned wire_type) const;
  [[noreturn]] void refuse(std::size_t offset, const std::string& why) const;

  std::string_view all_;
  const std::string& what_;
  std::size_t base_;  // of all_ in the file
  std::size_t at_ = 0;
};

}  // namespace roost::text

#include "text/protobuf.h"

#include "roost/error.h"
#include "roost/ids.h"

namespace roost::text {
namespace {

enum WireType : unsigned { Varint = 0, Fixed64 = 1, Length = 2, Fixed32 = 5 };

}  // namespace

void ProtobufReader::refuse(std::size_t offset, const std::string& why) const {
  throw RoostError(ErrorCode::BadFile, printable(what_) + ": not a protobuf message at byte " +
                                           std::to_string(offset) + ": " + why);
}

std::uint64_t ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == all_.size()) refuse(base_ + at_, "it ends within a number");
    const auto byte = static_cast<unsigned char>(all_[at_++]);
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if ((byte & 0x80u) == 0) return value;
  }
  refuse(base_ + at_, "a number has more than ten bytes");
}

std::uint64_t ProtobufReader::little_endian(std::size_t size) {
  if (all_.size() - at_ < size) refuse(base_ + at_, "it ends within a number");
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(all_[at_ + i]);
  }
  at_ += size;
  return value;
}

std::optional<ProtobufReader::Field> ProtobufReader::next() {
  if (at_ == all_.size()) return std::nullopt;
  Field field{};
  field.offset = base_ + at_;
  const std::uint64_t key = varint();
  field.number = key >> 3;
  field.wire_type = static_cast<unsigned>(key & 7u);
  switch (field.wire_type) {
    case Varint:
      field.value = varint();
      break;
    case Fixed64:
      field.value = little_endian(8);
      break;
    case Fixed32:
      field.value = little_endian(4);
      break;
    case Length: {
      const std::uint64_t size = varint();
      if (size > all_.size() - at_) refuse(field.offset, "a field is longer than what is left");
      field.bytes = all_.substr(at_, size);
      at_ += size;
      break;
    }
    default:
      refuse(field.offset, "an unknown wire type, " + std::to_string(field.wire_type));
  }
  return field;
}

void ProtobufReader::expect(const Field& field, unsigned wire_type) const {
  if (field.wire_type == wire_type) return;
  refuse(field.offset, "field " + std::to_string(field.number) + " is of wire type " +
                           std::to_string(field.wire_type) + ", not " + std::to_string(wire_type));
}

std::uint64_t ProtobufReader::number(const Field& field) const {
  expect(field, Varint);
  return field.value;
}

std::uint32_t ProtobufReader::fixed32(const Field& field) const {
  expect(field, Fixed32);
  return static_cast<std::uint32_t>(field.value);
}

std::string_view ProtobufReader::bytes(const Field& field) const {
  expect(field, Length);
  return field.bytes;
}

ProtobufReader ProtobufReader::inner(const Field& field) const {
  const std::string_view message = bytes(field);
  const auto begin = static_cast<std::size_t>(message.data() - all_.data());
  return {message, what_, base_ + begin};
}

}  // namespace roost::text

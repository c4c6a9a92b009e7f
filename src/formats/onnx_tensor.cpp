#include "formats/onnx_tensor.h"

#include <array>
#include <charconv>
#include <limits>

#include "base/checked.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

// By the format's number.
constexpr std::array kTypes = {
    Dtype::Unknown,     Dtype::F32,  Dtype::U8,      Dtype::I8,          Dtype::U16,
    Dtype::I16,         Dtype::I32,  Dtype::I64,     Dtype::Unknown,     Dtype::Bool,
    Dtype::F16,         Dtype::F64,  Dtype::U32,     Dtype::U64,         Dtype::C64,
    Dtype::C128,        Dtype::BF16, Dtype::F8_E4M3, Dtype::F8_E4M3FNUZ, Dtype::F8_E5M2,
    Dtype::F8_E5M2FNUZ, Dtype::U4,   Dtype::I4,      Dtype::F4,          Dtype::F8_E8M0};

enum Field : std::uint64_t {
  kDims = 1,
  kType = 2,
  kSegment = 3,
  kFloats = 4,
  kInt32s = 5,
  kStrings = 6,
  kInt64s = 7,
  kName = 8,
  kRaw = 9,
  kDoubles = 10,
  kUint64s = 11,
  kExternal = 13,
  kLocation = 14,
};

class Reader {
 public:
  explicit Reader(Proto& message) : message_(message), bytes_(message.bytes()) {}

  OnnxTensor read() {
    const std::uint64_t begin = bytes_.position();
    while (message_.next()) read_field();
    check_tensor_name(out_.info.name, bytes_.name(), begin);
    out_.info.dtype = onnx_dtype(type_);
    check_size(begin);
    return std::move(out_);
  }

 private:
  void read_field() {
    switch (message_.field()) {
      case kDims:
        read_dims();
        break;
      case kType:
        type_ = message_.integer();
        break;
      case kSegment:
        bytes_.fail("a tensor in segments, which no writer makes");
        break;
      case kFloats:
        numbers(4);
        break;
      case kDoubles:
        numbers(8);
        break;
      case kInt32s:
      case kInt64s:
      case kUint64s:
        varints();
        break;
      case kStrings:
        claim(kStrings);
        message_.skip();
        ++elements_;
        break;
      case kName:
        out_.info.name = message_.text(kMaxTensorNameBytes, "a tensor's name");
        break;
      case kRaw:
        raw();
        break;
      case kExternal:
        read_external();
        break;
      case kLocation:
        is_external_ = message_.varint() == 1;
        break;
      default:
        message_.skip();
    }
  }

  void read_dims() {
    if (!message_.is_packed()) return add_dim(message_.varint());
    const std::uint64_t end = message_.length() + bytes_.position();
    while (bytes_.position() < end) add_dim(packed_varint(end));
  }
  void add_dim(std::uint64_t dim) {
    if (out_.info.shape.size() == kMaxDimensions) bytes_.fail("more than 64 dimensions");
    if (dim > static_cast<std::uint64_t>(INT64_MAX)) bytes_.fail("a dimension below 0");
    out_.info.shape.push_back(dim);
  }

  std::uint64_t packed_varint(std::uint64_t end) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && bytes_.position() < end; shift += 7) {
      const std::uint64_t byte = bytes_.u8();
      if (shift == 63 && byte > 1) break;
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    bytes_.fail("a number that is cut or of more than 64 bits");
  }

  // A tensor's data are of one kind only.
  void claim(std::uint64_t kind) {
    if (data_ != 0 && data_ != kind) bytes_.fail("a tensor has data of two kinds");
    data_ = kind;
  }

  void raw() {
    if (data_ == kRaw) bytes_.fail("a tensor has raw data twice");
    claim(kRaw);
    data_bytes_ = message_.length();
    out_.info.offset = bytes_.position();
    bytes_.skip(data_bytes_);
  }

  void numbers(std::uint64_t width) {
    const bool again = data_ != 0;
    claim(message_.field());
    if (!message_.is_packed()) {
      flat_ = false;
      message_.skip();
      ++elements_;
      return;
    }
    const std::uint64_t length = message_.length();
    if (length % width != 0) bytes_.fail("packed numbers do not fill their field");
    if (again) flat_ = false;
    out_.info.offset = bytes_.position();
    elements_ += length / width;
    bytes_.skip(length);
  }

  void varints() {
    claim(message_.field());
    flat_ = false;
    if (!message_.is_packed()) {
      (void)message_.varint();
      ++elements_;
      return;
    }
    const std::uint64_t length = message_.length();
    out_.info.offset = bytes_.position();
    const std::uint64_t end = out_.info.offset + length;
    for (; bytes_.position() < end; ++elements_) (void)packed_varint(end);
  }

  void read_external() {
    Proto entry = message_.message();
    std::string key, value;
    while (entry.next()) {
      if (entry.field() == 1) {
        key = entry.text(64, "a key of external data");
      } else if (entry.field() == 2) {
        value = entry.text(1024, "a value of external data");
      } else {
        entry.skip();
      }
    }
    if (!out_.external) out_.external.emplace();
    const auto number = [&] {
      std::uint64_t n = 0;
      const auto end = std::from_chars(value.data(), value.data() + value.size(), n);
      if (end.ec != std::errc{} || end.ptr != value.data() + value.size()) {
        bytes_.fail("the " + key + " of external data is '" + printable(value) + "'");
      }
      return n;
    };
    if (key == "location" && out_.external->location.empty()) {
      out_.external->location = value;
    } else if (key == "offset" && !has_offset_) {
      out_.external->offset = number();
      has_offset_ = true;
    } else if (key == "length" && !out_.external->length) {
      out_.external->length = number();
    } else if (key != "checksum") {
      bytes_.fail("external data have the key '" + printable(key) + "', unknown or twice");
    }
  }

  void check_size(std::uint64_t begin) {
    const std::string what =
        "tensor '" + printable(out_.info.name) + "' of shape " + shape_text(out_.info.shape) + " ";
    const auto count = element_count(out_.info.shape);
    if (!count) bytes_.fail_at(begin, what + "whose product passes 64 bits");
    if (is_external_ != out_.external.has_value()) {
      bytes_.fail_at(begin, what + "has external data without saying so, or the reverse");
    }
    if (is_external_ && (data_ != 0 || out_.external->location.empty())) {
      bytes_.fail_at(begin, what + "has data here and elsewhere, or nowhere");
    }
    if (out_.info.dtype == Dtype::Unknown) {
      out_.info.contiguous = false;
      out_.info.bytes = data_bytes_;
      if (is_external_ || (type_ == kOnnxString && elements_ != *count)) {
        bytes_.fail_at(begin, what + "and of a type without a size has no such data");
      }
      return;
    }
    // Odd elements of half bytes are padded to a whole one.
    const std::uint64_t block = facts(out_.info.dtype).block_elements;
    const auto padded = checked_add(*count, (block - *count % block) % block);
    const auto bytes = padded ? byte_count(out_.info.dtype, *padded) : std::nullopt;
    if (!bytes) bytes_.fail_at(begin, what + "passes 64 bits");
    out_.info.bytes = *bytes;
    if (is_external_) return;
    out_.info.contiguous = data_ == kRaw || flat_ || *count == 0;
    if (!fits(*count)) {
      bytes_.fail_at(begin, what + "and type " + std::string(to_string(out_.info.dtype)) +
                                " does not fit the data it has");
    }
  }

  bool fits(std::uint64_t count) const {
    if (data_ == kRaw) return data_bytes_ == out_.info.bytes;
    const bool is_complex = out_.info.dtype == Dtype::C64 || out_.info.dtype == Dtype::C128;
    if (is_complex) return elements_ % 2 == 0 && elements_ / 2 == count;
    const bool is_nibbles = facts(out_.info.dtype).block_elements == 2;
    return elements_ == (is_nibbles ? count / 2 + count % 2 : count);
  }

  Proto& message_;
  ByteReader& bytes_;
  OnnxTensor out_;
  std::int64_t type_ = 0;
  std::uint64_t data_ = 0;        // the field that has them
  std::uint64_t data_bytes_ = 0;  // of raw data
  std::uint64_t elements_ = 0;    // of other data
  bool flat_ = true;              // as raw data would lie
  bool is_external_ = false;
  bool has_offset_ = false;
};

}  // namespace

Dtype onnx_dtype(std::int64_t type) {
  if (type < 0 || type >= static_cast<std::int64_t>(kTypes.size())) return Dtype::Unknown;
  return kTypes[static_cast<std::size_t>(type)];
}

OnnxTensor read_onnx_tensor(Proto message) {
  return Reader(message).read();
}

}  // namespace roost::formats

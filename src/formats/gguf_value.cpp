#include <array>
#include <bit>
#include <cstring>

#include "formats/bytes.h"
#include "formats/gguf.h"

namespace roost::formats {
namespace {

constexpr std::array<std::string_view, 13> kTypeNames = {
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "text", "array", "u64", "i64", "f64"};

[[noreturn]] void wrong(const GgufValue& value, const char* wanted) {
  bad_file("GGUF metadata", "a value of type " + std::string(to_string(value.type)) +
                                " stands where " + wanted + " should");
}

// Signed types are extended to 64 bits. nullopt for what is no whole number.
std::optional<std::int64_t> whole(GgufType type, std::uint64_t bits) {
  switch (type) {
    case GgufType::U8:
    case GgufType::U16:
    case GgufType::U32:
    case GgufType::U64:
      if (bits > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
      return static_cast<std::int64_t>(bits);
    case GgufType::I8:
      return static_cast<std::int8_t>(bits);
    case GgufType::I16:
      return static_cast<std::int16_t>(bits);
    case GgufType::I32:
      return static_cast<std::int32_t>(bits);
    case GgufType::I64:
      return static_cast<std::int64_t>(bits);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::size_t width(GgufType type) {
  switch (type) {
    case GgufType::U8:
    case GgufType::I8:
    case GgufType::Bool:
      return 1;
    case GgufType::U16:
    case GgufType::I16:
      return 2;
    case GgufType::U32:
    case GgufType::I32:
    case GgufType::F32:
      return 4;
    default:
      return 8;
  }
}

std::string_view to_string(GgufType type) {
  return kTypeNames.at(static_cast<std::size_t>(type));
}

std::int64_t GgufValue::as_int() const {
  const auto value = whole(type, bits);
  if (!value) wrong(*this, "a whole number");
  return *value;
}

std::uint64_t GgufValue::as_uint() const {
  const std::int64_t value = as_int();
  if (value < 0) wrong(*this, "a number of 0 or more");
  return static_cast<std::uint64_t>(value);
}

double GgufValue::as_double() const {
  if (type == GgufType::F32) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  if (type != GgufType::F64) wrong(*this, "a fraction");
  return std::bit_cast<double>(bits);
}

bool GgufValue::as_bool() const {
  if (type != GgufType::Bool) wrong(*this, "true or false");
  return bits != 0;
}

const std::string& GgufValue::as_text() const {
  if (type != GgufType::Text) wrong(*this, "a text");
  return text;
}

const std::vector<std::string>& GgufValue::as_texts() const {
  if (type != GgufType::Array || (element != GgufType::Text && count != 0)) {
    wrong(*this, "a list of texts");
  }
  return texts;
}

std::vector<float> GgufValue::as_floats() const {
  if (type != GgufType::Array || element != GgufType::F32) wrong(*this, "a list of f32");
  std::vector<float> out(static_cast<std::size_t>(count));
  if (!out.empty()) std::memcpy(out.data(), text.data(), text.size());
  return out;
}

std::vector<std::int64_t> GgufValue::as_ints() const {
  if (type != GgufType::Array || !whole(element, 0)) wrong(*this, "a list of whole numbers");
  std::vector<std::int64_t> out;
  out.reserve(static_cast<std::size_t>(count));
  for (std::size_t at = 0; at < text.size(); at += width(element)) {
    std::uint64_t value = 0;
    std::memcpy(&value, text.data() + at, width(element));
    const auto number = whole(element, value);
    if (!number) wrong(*this, "a list of whole numbers of 63 bits");
    out.push_back(*number);
  }
  return out;
}

Value GgufValue::summary() const {
  if (type == GgufType::Array || (type == GgufType::Text && text.size() > 4096)) {
    const std::string of = type == GgufType::Text ? "text" : std::string(to_string(element));
    return Value::Object{{"type", of}, {"count", type == GgufType::Text ? text.size() : count}};
  }
  if (type == GgufType::Text) return text;
  if (type == GgufType::Bool) return bits != 0;
  if (type == GgufType::F32 || type == GgufType::F64) return as_double();
  const auto number = whole(type, bits);
  return number ? Value(*number) : Value(bits);
}

}  // namespace roost::formats

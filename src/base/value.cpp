#include "roost/value.h"

#include <charconv>
#include <array>
#include <cmath>

#include "base/utf8.h"
#include "roost/error.h"

namespace roost {
namespace {

[[noreturn]] void wrong_kind(std::string_view wanted, const Value& value) {
  throw RoostError(ErrorCode::InvalidArgument,
                   "expected " + std::string(wanted) + ", found " + std::string(value.kind_name()));
}

void write_byte(std::string& out, std::string_view prefix, char c) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += prefix;
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

// JSON is UTF-8: a byte that is none is written as the four characters \xNN.
void write_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::string_view character = take_character(text);
    const char c = character.front();
    if (is_stray_byte(character)) {
      write_byte(out, "\\\\x", c);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      write_byte(out, "\\u00", c);
    } else {
      out += character;
    }
  }
  out += '"';
}

void write_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

void new_line(std::string& out, bool pretty, int depth) {
  if (!pretty) return;
  out += '\n';
  out.append(static_cast<std::size_t>(depth) * 2, ' ');
}

void write(std::string& out, const Value& value, bool pretty, int depth);

void write_array(std::string& out, const Value::Array& array, bool pretty, int depth) {
  out += '[';
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (i != 0) out += ',';
    new_line(out, pretty, depth + 1);
    write(out, array[i], pretty, depth + 1);
  }
  if (!array.empty()) new_line(out, pretty, depth);
  out += ']';
}

void write_object(std::string& out, const Value::Object& object, bool pretty, int depth) {
  out += '{';
  bool first = true;
  for (const auto& [key, value] : object) {
    if (!first) out += ',';
    first = false;
    new_line(out, pretty, depth + 1);
    write_string(out, key);
    out += pretty ? ": " : ":";
    write(out, value, pretty, depth + 1);
  }
  if (!object.empty()) new_line(out, pretty, depth);
  out += '}';
}

void write(std::string& out, const Value& value, bool pretty, int depth) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else if (value.is_int()) {
    out += std::to_string(value.as_int());
  } else if (value.is_number()) {
    write_double(out, value.as_double());
  } else if (value.is_string()) {
    write_string(out, value.as_string());
  } else if (value.is_array()) {
    write_array(out, value.as_array(), pretty, depth);
  } else {
    write_object(out, value.as_object(), pretty, depth);
  }
}

}  // namespace

Value::Value(unsigned long n) : Value(static_cast<unsigned long long>(n)) {}

Value::Value(unsigned long long n) {
  if (n <= static_cast<unsigned long long>(INT64_MAX)) {
    data_ = static_cast<std::int64_t>(n);
  } else {
    data_ = static_cast<double>(n);
  }
}

bool Value::as_bool() const {
  if (const auto* b = std::get_if<bool>(&data_)) return *b;
  wrong_kind("true or false", *this);
}

std::int64_t Value::as_int() const {
  if (const auto* n = std::get_if<std::int64_t>(&data_)) return *n;
  wrong_kind("an integer", *this);
}

double Value::as_double() const {
  if (const auto* n = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*n);
  if (const auto* d = std::get_if<double>(&data_)) return *d;
  wrong_kind("a number", *this);
}

const std::string& Value::as_string() const {
  if (const auto* s = std::get_if<std::string>(&data_)) return *s;
  wrong_kind("a string", *this);
}

const Value::Array& Value::as_array() const {
  if (const auto* a = std::get_if<Array>(&data_)) return *a;
  wrong_kind("an array", *this);
}

const Value::Object& Value::as_object() const {
  if (const auto* o = std::get_if<Object>(&data_)) return *o;
  wrong_kind("an object", *this);
}

const Value* Value::find(std::string_view key) const {
  const auto* object = std::get_if<Object>(&data_);
  if (object == nullptr) return nullptr;
  const auto it = object->find(key);
  return it == object->end() ? nullptr : &it->second;
}

Value& Value::operator[](std::string_view key) {
  if (!is_object()) data_ = Object();
  auto& object = std::get<Object>(data_);
  const auto it = object.find(key);
  if (it != object.end()) return it->second;
  return object.emplace(std::string(key), Value()).first->second;
}

void Value::merge_patch(Value patch) {
  if (!patch.is_object()) {
    *this = std::move(patch);
    return;
  }
  if (!is_object()) data_ = Object();
  for (auto& [key, value] : std::get<Object>(patch.data_)) {
    if (value.is_null()) {
      std::get<Object>(data_).erase(key);
    } else {
      (*this)[key].merge_patch(std::move(value));
    }
  }
}

std::size_t Value::depth(std::size_t most) const {
  std::size_t below = 0;
  if (most == 0) return 0;
  if (const auto* array = std::get_if<Array>(&data_)) {
    for (const Value& entry : *array) below = std::max(below, entry.depth(most - 1));
    return below + 1;
  }
  if (const auto* object = std::get_if<Object>(&data_)) {
    for (const auto& [key, entry] : *object) below = std::max(below, entry.depth(most - 1));
    return below + 1;
  }
  return 0;
}

std::string Value::to_json(bool pretty) const {
  std::string out;
  write(out, *this, pretty, 0);
  return out;
}

std::string_view Value::kind_name() const {
  if (is_null()) return "null";
  if (is_bool()) return "a boolean";
  if (is_number()) return "a number";
  if (is_string()) return "a string";
  return is_array() ? "an array" : "an object";
}

}  // namespace roost

#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace roost {

// A JSON value: what free-form configuration, event payloads and --json output are made of.
// Objects keep their keys sorted, so equal values print equal text.
class Value {
 public:
  using Array = std::vector<Value>;
  using Object = std::map<std::string, Value, std::less<>>;

  Value() = default;  // null
  Value(const Value&) = default;
  Value(Value&&) noexcept = default;
  ~Value() = default;
  // The right-hand side may be a part of this value.
  Value& operator=(Value other) noexcept {
    data_.swap(other.data_);
    return *this;
  }
  Value(std::nullptr_t) {}
  Value(bool b) : data_(b) {}
  Value(int n) : data_(static_cast<std::int64_t>(n)) {}
  Value(unsigned n) : data_(static_cast<std::int64_t>(n)) {}
  Value(long n) : data_(static_cast<std::int64_t>(n)) {}
  Value(long long n) : data_(static_cast<std::int64_t>(n)) {}
  Value(unsigned long n);       // beyond int64 it becomes a double
  Value(unsigned long long n);  // likewise
  Value(double d) : data_(d) {}
  Value(const char* s) : data_(std::string(s)) {}
  Value(std::string s) : data_(std::move(s)) {}
  Value(std::string_view s) : data_(std::string(s)) {}
  Value(Array a) : data_(std::move(a)) {}
  Value(Object o) : data_(std::move(o)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(data_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(data_); }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  bool is_array() const { return std::holds_alternative<Array>(data_); }
  bool is_object() const { return std::holds_alternative<Object>(data_); }

  // Throw RoostError InvalidArgument, naming the kind that was found, when the kind differs.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_double() const;  // accepts an integer too
  const std::string& as_string() const;
  const Array& as_array() const;
  const Object& as_object() const;

  // Object access. `find` is null when absent or not an object; operator[] makes this an object.
  const Value* find(std::string_view key) const;
  Value& operator[](std::string_view key);

  // RFC 7396: null removes a key, objects merge, anything else replaces.
  void merge_patch(Value patch);

  // Objects and arrays within each other; a number or a text is 0 deep. Looks no deeper than `most`.
  std::size_t depth(std::size_t most) const;

  std::string to_json(bool pretty = false) const;  // NaN and infinities print as null
  std::string_view kind_name() const;

  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

}  // namespace roost

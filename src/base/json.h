#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "roost/value.h"

namespace roost {

struct JsonLimits {
  std::size_t max_bytes = 100'000'000;
  std::size_t max_depth = 64;  // arrays and objects within each other; at most 1,000
};

// Int is what fits std::int64_t; UInt is a whole number above that, up to 2^64 - 1.
enum class JsonKind { Null, Bool, Int, UInt, Double, String, Array, Object };
std::string_view to_string(JsonKind kind);

// A value inside a JsonDocument, and valid for as long as that lives. Copy it freely.
//
// The as_ functions and at() throw RoostError BadFile, naming the document, the value's path and
// what was found there, when the value is not what was asked for.
class JsonView {
 public:
  JsonKind kind() const;
  bool is_null() const { return kind() == JsonKind::Null; }
  bool is_string() const { return kind() == JsonKind::String; }
  bool is_array() const { return kind() == JsonKind::Array; }
  bool is_object() const { return kind() == JsonKind::Object; }

  bool as_bool() const;
  std::int64_t as_int() const;
  std::uint64_t as_uint() const;
  double as_double() const;  // any number
  std::string_view as_string() const;

  // Objects only; linear in the members. nullopt, or a throw, when there is no such key.
  std::optional<JsonView> find(std::string_view key) const;
  JsonView at(std::string_view key) const;

  std::size_t size() const;  // members of an object, elements of an array
  void for_each(const std::function<void(JsonView)>& element) const;
  void for_each_member(const std::function<void(std::string_view, JsonView)>& member) const;

  Value to_value() const;  // a whole number beyond std::int64_t becomes a double

  // Where this is, as "model.merges[3]"; the root is "the top level".
  std::string path() const;
  const std::string& what() const;  // the document's name
  // Throws BadFile: "<what>: <path> <problem>".
  [[noreturn]] void refuse(const std::string& problem) const;

 private:
  friend class JsonDocument;
  JsonView(const void* document, std::size_t at) : document_(document), at_(at) {}
  [[noreturn]] void wrong_kind(std::string_view wanted) const;

  const void* document_;
  std::size_t at_;
};

// One parsed RFC 8259 text. It keeps a copy of what it needs: the text may go.
class JsonDocument {
 public:
  // Throws RoostError BadFile, naming `what` (a file, usually) and the byte or the path, for: not
  // UTF-8, a byte order mark, a lone surrogate, more text after the value, too large, too deep, a
  // number no double holds, a key given twice in one object.
  // A whole number beyond 64 bits is read as the double nearest to it.
  static JsonDocument parse(std::string_view text, const std::string& what,
                            const JsonLimits& limits = {});

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  JsonView root() const;

 private:
  friend class JsonView;
  struct Tape;
  explicit JsonDocument(std::unique_ptr<const Tape> tape);
  std::unique_ptr<const Tape> tape_;
};

}  // namespace roost

#include "base/json.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/json_fault.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost {

// simdjson's flat form of a document, and the name it has in messages.
struct JsonDocument::Tape : simdjson::dom::document {
  std::string what;
};

namespace {

using simdjson::internal::tape_ref;
using simdjson::internal::tape_type;

constexpr std::size_t kRoot = 1;
constexpr std::size_t kDeepest = 1'000;

[[noreturn]] void bad_file(const std::string& what, const std::string& why) {
  throw RoostError(ErrorCode::BadFile, printable(what) + ": " + why);
}

tape_ref on_tape(const void* document, std::size_t at) {
  return {static_cast<const simdjson::dom::document*>(document), at};
}

std::size_t after(const void* document, std::size_t at) {
  return on_tape(document, at).after_element();
}

std::string_view string_at(const void* document, std::size_t at) {
  return on_tape(document, at).get_string_view();
}

// One past the container's last child.
std::size_t end_of_children(const void* document, std::size_t at) {
  return after(document, at) - 1;
}

bool is_container(tape_type type) {
  return type == tape_type::START_OBJECT || type == tape_type::START_ARRAY;
}

std::string join(const std::string& path, std::string_view key) {
  return (path.empty() ? "" : path + ".") + printable(key);
}

std::string find_path(const void* document, std::size_t wanted) {
  std::string path;
  std::size_t at = kRoot;
  while (at != wanted && is_container(on_tape(document, at).tape_ref_type())) {
    const bool object = on_tape(document, at).tape_ref_type() == tape_type::START_OBJECT;
    const std::size_t end = end_of_children(document, at);
    std::size_t child = at + 1, index = 0;
    while (child < end) {
      const std::size_t value = object ? after(document, child) : child;
      const std::size_t next = after(document, value);
      if (wanted < next) {
        if (object) {
          path = join(path, string_at(document, child));
        } else {
          path.append("[").append(std::to_string(index)).append("]");
        }
        at = value;
        break;
      }
      child = next;
      ++index;
    }
    if (child >= end) break;
  }
  return path;
}

std::optional<std::string_view> repeated(std::vector<std::string_view>& keys) {
  constexpr std::size_t kFew = 8;
  if (keys.size() <= kFew) {
    for (std::size_t i = 1; i < keys.size(); ++i) {
      if (std::find(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(i), keys[i]) !=
          keys.begin() + static_cast<std::ptrdiff_t>(i)) {
        return keys[i];
      }
    }
    return std::nullopt;
  }
  std::sort(keys.begin(), keys.end());
  const auto twin = std::adjacent_find(keys.begin(), keys.end());
  if (twin == keys.end()) return std::nullopt;
  return *twin;
}

// Calls `f` with the place of every value, key and closing bracket.
template <typename F>
void walk(const void* document, const F& f) {
  const std::size_t end = after(document, kRoot);
  for (std::size_t at = kRoot; at < end;) {
    const tape_type type = on_tape(document, at).tape_ref_type();
    f(type, at);
    const bool number =
        type == tape_type::INT64 || type == tape_type::UINT64 || type == tape_type::DOUBLE;
    at += number ? 2 : 1;
  }
}

bool is_deeper(const void* document, std::size_t max_depth) {
  std::size_t depth = 0, deepest = 0;
  walk(document, [&](tape_type type, std::size_t) {
    if (is_container(type)) deepest = std::max(deepest, ++depth);
    if (type == tape_type::END_OBJECT || type == tape_type::END_ARRAY) --depth;
  });
  return deepest > max_depth;
}

void refuse_repeated_keys(const void* document, const std::string& what) {
  std::vector<std::string_view> keys;
  walk(document, [&](tape_type type, std::size_t at) {
    if (type != tape_type::START_OBJECT) return;
    keys.clear();
    const std::size_t end = end_of_children(document, at);
    for (std::size_t key = at + 1; key < end; key = after(document, key + 1)) {
      keys.push_back(string_at(document, key));
    }
    if (const auto twice = repeated(keys)) {
      bad_file(what,
               "the key '" + join(find_path(document, at), *twice) + "' is given more than once");
    }
  });
}

std::string in_bytes(std::size_t bytes) {
  return std::to_string(bytes) + " bytes";
}

// What simdjson refuses, or nothing.
simdjson::error_code read(std::string_view text, std::size_t max_depth,
                          simdjson::dom::document& into) {
  simdjson::dom::parser parser;
  const std::size_t capacity = std::max<std::size_t>(text.size(), 64);
  if (const auto error = parser.allocate(capacity, max_depth + 1)) return error;
  if (const auto error = parser.parse_into_document(into, text.data(), text.size()).error()) {
    return error;
  }
  // simdjson does not count an empty container.
  return is_deeper(&into, max_depth) ? simdjson::DEPTH_ERROR : simdjson::SUCCESS;
}

JsonKind kind_of(tape_type type) {
  switch (type) {
    case tape_type::START_OBJECT:
      return JsonKind::Object;
    case tape_type::START_ARRAY:
      return JsonKind::Array;
    case tape_type::STRING:
      return JsonKind::String;
    case tape_type::INT64:
      return JsonKind::Int;
    case tape_type::UINT64:
      return JsonKind::UInt;
    case tape_type::DOUBLE:
      return JsonKind::Double;
    case tape_type::TRUE_VALUE:
    case tape_type::FALSE_VALUE:
      return JsonKind::Bool;
    default:
      return JsonKind::Null;
  }
}

}  // namespace

std::string_view to_string(JsonKind kind) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "null",     "a boolean", "a whole number", "a whole number",
      "a number", "a string",  "an array",       "an object"};
  return kNames[static_cast<std::size_t>(kind)];
}

JsonDocument::JsonDocument(std::unique_ptr<const Tape> tape) : tape_(std::move(tape)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

JsonDocument JsonDocument::parse(std::string_view text, const std::string& what,
                                 const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    bad_file(what, in_bytes(text.size()) + " of JSON, and at most " + in_bytes(limits.max_bytes) +
                       " are read");
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    bad_file(what, "it starts with a byte order mark, which JSON does not allow");
  }
  const std::size_t max_depth = std::min(limits.max_depth, kDeepest);
  auto tape = std::make_unique<Tape>();
  tape->what = what;
  simdjson::error_code error = read(text, max_depth, *tape);
  if (error == simdjson::MEMALLOC) {
    throw RoostError(ErrorCode::OutOfMemory, printable(what) + ": no memory to read its JSON");
  }
  if (error) {
    const JsonFault fault = find_json_fault(text, max_depth);
    if (!fault.reason.empty()) {
      bad_file(what, "not JSON at byte " + std::to_string(fault.offset) + ": " + fault.reason);
    }
    error = read(with_doubles(text, fault.big_integer_ends), max_depth, *tape);
    if (error) bad_file(what, std::string("not JSON: ") + simdjson::error_message(error));
  }
  refuse_repeated_keys(tape.get(), what);
  return JsonDocument(std::move(tape));
}

JsonView JsonDocument::root() const {
  return {static_cast<const simdjson::dom::document*>(tape_.get()), kRoot};
}

JsonKind JsonView::kind() const {
  return kind_of(on_tape(document_, at_).tape_ref_type());
}

bool JsonView::as_bool() const {
  if (kind() != JsonKind::Bool) wrong_kind("true or false");
  return on_tape(document_, at_).is_true();
}

std::int64_t JsonView::as_int() const {
  if (kind() != JsonKind::Int) wrong_kind("a whole number");
  return on_tape(document_, at_).next_tape_value<std::int64_t>();
}

std::uint64_t JsonView::as_uint() const {
  if (kind() == JsonKind::UInt) return on_tape(document_, at_).next_tape_value<std::uint64_t>();
  if (kind() != JsonKind::Int || as_int() < 0) wrong_kind("a whole number that is not negative");
  return static_cast<std::uint64_t>(as_int());
}

double JsonView::as_double() const {
  const tape_ref number = on_tape(document_, at_);
  switch (kind()) {
    case JsonKind::Double:
      return number.next_tape_value<double>();
    case JsonKind::Int:
      return static_cast<double>(number.next_tape_value<std::int64_t>());
    case JsonKind::UInt:
      return static_cast<double>(number.next_tape_value<std::uint64_t>());
    default:
      wrong_kind("a number");
  }
}

std::string_view JsonView::as_string() const {
  if (kind() != JsonKind::String) wrong_kind("a string");
  return string_at(document_, at_);
}

std::optional<JsonView> JsonView::find(std::string_view key) const {
  if (!is_object()) wrong_kind("an object");
  const std::size_t end = end_of_children(document_, at_);
  for (std::size_t child = at_ + 1; child < end; child = after(document_, child + 1)) {
    if (string_at(document_, child) == key) return JsonView(document_, child + 1);
  }
  return std::nullopt;
}

JsonView JsonView::at(std::string_view key) const {
  if (const auto found = find(key)) return *found;
  refuse("has no '" + printable(key) + "'");
}

std::size_t JsonView::size() const {
  if (!is_array() && !is_object()) wrong_kind("an array or an object");
  const std::size_t end = end_of_children(document_, at_);
  std::size_t count = 0;
  for (std::size_t child = at_ + 1; child < end; ++count) {
    child = after(document_, is_object() ? child + 1 : child);
  }
  return count;
}

void JsonView::for_each(const std::function<void(JsonView)>& element) const {
  if (!is_array()) wrong_kind("an array");
  const std::size_t end = end_of_children(document_, at_);
  for (std::size_t child = at_ + 1; child < end; child = after(document_, child)) {
    element(JsonView(document_, child));
  }
}

void JsonView::for_each_member(
    const std::function<void(std::string_view, JsonView)>& member) const {
  if (!is_object()) wrong_kind("an object");
  const std::size_t end = end_of_children(document_, at_);
  for (std::size_t child = at_ + 1; child < end; child = after(document_, child + 1)) {
    member(string_at(document_, child), JsonView(document_, child + 1));
  }
}

Value JsonView::to_value() const {
  switch (kind()) {
    case JsonKind::Null:
      return nullptr;
    case JsonKind::Bool:
      return as_bool();
    case JsonKind::Int:
      return static_cast<long long>(as_int());
    case JsonKind::UInt:
      return static_cast<unsigned long long>(as_uint());
    case JsonKind::Double:
      return as_double();
    case JsonKind::String:
      return as_string();
    case JsonKind::Array: {
      Value::Array array;
      for_each([&](JsonView element) { array.push_back(element.to_value()); });
      return array;
    }
    case JsonKind::Object: {
      Value::Object object;
      for_each_member([&](std::string_view key, JsonView value) {
        object.emplace(std::string(key), value.to_value());
      });
      return object;
    }
  }
  return nullptr;
}

std::string JsonView::path() const {
  std::string path = find_path(document_, at_);
  return path.empty() ? "the top level" : path;
}

const std::string& JsonView::what() const {
  const auto* document = static_cast<const simdjson::dom::document*>(document_);
  return static_cast<const JsonDocument::Tape*>(document)->what;
}

void JsonView::refuse(const std::string& problem) const {
  bad_file(what(), path() + " " + problem);
}

void JsonView::wrong_kind(std::string_view wanted) const {
  refuse("should be " + std::string(wanted) + ", but is " + std::string(to_string(kind())));
}

}  // namespace roost

#include "formats/json_scanner.h"

#include "base/checked.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

bool is_digit(int c) {
  return c >= '0' && c <= '9';
}

void append_code_point(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

}  // namespace

std::string JsonScanner::found() {
  const int c = bytes_.peek();
  return c < 0 ? "the end" : "'" + printable(std::string(1, static_cast<char>(c))) + "'";
}

void JsonScanner::skip_space() {
  for (int c = bytes_.peek(); c == ' ' || c == '\n' || c == '\t' || c == '\r'; c = bytes_.peek()) {
    bytes_.advance();
  }
}

bool JsonScanner::take(char wanted) {
  skip_space();
  if (bytes_.peek() != wanted) return false;
  bytes_.advance();
  return true;
}

void JsonScanner::expect(char wanted, const char* what) {
  if (!take(wanted))
    fail(std::string("the JSON text should have ") + what + " here, not " + found());
}

std::string JsonScanner::string(std::size_t max_bytes, const char* what) {
  expect('"', what);
  const std::uint64_t begin = position();
  std::string out;
  for (;;) {
    const int c = bytes_.peek();
    if (c < 0) fail(std::string(what) + " has no end");
    if (c < 0x20) fail(std::string(what) + " has a bare control byte");
    bytes_.advance();
    if (c == '"') break;
    if (c == '\\') {
      escape(out);
    } else {
      out += static_cast<char>(c);
    }
    if (out.size() > max_bytes) {
      bytes_.fail_at(begin,
                     std::string(what) + " is longer than " + std::to_string(max_bytes) + " bytes");
    }
  }
  if (!is_utf8(out)) bytes_.fail_at(begin, std::string(what) + " is not UTF-8");
  return out;
}

void JsonScanner::escape(std::string& out) {
  static constexpr std::string_view kNames = "\"\\/bfnrt";
  static constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
  const int c = bytes_.peek();
  if (c != 'u') {
    const std::size_t at = c < 0 ? std::string_view::npos : kNames.find(static_cast<char>(c));
    if (at == std::string_view::npos) fail("a backslash is followed by " + found());
    bytes_.advance();
    out += kBytes[at];
    return;
  }
  bytes_.advance();
  std::uint32_t code = four_hex();
  if (code >= 0xDC00 && code < 0xE000) fail("half a surrogate pair");
  if (code >= 0xD800 && code < 0xDC00) {
    for (const char wanted : {'\\', 'u'}) {
      if (bytes_.peek() != wanted) fail("half a surrogate pair");
      bytes_.advance();
    }
    const std::uint32_t low = four_hex();
    if (low < 0xDC00 || low >= 0xE000) fail("half a surrogate pair");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append_code_point(out, code);
}

std::uint32_t JsonScanner::four_hex() {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const int c = bytes_.peek();
    const int lower = c | 0x20;
    if (!is_digit(c) && !(lower >= 'a' && lower <= 'f')) fail("\\u is followed by " + found());
    value = value << 4 | static_cast<std::uint32_t>(is_digit(c) ? c - '0' : lower - 'a' + 10);
    bytes_.advance();
  }
  return value;
}

std::uint64_t JsonScanner::whole_number(const char* what) {
  skip_space();
  const std::uint64_t begin = position();
  if (!is_digit(bytes_.peek())) {
    fail(std::string(what) + " must be a whole number of 0 or more, not " + found());
  }
  std::uint64_t value = 0;
  bool first = true;
  bool leading_zero = false;
  for (int c = bytes_.peek(); is_digit(c); c = bytes_.peek()) {
    if (leading_zero) bytes_.fail_at(begin, std::string(what) + " begins with a zero");
    leading_zero = first && c == '0';
    first = false;
    const auto tens = checked_mul(value, 10);
    const auto sum = tens ? checked_add(*tens, static_cast<std::uint64_t>(c - '0')) : std::nullopt;
    if (!sum) bytes_.fail_at(begin, std::string(what) + " passes 64 bits");
    value = *sum;
    bytes_.advance();
  }
  const int next = bytes_.peek();
  if (next == '.' || next == 'e' || next == 'E') {
    bytes_.fail_at(begin, std::string(what) + " must be a whole number, without point or exponent");
  }
  return value;
}

void JsonScanner::skip_number() {
  const auto digits = [this] {
    if (!is_digit(bytes_.peek())) fail("a number should have a digit here, not " + found());
    while (is_digit(bytes_.peek())) bytes_.advance();
  };
  if (bytes_.peek() == '-') bytes_.advance();
  if (bytes_.peek() == '0') {
    bytes_.advance();
  } else {
    digits();
  }
  if (bytes_.peek() == '.') {
    bytes_.advance();
    digits();
  }
  if ((bytes_.peek() | 0x20) == 'e') {
    bytes_.advance();
    if (bytes_.peek() == '+' || bytes_.peek() == '-') bytes_.advance();
    digits();
  }
}

void JsonScanner::skip_word(const char* word) {
  for (const char* c = word; *c != '\0'; ++c) {
    if (bytes_.peek() != *c) fail("a JSON value should be here, not " + found());
    bytes_.advance();
  }
}

void JsonScanner::skip_value() {
  skip_space();
  if (++depth_ > kMaxDepth) fail("the JSON text is more than 64 levels deep");
  switch (bytes_.peek()) {
    case '{':
      object([this](const std::string&) { skip_value(); });
      break;
    case '[':
      array([this] { skip_value(); });
      break;
    case '"':
      (void)string(kMaxString, "a string");
      break;
    case 't':
      skip_word("true");
      break;
    case 'f':
      skip_word("false");
      break;
    case 'n':
      skip_word("null");
      break;
    default:
      skip_number();
  }
  --depth_;
}

void JsonScanner::end(bool spaces_only) {
  if (spaces_only) {
    while (bytes_.peek() == ' ') bytes_.advance();
  } else {
    skip_space();
  }
  if (!bytes_.at_end()) fail("something follows the JSON text: " + found());
}

}  // namespace roost::formats

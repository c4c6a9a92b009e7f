#include "base/json_fault.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/utf8.h"

namespace roost {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A strict RFC 8259 recogniser. Each function passes what it recognises or notes the fault and
// returns false.
class Recogniser {
 public:
  Recogniser(std::string_view text, std::size_t max_depth) : text_(text), max_depth_(max_depth) {}

  JsonFault run() {
    skip_space();
    if (value(0)) {
      skip_space();
      if (at_ != text_.size()) fail("more text after the JSON value");
    }
    return std::move(fault_);
  }

 private:
  bool fail(std::string reason) { return fail(std::move(reason), at_); }
  bool fail(std::string reason, std::size_t offset) {
    fault_.reason = std::move(reason);
    fault_.offset = offset;
    return false;
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != text_.npos) ++at_;
  }

  bool value(std::size_t depth) {
    if (at_ == text_.size()) return fail("the text ends where a value should be");
    const char c = peek();
    if (c == '{' || c == '[') {
      if (depth == max_depth_) {
        return fail("nested more than " + std::to_string(max_depth_) + " deep");
      }
      return c == '{' ? object(depth + 1) : array(depth + 1);
    }
    if (c == '"') return string();
    if (c == '-' || is_digit(c)) return number();
    return word("true") || word("false") || word("null") || fail("not a JSON value");
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  bool object(std::size_t depth) {
    ++at_;
    skip_space();
    if (take('}')) return true;
    while (true) {
      if (peek() != '"') return fail("expected a key in quotes");
      if (!string()) return false;
      skip_space();
      if (!take(':')) return fail("expected ':' after the key");
      skip_space();
      if (!value(depth)) return false;
      skip_space();
      if (take('}')) return true;
      if (!take(',')) return fail("expected ',' or '}' in the object");
      skip_space();
    }
  }

  bool array(std::size_t depth) {
    ++at_;
    skip_space();
    if (take(']')) return true;
    while (true) {
      if (!value(depth)) return false;
      skip_space();
      if (take(']')) return true;
      if (!take(',')) return fail("expected ',' or ']' in the array");
      skip_space();
    }
  }

  bool string() {
    const std::size_t start = at_++;
    while (at_ < text_.size()) {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '"') return ++at_, true;
      if (byte == '\\') {
        if (!escape()) return false;
      } else if (byte < 0x20) {
        return fail("a control byte in a string");
      } else {
        const std::size_t before = at_;
        if (next_code_point(text_, at_) == 0xFFFD && at_ == before + 1) {
          return fail("not UTF-8", before);
        }
      }
    }
    return fail("a string that does not end", start);
  }

  bool escape() {
    const std::size_t start = at_++;
    if (peek() != 'u') {
      if (at_ < text_.size() && std::string_view("\"\\/bfnrt").find(peek()) != text_.npos) {
        return ++at_, true;
      }
      return fail("an unknown escape in a string", start);
    }
    unsigned unit = 0;
    if (!unicode_escape(unit)) return fail("a \\u without four hexadecimal digits", start);
    if (unit < 0xD800 || unit > 0xDFFF) return true;
    if (unit > 0xDBFF) return fail("a lone surrogate", start);
    unsigned low = 0;
    const bool paired = take('\\') && peek() == 'u' && unicode_escape(low);
    if (!paired || low < 0xDC00 || low > 0xDFFF) return fail("a lone surrogate", start);
    return true;
  }

  // At the 'u' of an escape.
  bool unicode_escape(unsigned& unit) {
    const std::string_view digits = text_.substr(at_ + 1, 4);
    const auto end = digits.data() + digits.size();
    if (digits.size() != 4 || std::from_chars(digits.data(), end, unit, 16).ptr != end)
      return false;
    at_ += 5;
    return true;
  }

  bool number() {
    const std::size_t start = at_;
    take('-');
    const std::size_t digits = at_;
    if (!some_digits()) return fail("expected a digit");
    if (text_[digits] == '0' && at_ > digits + 1)
      return fail("a number with a leading zero", start);
    bool whole = true;
    if (take('.')) {
      whole = false;
      if (!some_digits()) return fail("expected a digit");
    }
    if (peek() == 'e' || peek() == 'E') {
      whole = false;
      ++at_;
      if (!take('-')) take('+');
      if (!some_digits()) return fail("expected a digit");
    }
    return in_range(text_.substr(start, at_ - start), whole) ||
           fail("a number beyond what a double can hold", start);
  }

  bool some_digits() {
    const std::size_t start = at_;
    while (is_digit(peek())) ++at_;
    return at_ > start;
  }

  bool in_range(std::string_view number, bool whole) {
    const char* begin = number.data();
    const char* end = begin + number.size();
    if (whole) {
      std::int64_t small = 0;
      std::uint64_t large = 0;
      if (std::from_chars(begin, end, small).ec == std::errc() ||
          std::from_chars(begin, end, large).ec == std::errc()) {
        return true;
      }
    }
    double nearest = 0;
    const bool fits = std::from_chars(begin, end, nearest).ec == std::errc();
    if (whole && fits) fault_.big_integer_ends.push_back(at_);
    return fits || magnitude(number) < 0;
  }

  // The power of ten of the first digit that is not zero: its sign tells overflow from underflow.
  static std::int64_t magnitude(std::string_view number) {
    const std::size_t exponent_at = std::min(number.find_first_of("eE"), number.size());
    const std::string_view mantissa = number.substr(0, exponent_at);
    const std::size_t first = mantissa.find_first_of("123456789");
    if (first == mantissa.npos) return -1;
    const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
    std::string_view digits = number.substr(std::min(exponent_at + 1, number.size()));
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.remove_prefix(1);
    std::int64_t exponent = 0;
    const auto end = digits.data() + digits.size();
    if (std::from_chars(digits.data(), end, exponent).ec == std::errc::result_out_of_range) {
      exponent = INT64_MAX / 2;
    }
    return static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first) +
           (negative ? -exponent : exponent);
  }

  std::string_view text_;
  std::size_t max_depth_;
  std::size_t at_ = 0;
  JsonFault fault_;
};

}  // namespace

JsonFault find_json_fault(std::string_view text, std::size_t max_depth) {
  return Recogniser(text, max_depth).run();
}

std::string with_doubles(std::string_view text, const std::vector<std::size_t>& big_integer_ends) {
  std::string rewritten;
  rewritten.reserve(text.size() + 2 * big_integer_ends.size());
  std::size_t copied = 0;
  for (const std::size_t end : big_integer_ends) {
    rewritten += text.substr(copied, end - copied);
    rewritten += "e0";
    copied = end;
  }
  rewritten += text.substr(copied);
  return rewritten;
}

}  // namespace roost

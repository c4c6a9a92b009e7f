#include "cli/json_reader.h"

#include <charconv>
#include <stdexcept>
#include <string>

#include "base/utf8.h"

namespace roost::cli::test {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Value document() {
    Value value = this->value();
    skip_space();
    if (at_ != text_.size()) fail("something after the document");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("at byte " + std::to_string(at_) + ": " + what);
  }

  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }

  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  void expect(std::string_view word) {
    if (!take(word)) fail("expected " + std::string(word));
  }

  Value value() {
    skip_space();
    if (take("null")) return nullptr;
    if (take("true")) return true;
    if (take("false")) return false;
    switch (next()) {
      case '"': return string();
      case '[': return array();
      case '{': return object();
      default: return number();
    }
  }

  Value array() {
    expect("[");
    Value::Array items;
    skip_space();
    if (take("]")) return items;
    do {
      items.push_back(value());
      skip_space();
    } while (take(","));
    expect("]");
    return items;
  }

  Value object() {
    expect("{");
    Value::Object members;
    skip_space();
    if (take("}")) return members;
    do {
      skip_space();
      const std::string key = string();
      skip_space();
      expect(":");
      if (!members.emplace(key, value()).second) fail("the key '" + key + "' a second time");
      skip_space();
    } while (take(","));
    expect("}");
    return members;
  }

  std::string string() {
    expect("\"");
    std::string out;
    while (!take("\"")) {
      std::string_view rest = text_.substr(at_);
      if (rest.empty()) fail("a string without an end");
      if (take("\\")) {
        out += escaped();
        continue;
      }
      const std::string_view character = take_character(rest);
      if (is_stray_byte(character)) fail("a byte that is no UTF-8");
      if (static_cast<unsigned char>(character.front()) < 0x20) fail("a control byte");
      out += character;
      at_ += character.size();
    }
    return out;
  }

  // Of \u only what is ASCII: the program writes the rest as UTF-8.
  char escaped() {
    static constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t found = kNames.find(next()); next() != '\0' && found != kNames.npos) {
      ++at_;
      return kMeanings[found];
    }
    expect("u00");
    unsigned code = 0;
    const char* begin = text_.data() + at_;
    const char* end = begin + std::min<std::size_t>(2, text_.size() - at_);
    const auto [stopped, error] = std::from_chars(begin, end, code, 16);
    if (error != std::errc() || stopped != begin + 2 || code > 0x7f) fail("an unknown escape");
    at_ += 2;
    return static_cast<char>(code);
  }

  void digits() {
    const std::size_t from = at_;
    while (next() >= '0' && next() <= '9') ++at_;
    if (at_ == from) fail("expected a value");
  }

  Value number() {
    const std::size_t from = at_;
    take("-");
    if (!take("0")) digits();
    bool whole = true;
    if (take(".")) {
      whole = false;
      digits();
    }
    if (take("e") || take("E")) {
      whole = false;
      if (!take("+")) take("-");
      digits();
    }
    const char* begin = text_.data() + from;
    const char* end = text_.data() + at_;
    std::int64_t integer = 0;
    if (whole && std::from_chars(begin, end, integer).ec == std::errc()) return integer;
    double real = 0;
    if (std::from_chars(begin, end, real).ec != std::errc()) fail("a number out of range");
    return real;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Value read_json(std::string_view text) { return Reader(text).document(); }

}  // namespace roost::cli::test

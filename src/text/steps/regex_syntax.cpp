#include "text/steps/regex_syntax.h"

#include "roost/error.h"
#include "roost/ids.h"

namespace roost::text {
namespace {

constexpr std::string_view kSpaces =
    "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"
    "\\x{3000}";
constexpr std::string_view kNoSpaces =
    "\\x00-\\x08\\x0e-\\x1f!-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"
    "\\x{3001}-\\x{10ffff}";
constexpr std::string_view kWords =
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}"
    "\\x{1f170}-\\x{1f189}";
// Oniguruma takes these for word characters too, but not inside a class.
constexpr std::string_view kWordsOutside = "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}";
constexpr std::string_view kHex = "0-9a-fA-F";

class Translator {
 public:
  Translator(std::string_view source, const std::string& where) : source_(source), where_(where) {}

  Re2Source run() {
    Re2Source result;
    std::string_view body = source_;
    for (const std::string_view tail : {"|\\s+(?!\\S)|\\s+", "|\\s+(?!\\S)|\\s"}) {
      if (body.ends_with(tail)) {
        body.remove_suffix(tail.size());
        result.tail = Re2Source::Tail::BlanksOrBlank;
        break;
      }
    }
    constexpr std::string_view kAlone = "|\\s+(?!\\S)";
    if (result.tail == Re2Source::Tail::None && body.ends_with(kAlone)) {
      body.remove_suffix(kAlone.size());
      result.tail = Re2Source::Tail::Blanks;
    }
    rest_ = body;
    translate();
    if (result.tail == Re2Source::Tail::None) {
      result.pattern = "(?m)" + out_;
    } else {
      result.pattern = "(?m)(?:" + out_ + ")|([" + std::string(kSpaces) + "]+)";
    }
    return result;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const { refuse_regex(source_, where_, why); }

  void translate() {
    while (!rest_.empty()) {
      if (rest_.starts_with('\\')) {
        escape(false);
      } else if (rest_.starts_with('[')) {
        character_class();
      } else if (rest_.starts_with('(')) {
        group();
      } else if (rest_.starts_with("{,")) {
        take(2);
        out_ += "{0,";
      } else {
        out_ += take(1);
      }
    }
  }

  std::string_view take(std::size_t bytes) {
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  void group() {
    take(1);
    if (!rest_.starts_with('?')) {
      out_ += "(?:";
      return;
    }
    if (rest_.starts_with("?:") || rest_.starts_with("?i:") || rest_.starts_with("?i)") ||
        rest_.starts_with("?-i:")) {
      out_ += "(";
      return;
    }
    refuse("groups that look ahead or behind, or never give back, are not");
  }

  void set(std::string_view content, bool in_class) {
    out_ += in_class ? std::string(content) : "[" + std::string(content) + "]";
  }

  void escape(bool in_class) {
    if (rest_.size() < 2) refuse("it ends in a backslash");
    const char kind = rest_[1];
    switch (kind) {
      case 's':
        take(2);
        return set(kSpaces, in_class);
      case 'S':
        take(2);
        return set(kNoSpaces, in_class);
      case 'd':
        take(2);
        return set("\\p{Nd}", in_class);
      case 'D':
        take(2);
        return set("\\P{Nd}", in_class);
      case 'w':
        take(2);
        return set(std::string(kWords) + (in_class ? "" : std::string(kWordsOutside)), in_class);
      case 'h':
        take(2);
        return set(kHex, in_class);
      case 'W':
        if (in_class) refuse("\\W inside a class is not");
        take(2);
        out_ += "[^" + std::string(kWords) + std::string(kWordsOutside) + "]";
        return;
      case 'u':
        return unicode_escape();
      default:
        break;
    }
    constexpr std::string_view kSame = "pPntrfvxAz";
    const bool letter = (kind >= 'a' && kind <= 'z') || (kind >= 'A' && kind <= 'Z');
    const bool digit = kind >= '0' && kind <= '9';
    if (digit) refuse("back references are not");
    if (letter && kSame.find(kind) == kSame.npos) refuse(std::string("\\") + kind + " is not");
    if (static_cast<unsigned char>(kind) >= 0x80)
      take(1);
    else
      out_ += take(2);
  }

  // \uHHHH or \u{H...}
  void unicode_escape() {
    take(2);
    const bool braced = rest_.starts_with('{');
    const std::size_t size = braced ? rest_.find('}') : 4;
    if (size == rest_.npos || rest_.size() < size) refuse("a \\u without its number is not");
    const std::string_view digits = braced ? take(size + 1).substr(1, size - 1) : take(4);
    out_ += "\\x{" + std::string(digits) + "}";
  }

  void character_class() {
    out_ += take(1);
    if (rest_.starts_with('^')) out_ += take(1);
    bool first = true;
    while (!rest_.empty() && (first || !rest_.starts_with(']'))) {
      first = false;
      if (rest_.starts_with('\\')) {
        escape(true);
      } else if (rest_.starts_with("[:space:]")) {
        take(9);
        out_ += kSpaces;
      } else if (rest_.starts_with("[:digit:]")) {
        take(9);
        out_ += "\\p{Nd}";
      } else if (rest_.starts_with('[') || rest_.starts_with("&&")) {
        refuse("a class inside a class is not");
      } else {
        out_ += take(1);
      }
    }
    if (rest_.empty()) refuse("it has a class that does not end");
    out_ += take(1);
  }

  std::string_view source_, rest_;
  const std::string& where_;
  std::string out_;
};

}  // namespace

void refuse_regex(std::string_view source, const std::string& where, const std::string& why) {
  constexpr std::size_t kShown = 120;
  const std::string shown = printable(source.substr(0, kShown));
  throw RoostError(ErrorCode::Unsupported, where + ": unsupported regex '" + shown +
                                               (source.size() > kShown ? "..." : "") + "': " + why);
}

Re2Source to_re2(std::string_view source, const std::string& where) {
  return Translator(source, where).run();
}

}  // namespace roost::text

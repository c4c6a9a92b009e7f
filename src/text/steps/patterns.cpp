#include "text/steps/patterns.h"

#include <re2/re2.h>

#include <array>

#include "roost/error.h"
#include "text/steps/regex_syntax.h"
#include "text/steps/scanners.h"
#include "text/unicode/characters.h"

namespace roost::text {
namespace {

constexpr std::size_t kLongestLiteral = 1'000;
constexpr std::size_t kLongestRegex = 65'536;

Offset range(std::size_t begin, std::size_t end) {
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
}

class Literal final : public Pattern {
 public:
  explicit Literal(std::string literal) : literal_(std::move(literal)) {}
  void find(std::string_view text, std::vector<Offset>& matches) const override {
    for (std::size_t at = text.find(literal_); at != text.npos;
         at = text.find(literal_, at + literal_.size())) {
      matches.push_back(range(at, at + literal_.size()));
    }
  }

 private:
  std::string literal_;
};

// A pattern that matches everywhere.
template <typename Scan>
class Scanner final : public Pattern {
 public:
  explicit Scanner(Scan scan) : scan_(std::move(scan)) {}
  void find(std::string_view text, std::vector<Offset>& matches) const override {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = scan_(text, at);
      matches.push_back(range(at, end));
      at = end;
    }
  }

 private:
  Scan scan_;
};

template <typename Scan>
std::unique_ptr<const Pattern> scanner(Scan scan) {
  return std::make_unique<Scanner<Scan>>(std::move(scan));
}

class Regex final : public Pattern {
 public:
  Regex(std::string_view source, const std::string& where)
      : source_(to_re2(source, where)), re_(source_.pattern, options()) {
    if (!re_.ok()) refuse_regex(source, where, re_.error());
  }

  void find(std::string_view text, std::vector<Offset>& matches) const override {
    const re2::StringPiece whole(text.data(), text.size());
    std::array<re2::StringPiece, 2> groups;
    std::size_t at = 0;
    while (at < text.size() &&
           re_.Match(whole, at, text.size(), RE2::UNANCHORED, groups.data(), groups_wanted())) {
      const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
      std::size_t end = begin + groups[0].size();
      if (groups_wanted() > 1 && groups[1].data() != nullptr) end = cut(text, begin, end);
      if (end > begin) matches.push_back(range(begin, end));
      at = end > at ? end : at + character_at(text, at).size;
    }
  }

 private:
  static RE2::Options options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(64 << 20);
    return options;
  }
  int groups_wanted() const { return source_.tail == Re2Source::Tail::None ? 1 : 2; }

  // A run of blanks before something leaves it its last blank.
  std::size_t cut(std::string_view text, std::size_t begin, std::size_t end) const {
    if (end == text.size()) return end;
    const std::size_t last = last_character(text.substr(begin, end - begin)).size;
    if (end - begin > last) return end - last;
    return source_.tail == Re2Source::Tail::Blanks ? begin : end;
  }

  Re2Source source_;
  RE2 re_;
};

}  // namespace

std::unique_ptr<const Pattern> literal_pattern(std::string literal, const std::string& where) {
  if (literal.empty() || literal.size() > kLongestLiteral) {
    throw RoostError(ErrorCode::Unsupported, where + ": a pattern of " +
                                                 std::to_string(literal.size()) +
                                                 " bytes to search for is unsupported: 1 to " +
                                                 std::to_string(kLongestLiteral) + " are");
  }
  return std::make_unique<Literal>(std::move(literal));
}

std::unique_ptr<const Pattern> gpt2_pattern() {
  return scanner(scan_gpt2);
}

std::unique_ptr<const Pattern> regex_pattern(std::string_view source, const std::string& where) {
  if (source == R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)") {
    return gpt2_pattern();
  }
  constexpr std::string_view kStart = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)";
  constexpr std::string_view kEnd = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const auto cl100k = [&](std::string_view digits, std::size_t most) {
    return source.size() == kStart.size() + digits.size() + kEnd.size() &&
                   source.starts_with(kStart) && source.ends_with(kEnd) &&
                   source.substr(kStart.size(), digits.size()) == digits
               ? scanner([most](std::string_view text, std::size_t at) {
                   return scan_cl100k(text, at, most);
                 })
               : nullptr;
  };
  if (auto known = cl100k("\\p{N}{1,3}", 3)) return known;
  if (auto known = cl100k("\\p{N}", 1)) return known;
  if (source.size() > kLongestRegex) {
    refuse_regex(source, where,
                 "it has " + std::to_string(source.size()) + " bytes, at most " +
                     std::to_string(kLongestRegex) + " are");
  }
  return std::make_unique<Regex>(source, where);
}

}  // namespace roost::text

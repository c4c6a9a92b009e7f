#include "text/steps/precompiled_charsmap.h"

#include <algorithm>

#include "text/unicode/characters.h"

namespace roost::text {
namespace {

constexpr std::size_t kLongestRule = 128;  // bytes; real ones have fewer than 32

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// A unit: bits 0-7 the label, 8 whether a value hangs on it, 9 whether the offset is large, 10 and
// up the offset; or, with bit 31, a value.
std::uint32_t offset_of(std::uint32_t unit) {
  return (unit >> 10) << ((unit & 0x200u) >> 6);
}
std::uint32_t label_of(std::uint32_t unit) {
  return unit & 0x800000FFu;
}
bool has_value(std::uint32_t unit) {
  return (unit & 0x100u) != 0;
}
std::uint32_t value_of(std::uint32_t unit) {
  return unit & 0x7FFFFFFFu;
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

std::optional<PrecompiledCharsmap> PrecompiledCharsmap::parse(std::string_view bytes) {
  if (bytes.size() < 4) return std::nullopt;
  const std::uint32_t size = little_endian(bytes);
  bytes.remove_prefix(4);
  if (size > bytes.size() || size % 4 != 0 || size == 0) return std::nullopt;
  PrecompiledCharsmap map;
  map.units_.reserve(size / 4);
  for (std::size_t i = 0; i < size; i += 4) {
    map.units_.push_back(little_endian(bytes.substr(i, 4)));
  }
  map.replacements_ = bytes.substr(size);
  if (!is_valid_utf8(map.replacements_)) return std::nullopt;
  return map;
}

std::optional<std::string_view> PrecompiledCharsmap::replacement_at(std::uint32_t place) const {
  if (place >= replacements_.size()) return std::nullopt;
  const bool inside = (static_cast<unsigned char>(replacements_[place]) & 0xC0u) == 0x80;
  if (inside) return std::nullopt;
  const std::size_t end = std::min(replacements_.find('\0', place), replacements_.size());
  return std::string_view(replacements_).substr(place, end - place);
}

std::optional<PrecompiledCharsmap::Match> PrecompiledCharsmap::longest_match(
    std::string_view text) const {
  std::optional<Match> best;
  std::uint32_t node = offset_of(units_.front());
  const std::size_t most = std::min(text.size(), kLongestRule);
  for (std::size_t i = 0; i < most; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || label_of(units_[node]) != byte) break;
    const std::uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!has_value(unit) || node >= units_.size()) continue;
    const bool whole_character =
        i + 1 == text.size() || (static_cast<unsigned char>(text[i + 1]) & 0xC0u) != 0x80;
    const auto replacement = replacement_at(value_of(units_[node]));
    if (whole_character && replacement) best = Match{i + 1, *replacement};
  }
  return best;
}

void PrecompiledCharsmap::apply(AlignedText& text) const {
  Rewriter out(text);
  while (!out.done()) {
    const std::string_view rest = out.rest();
    if (const auto match = longest_match(rest)) {
      out.replace(match->size, match->replacement);
    } else {
      out.keep(character_at(rest, 0).size);
    }
  }
  out.finish();
}

std::optional<std::string> from_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xFFu);
    }
  }
  return bytes;
}

}  // namespace roost::text

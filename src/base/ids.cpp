#include "roost/ids.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "roost/error.h"

namespace roost {
namespace {

constexpr std::size_t kPrintableBytes = 80;

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_id_char(char c) {
  return is_alnum(c) || std::string_view("._:/@+-").find(c) != std::string_view::npos;
}

[[noreturn]] void reject(std::string_view id, const std::string& why) {
  throw RoostError(ErrorCode::InvalidModelId, "model id '" + printable(id) + "': " + why);
}

// Neither a stray byte, nor a control character, nor one that turns the direction of what follows.
bool is_safe(std::string_view character) {
  if (is_stray_byte(character)) return false;
  std::size_t at = 0;
  const char32_t code = next_code_point(character, at);
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool turns = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return !control && !turns && code != 0x2028 && code != 0x2029;
}

// Of insertions, removals, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

// A part that is long enough to be meant for the whole is as near as can be.
std::optional<std::size_t> nearness(std::string_view wanted, std::string_view candidate) {
  const bool is_part = wanted.size() >= 3 && candidate.size() <= 3 * wanted.size() &&
                       candidate.find(wanted) != std::string_view::npos;
  if (is_part) return 0;
  const std::size_t longer = std::max(wanted.size(), candidate.size());
  const std::size_t distance = edit_distance(wanted, candidate);
  if (distance > std::max<std::size_t>(1, longer / 3) || distance == longer) return std::nullopt;
  return distance;
}

}  // namespace

void check_model_id(std::string_view id) {
  if (id.empty()) throw RoostError(ErrorCode::InvalidModelId, "model id is empty");
  if (id.size() > kMaxIdBytes) {
    reject(id, std::to_string(id.size()) + " bytes, at most " + std::to_string(kMaxIdBytes) +
                   " are allowed");
  }
  const auto bad = std::find_if_not(id.begin(), id.end(), is_id_char);
  if (bad != id.end()) {
    reject(id, "byte " + std::to_string(bad - id.begin()) + " ('" +
                   printable(std::string_view(&*bad, 1)) +
                   "') is not a letter, a digit or one of . _ : / @ + -");
  }
  if (!is_alnum(id.front()) && id.front() != '_') {
    reject(id, "must start with a letter, a digit or '_'");
  }
  std::size_t begin = 0;
  while (begin <= id.size()) {
    const std::size_t end = std::min(id.find('/', begin), id.size());
    const std::string_view part = id.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") {
      reject(id, "has an empty, '.' or '..' part between slashes");
    }
    begin = end + 1;
  }
}

void check_text(std::string_view what, std::string_view text, std::size_t max_bytes) {
  const std::string name(what);
  if (text.empty()) throw RoostError(ErrorCode::InvalidArgument, name + " is empty");
  if (text.size() > max_bytes) {
    throw RoostError(ErrorCode::InvalidArgument, name + " has " + std::to_string(text.size()) +
                                                     " bytes, at most " +
                                                     std::to_string(max_bytes) + " are allowed");
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) {
      throw RoostError(ErrorCode::InvalidArgument,
                       name + " '" + printable(text) + "' has a control byte at " +
                           std::to_string(i));
    }
  }
}

std::string printable(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view character = take_character(rest);
    if (character.data() + character.size() > text.data() + kPrintableBytes) return out + "...";
    if (is_safe(character)) {
      out += character;
      continue;
    }
    for (const char c : character) {
      const auto byte = static_cast<unsigned char>(c);
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& candidates) {
  const std::string low = lower_ascii(wanted.substr(0, kMaxIdBytes));
  std::vector<std::pair<std::size_t, std::string>> scored;
  for (const std::string& candidate : candidates) {
    if (const auto near = nearness(low, lower_ascii(candidate))) {
      scored.emplace_back(*near, candidate);
    }
  }
  std::sort(scored.begin(), scored.end());
  std::vector<std::string> best;
  for (std::size_t i = 0; i < scored.size() && best.size() < 3; ++i) best.push_back(scored[i].second);
  return best;
}

}  // namespace roost

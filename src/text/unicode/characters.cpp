#include "text/unicode/characters.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>

#include "base/utf8.h"

namespace roost::text {
namespace {

constexpr std::size_t kCategories = 30;

constexpr std::array<std::uint8_t, kCategories> kClassOfCategory = [] {
  std::array<std::uint8_t, kCategories> classes{};
  for (const int letter : {UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LL, UTF8PROC_CATEGORY_LT,
                           UTF8PROC_CATEGORY_LM, UTF8PROC_CATEGORY_LO}) {
    classes[static_cast<std::size_t>(letter)] = kLetter | kWord;
  }
  classes[UTF8PROC_CATEGORY_MN] = kMark | kNonspacing | kWord;
  classes[UTF8PROC_CATEGORY_MC] = kMark | kWord;
  classes[UTF8PROC_CATEGORY_ME] = kMark | kWord;
  classes[UTF8PROC_CATEGORY_ND] = kNumber | kWord;
  classes[UTF8PROC_CATEGORY_NL] = kNumber | kWord;
  classes[UTF8PROC_CATEGORY_NO] = kNumber;
  for (const int mark : {UTF8PROC_CATEGORY_PD, UTF8PROC_CATEGORY_PS, UTF8PROC_CATEGORY_PE,
                         UTF8PROC_CATEGORY_PI, UTF8PROC_CATEGORY_PF, UTF8PROC_CATEGORY_PO}) {
    classes[static_cast<std::size_t>(mark)] = kPunctuation;
  }
  classes[UTF8PROC_CATEGORY_PC] = kPunctuation | kWord;
  classes[UTF8PROC_CATEGORY_CC] = kInvisible;
  classes[UTF8PROC_CATEGORY_CF] = kInvisible;
  classes[UTF8PROC_CATEGORY_CO] = kInvisible;
  classes[UTF8PROC_CATEGORY_CS] = kInvisible;
  return classes;
}();

bool is_space_beyond_ascii(char32_t c) {
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Alphabetic symbols, and the two joiners.
bool is_other_word(char32_t c) {
  return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
         (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189) || c == 0x200C ||
         c == 0x200D;
}

std::uint8_t look_up(char32_t code) {
  const auto category =
      static_cast<std::size_t>(utf8proc_category(static_cast<utf8proc_int32_t>(code)));
  std::uint8_t classes = kClassOfCategory[category];
  if (is_space_beyond_ascii(code)) classes |= kSpace;
  if (is_other_word(code)) classes |= kWord;
  return classes;
}

constexpr char32_t kBasicPlane = 0x10000;

// The bytes of the maximal part of an ill-formed sequence that starts here.
std::size_t ill_formed_size(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned first = byte(0);
  if (first < 0xC2 || first > 0xF4) return 1;
  const std::size_t full = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  std::size_t size = 1;
  while (size < full && size < bytes.size()) {
    const bool fits = size == 1 ? byte(1) >= low && byte(1) <= high : (byte(size) & 0xC0u) == 0x80;
    if (!fits) break;
    ++size;
  }
  return size;
}

}  // namespace

std::uint8_t class_beyond_ascii(char32_t code) {
  static const auto basic_plane = [] {
    std::array<std::uint8_t, kBasicPlane> classes{};
    for (char32_t c = 0; c < kBasicPlane; ++c) classes[c] = look_up(c);
    return classes;
  }();
  return code < kBasicPlane ? basic_plane[code] : look_up(code);
}

bool is_cjk_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

std::u32string_view lower(char32_t code, std::array<char32_t, 2>& storage) {
  constexpr char32_t kCapitalDottedI = 0x130, kDotAbove = 0x307;
  if (code == kCapitalDottedI) {
    storage = {U'i', kDotAbove};
    return {storage.data(), 2};
  }
  storage[0] = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
  return {storage.data(), 1};
}

void append_utf8(std::string& out, char32_t code) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
}

bool is_valid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const std::size_t before = at;
    if (next_code_point(text, at) == 0xFFFD && at == before + 1) return false;
  }
  return true;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0u) != 0x80;
  }));
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string valid;
  valid.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t next = at;
    if (next_code_point(bytes, next) == 0xFFFD && next == at + 1) {
      valid += "\xEF\xBF\xBD";
      at += ill_formed_size(bytes.substr(at));
    } else {
      valid.append(bytes, at, next - at);
      at = next;
    }
  }
  return valid;
}

}  // namespace roost::text

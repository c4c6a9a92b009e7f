#include "backend/builtin/unicode.h"

#include <algorithm>
#include <array>
#include <span>

namespace roost::backend {
namespace {

struct Range {
  char32_t first, last;
};

// Beyond ASCII everything is a letter but these: punctuation, spaces, symbols.
constexpr std::array kSeparators = {
    Range{0x80, 0xA9},     Range{0xAB, 0xB1},     Range{0xB4, 0xB4},     Range{0xB6, 0xB8},
    Range{0xBB, 0xBF},     Range{0xD7, 0xD7},     Range{0xF7, 0xF7},     Range{0x2B9, 0x2DF},
    Range{0x37E, 0x37E},   Range{0x387, 0x387},   Range{0x55A, 0x55F},   Range{0x589, 0x58A},
    Range{0x5BE, 0x5BE},   Range{0x5C0, 0x5C0},   Range{0x5C3, 0x5C3},   Range{0x5F3, 0x5F4},
    Range{0x60C, 0x60D},   Range{0x61B, 0x61F},   Range{0x66A, 0x66D},   Range{0x6D4, 0x6D4},
    Range{0x964, 0x965},   Range{0xE3F, 0xE3F},   Range{0xE5A, 0xE5B},   Range{0x1680, 0x1680},
    Range{0x2000, 0x2BFF}, Range{0x2E00, 0x2E7F}, Range{0x3000, 0x3004}, Range{0x3008, 0x3030},
    Range{0x303D, 0x303F}, Range{0x30A0, 0x30A0}, Range{0x30FB, 0x30FB}, Range{0xE000, 0xF8FF},
    Range{0xFE10, 0xFE1F}, Range{0xFE30, 0xFE6F}, Range{0xFEFF, 0xFF0F}, Range{0xFF1A, 0xFF20},
    Range{0xFF3B, 0xFF40}, Range{0xFF5B, 0xFF65}, Range{0xFFE0, 0xFFFC}};

constexpr std::array kIdeographs = {
    Range{0x3005, 0x3007}, Range{0x3041, 0x30FF},   Range{0x31F0, 0x31FF},
    Range{0x3400, 0x4DBF}, Range{0x4E00, 0x9FFF},   Range{0xF900, 0xFAFF},
    Range{0xFF66, 0xFF9D}, Range{0x1F000, 0x1FAFF}, Range{0x20000, 0x3FFFD}};

template <std::size_t kSize>
constexpr bool in_order(const std::array<Range, kSize>& ranges) {
  for (std::size_t i = 0; i + 1 < kSize; ++i) {
    if (ranges[i].last >= ranges[i + 1].first) return false;
  }
  return true;
}
static_assert(in_order(kSeparators) && in_order(kIdeographs), "looked up by binary search");

bool contains(std::span<const Range> ranges, char32_t code) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](char32_t c, const Range& range) { return c < range.first; });
  return after != ranges.begin() && code <= std::prev(after)->last;
}

// Capitals: `step` is what to add; 0 marks a run in which capital and small letter alternate.
struct Capitals {
  char32_t first, last;
  std::int32_t step;
};

constexpr std::array kCapitals = {Capitals{0xC0, 0xD6, 32},
                                  Capitals{0xD8, 0xDE, 32},
                                  Capitals{0x100, 0x12F, 0},
                                  Capitals{0x130, 0x130, 'i' - 0x130},
                                  Capitals{0x132, 0x137, 0},
                                  Capitals{0x139, 0x148, 0},
                                  Capitals{0x14A, 0x177, 0},
                                  Capitals{0x178, 0x178, -121},
                                  Capitals{0x179, 0x17E, 0},
                                  Capitals{0x386, 0x386, 38},
                                  Capitals{0x388, 0x38A, 37},
                                  Capitals{0x38C, 0x38C, 64},
                                  Capitals{0x38E, 0x38F, 63},
                                  Capitals{0x391, 0x3AB, 32},
                                  Capitals{0x3C2, 0x3C2, 1},
                                  Capitals{0x400, 0x400, 80},
                                  Capitals{0x401, 0x401, 0x435 - 0x401},
                                  Capitals{0x402, 0x40F, 80},
                                  Capitals{0x410, 0x42F, 32},
                                  Capitals{0x451, 0x451, 0x435 - 0x451},
                                  Capitals{0x460, 0x481, 0},
                                  Capitals{0x48A, 0x4BF, 0},
                                  Capitals{0x4C1, 0x4CE, 0},
                                  Capitals{0x4D0, 0x52F, 0},
                                  Capitals{0x1E00, 0x1E95, 0},
                                  Capitals{0x1EA0, 0x1EFF, 0}};

}  // namespace

char32_t fold_case(char32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  if (code > kCapitals.back().last) return code;
  for (const Capitals& run : kCapitals) {
    if (code < run.first) return code;
    if (code > run.last) continue;
    if (run.step == 0) return (code - run.first) % 2 == 0 ? code + 1 : code;
    return static_cast<char32_t>(static_cast<std::int32_t>(code) + run.step);
  }
  return code;
}

CharacterKind character_kind(char32_t code) {
  if (code < 0x80) {
    const char32_t small = code | 0x20;
    const bool letter = (small >= 'a' && small <= 'z') || (code >= '0' && code <= '9');
    return letter ? CharacterKind::Letter : CharacterKind::Separator;
  }
  if (contains(kSeparators, code)) return CharacterKind::Separator;
  return contains(kIdeographs, code) ? CharacterKind::Ideograph : CharacterKind::Letter;
}

}  // namespace roost::backend

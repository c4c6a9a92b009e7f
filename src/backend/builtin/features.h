#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "roost/backend.h"

namespace roost::backend {

inline constexpr std::size_t kMaxTextBytes = 1u << 20;

// A pair of texts is one sequence; this says which of the two a feature belongs to.
enum class Segment : std::uint8_t { First, Second };

// Appends the features of `text`: for each word the word itself, and its 3- to 5-grams with the
// word's ends marked. A feature is a row of the table (`ids`) and its kind (`types`), from which
// its weight follows. A text without any word gets the one feature of "<empty>".
// Takes linear time and at most 3 features per byte; the text is at most kMaxTextBytes.
void append_features(std::string_view text, Segment segment, std::uint32_t rows, Sequence& to);

// The kinds are 0 .. kFeatureKinds - 1 in the low bits of a type, the segment stands above them.
inline constexpr std::uint32_t kFeatureKinds = 128;
constexpr std::uint32_t kind_of(std::uint32_t type) {
  return type % kFeatureKinds;
}
constexpr std::uint32_t segment_of(std::uint32_t type) {
  return type / kFeatureKinds;
}

// Long words count more than short ones and common words hardly at all, as rarity would have it.
// Each n-gram counts less than its word; those at the start, where the stem is, count more than
// those at the end, which many words share.
const std::array<float, kFeatureKinds>& kind_weights();

}  // namespace roost::backend

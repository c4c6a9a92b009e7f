#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/steps/normalizers.h"

namespace roost::text {

// sentencepiece's normalization rules: a double array of what is replaced, and the texts that take
// its place. At each character the longest rule counts.
class PrecompiledCharsmap final : public Normalizer {
 public:
  // nullopt when the bytes are no such map.
  static std::optional<PrecompiledCharsmap> parse(std::string_view bytes);

  void apply(AlignedText& text) const override;

 private:
  struct Match {
    std::size_t size;
    std::string_view replacement;
  };
  std::optional<Match> longest_match(std::string_view text) const;
  std::optional<std::string_view> replacement_at(std::uint32_t place) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;  // each ends in a zero byte
};

// nullopt when it is not base64.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace roost::text

#include "backend/checksum.h"

#include <array>
#include <bit>
#include <cstring>

namespace roost::backend {
namespace {

constexpr std::uint64_t kFirst = 0x9E3779B185EBCA87;   // odd, bits well spread
constexpr std::uint64_t kSecond = 0xC2B2AE3D27D4EB4F;  // likewise

std::uint64_t mix_in(std::uint64_t state, std::uint64_t word) {
  return std::rotl(state + word * kSecond, 31) * kFirst;
}

std::uint64_t word_at(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  return word;
}

}  // namespace

std::uint64_t checksum(std::span<const std::byte> bytes) {
  std::array<std::uint64_t, 4> lanes = {kFirst, kSecond, ~kFirst, ~kSecond};
  std::size_t at = 0;
  for (; bytes.size() - at >= 32; at += 32) {
    for (std::size_t lane = 0; lane < 4; ++lane) {
      lanes[lane] = mix_in(lanes[lane], word_at(bytes, at + 8 * lane));
    }
  }
  std::uint64_t state = bytes.size();
  for (const std::uint64_t lane : lanes) state = mix_in(state, lane);
  for (; bytes.size() - at >= 8; at += 8) state = mix_in(state, word_at(bytes, at));
  for (; at < bytes.size(); ++at) state = mix_in(state, std::to_integer<std::uint64_t>(bytes[at]));
  state ^= state >> 32;
  state *= kSecond;
  return state ^ state >> 29;
}

}  // namespace roost::backend

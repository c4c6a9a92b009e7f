#pragma once

#include <cstdint>
#include <optional>

namespace roost {

// Arithmetic on sizes that came from outside. nullopt means the result does not fit.
constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

constexpr std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

// The next multiple of `alignment`, which must be a power of two.
constexpr std::optional<std::uint64_t> checked_align_up(std::uint64_t a, std::uint64_t alignment) {
  const auto raised = checked_add(a, alignment - 1);
  if (!raised) return std::nullopt;
  return *raised & ~(alignment - 1);
}

}  // namespace roost

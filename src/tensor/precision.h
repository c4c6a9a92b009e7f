#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace roost::tensor {

// What weights and the inputs of matrix products are stored in. Sums are always f32.
enum class Precision : std::uint8_t { F32, Bf16 };
std::string_view to_string(Precision precision);  // "f32", "bf16"
std::optional<Precision> parse_precision(std::string_view name);

constexpr std::size_t bytes_of(Precision precision) {
  return precision == Precision::F32 ? 4 : 2;
}

// What this processor multiplies fastest: Bf16 where it does so natively.
Precision fastest_precision();

}  // namespace roost::tensor

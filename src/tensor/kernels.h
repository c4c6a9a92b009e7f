#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tensor/precision.h"

namespace roost::tensor {

enum class Activation : std::uint8_t { Gelu, GeluTanh, Relu, Silu };
std::optional<Activation> parse_activation(std::string_view name);  // as config.json calls them

// Numbers of a precision from and to f32; bf16 is rounded to nearest even.
void store(Precision precision, const float* from, std::size_t count, void* to);
void load(Precision precision, const void* from, std::size_t count, float* to);

void add(float* to, const float* from, std::size_t count);
void activate(Activation activation, float* values, std::size_t count);

// Row by row in place: to mean 0 and variance 1, then scaled and shifted.
struct LayerNorm {
  const float* scale = nullptr;
  const float* shift = nullptr;  // null: none
  float epsilon = 1e-12f;
};
void normalise(const LayerNorm& norm, float* rows, std::size_t count, std::size_t width);

float dot(const float* a, const float* b, std::size_t count);

}  // namespace roost::tensor

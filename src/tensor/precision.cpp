#include "tensor/precision.h"

namespace roost::tensor {

std::string_view to_string(Precision precision) {
  return precision == Precision::F32 ? "f32" : "bf16";
}

std::optional<Precision> parse_precision(std::string_view name) {
  for (const Precision precision : {Precision::F32, Precision::Bf16}) {
    if (name == to_string(precision)) return precision;
  }
  return std::nullopt;
}

Precision fastest_precision() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) return Precision::Bf16;
#endif
  return Precision::F32;
}

}  // namespace roost::tensor

#include "tensor/kernels.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tensor/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace roost::tensor {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

// Calls `whole` for every full vector and `rest` with what is left over.
template <class Whole, class Rest>
void for_vectors(std::size_t count, const Whole& whole, const Rest& rest) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) whole(i);
  if (i < count) rest(i, count - i);
}

// values[i] = f(values[i]) for vectors, the last one filled up with zeros.
template <class F>
void map(float* values, std::size_t count, const F& f) {
  const Floats d;
  for_vectors(
      count, [&](std::size_t i) { hn::StoreU(f(hn::LoadU(d, values + i)), d, values + i); },
      [&](std::size_t i, std::size_t rest) {
        HWY_ALIGN float last[HWY_MAX_BYTES / sizeof(float)] = {};
        for (std::size_t k = 0; k < rest; ++k) last[k] = values[i + k];
        hn::Store(f(hn::Load(d, last)), d, last);
        for (std::size_t k = 0; k < rest; ++k) values[i + k] = last[k];
      });
}

// Half the unit in the last place that stays, rounded to even, then cut.
std::uint16_t round_one(float value) {
  std::uint32_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

void StoreBf16(const float* from, std::size_t count, std::uint16_t* to) {
  const Floats d;
  const hn::RebindToUnsigned<Floats> bits;
  const hn::Rebind<std::uint16_t, Floats> half;
  const auto one = hn::Set(bits, 1u), below_half = hn::Set(bits, 0x7FFFu);
  for_vectors(
      count,
      [&](std::size_t i) {
        const auto raw = hn::BitCast(bits, hn::LoadU(d, from + i));
        const auto odd = hn::And(hn::ShiftRight<16>(raw), one);
        const auto rounded = hn::ShiftRight<16>(hn::Add(raw, hn::Add(below_half, odd)));
        hn::StoreU(hn::TruncateTo(half, rounded), half, to + i);
      },
      [&](std::size_t i, std::size_t rest) {
        for (std::size_t k = i; k < i + rest; ++k) to[k] = round_one(from[k]);
      });
}

void LoadBf16(const std::uint16_t* from, std::size_t count, float* to) {
  const Floats d;
  const hn::RebindToUnsigned<Floats> bits;
  const hn::Rebind<std::uint16_t, Floats> half;
  for_vectors(
      count,
      [&](std::size_t i) {
        const auto wide = hn::PromoteTo(bits, hn::LoadU(half, from + i));
        hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(wide)), d, to + i);
      },
      [&](std::size_t i, std::size_t rest) {
        for (std::size_t k = i; k < i + rest; ++k) {
          const std::uint32_t raw = std::uint32_t{from[k]} << 16;
          __builtin_memcpy(to + k, &raw, sizeof raw);
        }
      });
}

void Add(float* to, const float* from, std::size_t count) {
  const Floats d;
  for_vectors(
      count,
      [&](std::size_t i) {
        hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, from + i)), d, to + i);
      },
      [&](std::size_t i, std::size_t rest) {
        for (std::size_t k = i; k < i + rest; ++k) to[k] += from[k];
      });
}

float Dot(const float* a, const float* b, std::size_t count) {
  const Floats d;
  Vec sums = hn::Zero(d);
  float tail = 0;
  for_vectors(
      count,
      [&](std::size_t i) { sums = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sums); },
      [&](std::size_t i, std::size_t rest) {
        for (std::size_t k = i; k < i + rest; ++k) tail += a[k] * b[k];
      });
  return hn::GetLane(hn::SumOfLanes(d, sums)) + tail;
}

// 1 - erf(|x| / sqrt 2) by Abramowitz and Stegun 7.1.26, within 1.5e-7.
Vec erfc_of_half_square(Vec x) {
  const Floats d;
  const Vec z = hn::Mul(hn::Abs(x), hn::Set(d, 0.70710678f));
  const Vec t = hn::Div(hn::Set(d, 1.0f), hn::MulAdd(z, hn::Set(d, 0.3275911f), hn::Set(d, 1.0f)));
  Vec sum = hn::Set(d, 1.061405429f);
  for (const float c : {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f}) {
    sum = hn::MulAdd(sum, t, hn::Set(d, c));
  }
  const Vec decay = hn::Exp(d, hn::Neg(hn::Mul(z, z)));
  return hn::Mul(hn::Mul(sum, t), decay);
}

struct Gelu {
  Vec operator()(Vec x) const {
    const Floats d;
    const Vec outside = hn::Mul(erfc_of_half_square(x), hn::Set(d, 0.5f));
    const Vec inside = hn::Sub(hn::Set(d, 1.0f), outside);
    return hn::Mul(x, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), outside, inside));
  }
};

Vec sigmoid(Vec x) {
  const Floats d;
  const Vec one = hn::Set(d, 1.0f);
  // Beyond 88 exp() overflows; the order of the two lets what is no number through.
  const Vec power = hn::Min(hn::Set(d, 88.0f), hn::Neg(x));
  return hn::Div(one, hn::Add(one, hn::Exp(d, power)));
}

struct Silu {
  Vec operator()(Vec x) const { return hn::Mul(x, sigmoid(x)); }
};

// (1 + tanh y) / 2 is the sigmoid of 2 y.
struct GeluTanh {
  Vec operator()(Vec x) const {
    const Floats d;
    const Vec cube = hn::Mul(hn::Mul(x, x), x);
    const Vec y = hn::MulAdd(cube, hn::Set(d, 0.044715f), x);
    return hn::Mul(x, sigmoid(hn::Mul(y, hn::Set(d, 1.5957691216f))));
  }
};

struct Relu {
  Vec operator()(Vec x) const { return hn::Max(x, hn::Zero(Floats())); }
};

void Activate(Activation activation, float* values, std::size_t count) {
  switch (activation) {
    case Activation::Gelu:
      return map(values, count, Gelu());
    case Activation::GeluTanh:
      return map(values, count, GeluTanh());
    case Activation::Relu:
      return map(values, count, Relu());
    case Activation::Silu:
      return map(values, count, Silu());
  }
}

float sum_of_squares_around(const float* row, std::size_t width, float mean) {
  const Floats d;
  const Vec middle = hn::Set(d, mean);
  Vec sums = hn::Zero(d);
  float tail = 0;
  for_vectors(
      width,
      [&](std::size_t i) {
        const Vec off = hn::Sub(hn::LoadU(d, row + i), middle);
        sums = hn::MulAdd(off, off, sums);
      },
      [&](std::size_t i, std::size_t rest) {
        for (std::size_t k = i; k < i + rest; ++k) tail += (row[k] - mean) * (row[k] - mean);
      });
  return hn::GetLane(hn::SumOfLanes(d, sums)) + tail;
}

float sum_of(const float* row, std::size_t width) {
  const Floats d;
  Vec sums = hn::Zero(d);
  float tail = 0;
  for_vectors(
      width, [&](std::size_t i) { sums = hn::Add(sums, hn::LoadU(d, row + i)); },
      [&](std::size_t i, std::size_t rest) {
        for (std::size_t k = i; k < i + rest; ++k) tail += row[k];
      });
  return hn::GetLane(hn::SumOfLanes(d, sums)) + tail;
}

void normalise_row(const LayerNorm& norm, float* row, std::size_t width) {
  const Floats d;
  const float mean = sum_of(row, width) / static_cast<float>(width);
  const float variance = sum_of_squares_around(row, width, mean) / static_cast<float>(width);
  const float factor = 1 / std::sqrt(variance + norm.epsilon);
  const Vec middle = hn::Set(d, mean), by = hn::Set(d, factor);
  for_vectors(
      width,
      [&](std::size_t i) {
        const Vec unit = hn::Mul(hn::Sub(hn::LoadU(d, row + i), middle), by);
        const Vec scaled = hn::Mul(unit, hn::LoadU(d, norm.scale + i));
        const Vec shift = norm.shift ? hn::LoadU(d, norm.shift + i) : hn::Zero(d);
        hn::StoreU(hn::Add(scaled, shift), d, row + i);
      },
      [&](std::size_t i, std::size_t rest) {
        for (std::size_t k = i; k < i + rest; ++k) {
          const float shift = norm.shift ? norm.shift[k] : 0;
          row[k] = (row[k] - mean) * factor * norm.scale[k] + shift;
        }
      });
}

void Normalise(const LayerNorm& norm, float* rows, std::size_t count, std::size_t width) {
  for (std::size_t i = 0; i < count; ++i) normalise_row(norm, rows + i * width, width);
}

}  // namespace HWY_NAMESPACE
}  // namespace roost::tensor
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace roost::tensor {

HWY_EXPORT(StoreBf16);
HWY_EXPORT(LoadBf16);
HWY_EXPORT(Add);
HWY_EXPORT(Dot);
HWY_EXPORT(Activate);
HWY_EXPORT(Normalise);

std::optional<Activation> parse_activation(std::string_view name) {
  if (name == "gelu") return Activation::Gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") {
    return Activation::GeluTanh;
  }
  if (name == "relu") return Activation::Relu;
  if (name == "silu" || name == "swish") return Activation::Silu;
  return std::nullopt;
}

void store(Precision precision, const float* from, std::size_t count, void* to) {
  if (precision == Precision::F32) {
    if (to != from) __builtin_memmove(to, from, count * sizeof(float));
    return;
  }
  HWY_DYNAMIC_DISPATCH(StoreBf16)(from, count, static_cast<std::uint16_t*>(to));
}

void load(Precision precision, const void* from, std::size_t count, float* to) {
  if (precision == Precision::F32) {
    if (to != from) __builtin_memmove(to, from, count * sizeof(float));
    return;
  }
  HWY_DYNAMIC_DISPATCH(LoadBf16)(static_cast<const std::uint16_t*>(from), count, to);
}

void add(float* to, const float* from, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(Add)(to, from, count);
}

void activate(Activation activation, float* values, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(Activate)(activation, values, count);
}

void normalise(const LayerNorm& norm, float* rows, std::size_t count, std::size_t width) {
  HWY_DYNAMIC_DISPATCH(Normalise)(norm, rows, count, width);
}

float dot(const float* a, const float* b, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(Dot)(a, b, count);
}

}  // namespace roost::tensor
#endif

#include "formats/gguf_blocks.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "roost/error.h"

namespace roost::formats {
namespace {

unsigned byte_at(const std::byte* bytes, std::size_t i) {
  return static_cast<unsigned>(bytes[i]);
}

float signed_at(const std::byte* bytes, std::size_t i) {
  return static_cast<float>(static_cast<std::int8_t>(bytes[i]));
}

std::uint16_t u16_at(const std::byte* bytes) {
  return static_cast<std::uint16_t>(byte_at(bytes, 0) | byte_at(bytes, 1) << 8);
}

float half_at(const std::byte* bytes) {
  return half_to_float(u16_at(bytes));
}

float minus(unsigned bits, int zero) {
  return static_cast<float>(static_cast<int>(bits) - zero);
}

void f32(const std::byte* in, float* out) {
  std::memcpy(out, in, sizeof *out);
}

void f16(const std::byte* in, float* out) {
  *out = half_at(in);
}

void bf16(const std::byte* in, float* out) {
  *out = std::bit_cast<float>(static_cast<std::uint32_t>(u16_at(in)) << 16);
}

// Scale, then 32 signed bytes.
void q8_0(const std::byte* in, float* out) {
  const float scale = half_at(in);
  for (std::size_t i = 0; i < 32; ++i) out[i] = scale * signed_at(in + 2, i);
}

// Scale, then 16 bytes: the first half of the elements in their low nibbles, the second in the
// high.
void q4_0(const std::byte* in, float* out) {
  const float scale = half_at(in);
  for (std::size_t i = 0; i < 16; ++i) {
    const unsigned pair = byte_at(in + 2, i);
    out[i] = scale * minus(pair & 15, 8);
    out[i + 16] = scale * minus(pair >> 4, 8);
  }
}

// Eight groups of 32, each with a scale and a minimum of 6 bits. The first four of each lie in the
// low bits of bytes 0 to 7; the last four are nibbles of bytes 8 to 11 with the two high bits of
// those bytes on top.
void q4_k(const std::byte* in, float* out) {
  const float scale = half_at(in), least = half_at(in + 2);
  const std::byte* packed = in + 4;
  const std::byte* nibbles = in + 16;
  for (std::size_t group = 0; group < 8; ++group) {
    unsigned s = 0, m = 0;
    if (group < 4) {
      s = byte_at(packed, group) & 63;
      m = byte_at(packed, group + 4) & 63;
    } else {
      s = (byte_at(packed, group + 4) & 15) | byte_at(packed, group - 4) >> 6 << 4;
      m = byte_at(packed, group + 4) >> 4 | byte_at(packed, group) >> 6 << 4;
    }
    const float group_scale = scale * static_cast<float>(s);
    const float group_least = least * static_cast<float>(m);
    const unsigned shift = group % 2 == 0 ? 0 : 4;
    for (std::size_t i = 0; i < 32; ++i) {
      const unsigned value = byte_at(nibbles, group / 2 * 32 + i) >> shift & 15;
      out[group * 32 + i] = group_scale * static_cast<float>(value) - group_least;
    }
  }
}

// Sixteen groups of 16 with a signed byte for a scale. An element's 4 low bits are a nibble of the
// first 128 bytes, its 2 high bits a pair of the next 64.
void q6_k(const std::byte* in, float* out) {
  const std::byte* low = in;
  const std::byte* high = in + 128;
  const std::byte* scales = in + 192;
  const float scale = half_at(in + 208);
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t half = i / 128, quarter = i % 128 / 32, at = i % 32;
    const unsigned nibble =
        byte_at(low, half * 64 + quarter % 2 * 32 + at) >> (quarter < 2 ? 0 : 4) & 15;
    const unsigned pair = byte_at(high, half * 32 + at) >> (2 * quarter) & 3;
    out[i] = scale * signed_at(scales, i / 16) * minus(nibble | pair << 4, 32);
  }
}

using Block = void (*)(const std::byte*, float*);

Block block_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::F32:
      return f32;
    case Dtype::F16:
      return f16;
    case Dtype::BF16:
      return bf16;
    case Dtype::Q8_0:
      return q8_0;
    case Dtype::Q4_0:
      return q4_0;
    case Dtype::Q4_K:
      return q4_k;
    case Dtype::Q6_K:
      return q6_k;
    default:
      return nullptr;
  }
}

}  // namespace

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = half >> 10 & 31u, fraction = half & 1023u;
  if (exponent == 0) {
    const float small = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -small : small;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

bool can_dequantize(Dtype dtype) {
  return block_of(dtype) != nullptr;
}

void dequantize(Dtype dtype, std::span<const std::byte> blocks, std::span<float> out) {
  const Block block = block_of(dtype);
  if (block == nullptr) {
    throw RoostError(ErrorCode::Unsupported, "tensors of type " + std::string(to_string(dtype)) +
                                                 " can be listed, not loaded; quantise to Q8_0, "
                                                 "Q4_0, Q4_K or Q6_K instead");
  }
  if (byte_count(dtype, out.size()) != blocks.size()) {
    throw RoostError(ErrorCode::InvalidArgument, "blocks and elements differ in size");
  }
  const DtypeFacts& type = facts(dtype);
  for (std::size_t i = 0; i < out.size() / type.block_elements; ++i) {
    block(blocks.data() + i * type.block_bytes, out.data() + i * type.block_elements);
  }
}

}  // namespace roost::formats

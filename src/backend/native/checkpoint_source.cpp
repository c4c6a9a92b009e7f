#include "backend/native/checkpoint_source.h"

#include <bit>
#include <cstring>

#include "roost/error.h"
#include "roost/ids.h"
#include "tensor/kernels.h"

namespace roost::backend {
namespace {

using formats::Dtype;

float from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1Fu, fraction = half & 0x3FFu;
  if (exponent == 0) {  // so small that it has no leading one
    const float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t widened = exponent == 0x1F ? 0xFF : exponent + 112;
  return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}

template <class Number, class Convert>
void convert(const std::vector<std::byte>& bytes, std::span<float> to, const Convert& to_float) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    Number number;
    std::memcpy(&number, bytes.data() + i * sizeof number, sizeof number);
    to[i] = to_float(number);
  }
}

}  // namespace

std::optional<std::vector<std::uint64_t>> CheckpointSource::shape_of(
    const std::string& name) const {
  const formats::TensorInfo* tensor = checkpoint_.find(name);
  if (tensor == nullptr) return std::nullopt;
  return tensor->shape;
}

void CheckpointSource::read(const std::string& name, std::uint64_t first, std::span<float> to,
                            const std::stop_token& stop) const {
  const formats::TensorInfo* tensor = checkpoint_.find(name);
  const auto refuse = [&](const std::string& why) {
    throw RoostError(ErrorCode::BadFile, "the tensor '" + printable(name) + "' " + why);
  };
  if (tensor == nullptr) refuse("is not in the weights");
  const std::uint64_t elements = tensor->elements();
  if (first > elements || to.size() > elements - first) {
    refuse("has " + std::to_string(elements) + " numbers, and more were asked for");
  }
  const formats::File& file = files_.at(tensor->file);
  const std::size_t size = formats::facts(tensor->dtype).block_bytes;
  const std::uint64_t offset = tensor->offset + first * size;
  if (tensor->dtype == Dtype::F32) {
    return file.read_at(offset, std::as_writable_bytes(to), stop);
  }
  std::vector<std::byte> bytes(to.size() * size);
  switch (tensor->dtype) {
    case Dtype::BF16:
      file.read_at(offset, bytes, stop);
      return tensor::load(tensor::Precision::Bf16, bytes.data(), to.size(), to.data());
    case Dtype::F16:
      file.read_at(offset, bytes, stop);
      return convert<std::uint16_t>(bytes, to, from_half);
    case Dtype::F64:
      file.read_at(offset, bytes, stop);
      return convert<double>(bytes, to, [](double number) { return static_cast<float>(number); });
    default:
      refuse("holds " + std::string(to_string(tensor->dtype)) + ", not numbers to run with");
  }
}

}  // namespace roost::backend

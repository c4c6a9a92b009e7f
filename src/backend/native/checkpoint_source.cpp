#include "backend/native/checkpoint_source.h"

#include <cstring>

#include "formats/gguf_blocks.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::backend {
namespace {

using formats::Dtype;

bool is_read(Dtype dtype) {
  return dtype == Dtype::F32 || dtype == Dtype::F16 || dtype == Dtype::BF16 || dtype == Dtype::F64;
}

void narrow(std::span<const std::byte> doubles, std::span<float> to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    double number = 0;
    std::memcpy(&number, doubles.data() + i * sizeof number, sizeof number);
    to[i] = static_cast<float>(number);
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
  if (!is_read(tensor->dtype) || !tensor->contiguous) {
    refuse("holds " + std::string(to_string(tensor->dtype)) + ", not numbers to run with");
  }
  const formats::File& file = files_.at(tensor->file);
  const std::size_t size = formats::facts(tensor->dtype).block_bytes;
  const std::uint64_t offset = tensor->offset + first * size;
  if (tensor->dtype == Dtype::F32) {
    return file.read_at(offset, std::as_writable_bytes(to), stop);
  }
  std::vector<std::byte> bytes(to.size() * size);
  file.read_at(offset, bytes, stop);
  if (tensor->dtype == Dtype::F64) return narrow(bytes, to);
  formats::dequantize(tensor->dtype, bytes, to);
}

}  // namespace roost::backend

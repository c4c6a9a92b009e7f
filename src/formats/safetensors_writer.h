#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "formats/tensors.h"

namespace roost::formats {

// What is written of one tensor. Its bytes are asked for when their turn comes.
struct TensorSpec {
  std::string name;
  Dtype dtype = Dtype::F32;
  std::vector<std::uint64_t> shape = {};
};

// Takes the next bytes of a tensor; may be called any number of times.
using ByteSink = std::function<void(std::span<const std::byte>)>;
using TensorBytes = std::function<void(const TensorSpec& tensor, const ByteSink& sink)>;

// Writes a safetensors file in the format's usual order, wider types first, then by name, data
// aligned to 8 bytes. `metadata` is an object of texts. The file appears whole or not at all, under
// a temporary name beside it until its bytes are on the disk; what stood at `path` is replaced
// then. Throws InvalidArgument for what the format cannot say (before anything is written) or when
// `bytes` gives more or fewer than a tensor has, IoError when the disk refuses; what `bytes` throws
// passes through.
void write_safetensors(const std::string& path, std::vector<TensorSpec> tensors,
                       const Value& metadata, const TensorBytes& bytes);

}  // namespace roost::formats

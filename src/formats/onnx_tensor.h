#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/protobuf.h"
#include "formats/tensors.h"

namespace roost::formats {

// Where an initialiser's bytes are when they are not in the model's own file.
struct OnnxExternal {
  std::string location;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
};

struct OnnxTensor {
  TensorInfo info;  // file 0 is the model
  std::optional<OnnxExternal> external;
};

// Reads a TensorProto. Its data must be of one kind and of the size that type and shape tell.
OnnxTensor read_onnx_tensor(Proto message);

Dtype onnx_dtype(std::int64_t type);  // Unknown for texts and types this program does not know
inline constexpr std::int64_t kOnnxString = 8;

}  // namespace roost::formats

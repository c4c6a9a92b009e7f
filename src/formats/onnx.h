#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tensors.h"

namespace roost::formats {

// A dimension is a number, a name ("batch"), or neither.
struct OnnxDimension {
  std::optional<std::uint64_t> value;
  std::string name;
};

struct OnnxValue {
  std::string name;
  bool is_tensor = true;  // others (sequences, maps) have neither type nor shape here
  Dtype dtype = Dtype::Unknown;
  std::vector<OnnxDimension> shape;
};

struct OnnxModel {
  std::int64_t ir_version = 0;
  std::string producer;
  std::map<std::string, std::int64_t> opsets;      // by domain; "" is ONNX's own
  std::vector<OnnxValue> inputs, outputs;          // inputs without those that are initialisers
  std::uint64_t nodes = 0;                         // of graphs within graphs too
  std::map<std::string, std::uint64_t> operators;  // how many nodes of each type
  // Initialisers of the outermost graph. One whose elements do not lie as they are in the file
  // (varints, texts) has `contiguous` false. metadata has the model's own properties.
  Checkpoint checkpoint;
};

bool is_onnx(const File& file);

// Describes `name` of `folder`; runs nothing. External data must lie in plain files of the folder
// that have no second name, and be of just the size that type and shape tell. Throws BadFile.
OnnxModel open_onnx(const Folder& folder, std::string_view name);
OnnxModel open_onnx(const Folder& folder, const File& file);  // `file` is the model, opened before

}  // namespace roost::formats

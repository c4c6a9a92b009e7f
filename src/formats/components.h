#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "formats/tensors.h"

namespace roost::formats {

// A part of a model: "unet", "vae", "text_encoder", "transformer", "controlnet", "lora",
// "tokenizer", "scheduler", or "model" for what is a whole of its own.
struct Component {
  std::string name;  // as the folder calls it; of a single file: its kind, numbered from 2 on
  std::string kind;
  std::string class_name;  // as its configuration says; empty in single files
  std::string format;      // of its weights; empty without any
  std::uint64_t tensors = 0;
  std::uint64_t parameters = 0;
  std::uint64_t bytes = 0;
  std::map<std::string, std::uint64_t> dtypes;  // bytes of each type
};

// Adds up tensors into `component`.
void count_tensor(Component& component, const TensorInfo& tensor);

// The parts that the tensors of one checkpoint belong to, by their names; one part called "model"
// when the names tell of none.
std::vector<Component> find_components(const Checkpoint& checkpoint);

// The kind of a part by the name of its folder or its class.
std::string component_kind(std::string_view name, std::string_view class_name);

}  // namespace roost::formats

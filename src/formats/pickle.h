#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/bytes.h"
#include "formats/tensors.h"

namespace roost::formats {

// A storage that a pickle refers to: an entry of its archive.
struct PickledStorage {
  std::string key;
  Dtype dtype = Dtype::Unknown;  // U8 when it is told as bare bytes
  std::uint64_t elements = 0;
};

struct PickledTensor {
  std::string name;
  Dtype dtype = Dtype::Unknown;
  std::uint32_t storage = 0;  // in Pickled::storages
  std::uint64_t offset = 0;   // in elements
  std::vector<std::uint64_t> shape, strides;
};

// The tensors of a state dict, names of dicts within dicts joined with dots. When the outermost
// dict has a "state_dict", it is that one.
struct Pickled {
  std::vector<PickledStorage> storages;
  std::vector<PickledTensor> tensors;
  std::string root;  // "state_dict" or empty
};

// Reads a pickle by an allow-list of opcodes and of globals: enough for dicts of tensors, numbers
// and texts as PyTorch saves them. Nothing is executed, imported or looked up. Throws BadFile
// naming opcode and offset for anything else, and for what takes more memory than three times the
// pickle's size and 12 MB.
Pickled read_pickle(ByteReader& bytes);

}  // namespace roost::formats

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/tensors.h"

namespace roost::formats {

// The names that a pickle of tensors may import, and what they mean to us. Nothing is imported.
enum class PickleGlobal : std::uint8_t {
  OrderedDict,
  Size,
  Device,
  RebuildTensor,
  RebuildTensorV2,
  RebuildTensorV3,
  RebuildParameter,
  Storage,
  UntypedStorage,
  DtypeName,
};

struct PickleGlobalFacts {
  std::string_view module, name;
  PickleGlobal global;
  Dtype dtype;
};

// Its number in the table, or nullopt when it is not on the list.
std::optional<std::size_t> find_pickle_global(std::string_view module, std::string_view name);
const PickleGlobalFacts& pickle_global(std::size_t number);

// "REDUCE", or the byte in hexadecimal for an opcode that pickles do not have.
std::string_view pickle_opcode_name(int opcode);

}  // namespace roost::formats

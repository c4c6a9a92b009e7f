#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/file.h"
#include "roost/value.h"

namespace roost::formats {

inline constexpr std::size_t kMaxTensors = 1'000'000;
inline constexpr std::size_t kMaxDimensions = 64;
inline constexpr std::size_t kMaxTensorNameBytes = 4096;

// Element types of all formats. Unknown: the file names one that this program has never heard of;
// such a tensor can be listed, not loaded.
enum class Dtype : std::uint8_t {
  Unknown,
  Bool,
  U8,
  I8,
  U16,
  I16,
  U32,
  I32,
  U64,
  I64,
  F16,
  BF16,
  F32,
  F64,
  C32,
  C64,
  C128,
  F8_E5M2,
  F8_E4M3,
  F8_E8M0,
  F8_E4M3FNUZ,
  F8_E5M2FNUZ,
  F4,
  F6_E2M3,
  F6_E3M2,
  U4,
  I4,
  // GGUF's blocks
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q8_0,
  Q8_1,
  Q2_K,
  Q3_K,
  Q4_K,
  Q5_K,
  Q6_K,
  Q8_K,
  IQ2_XXS,
  IQ2_XS,
  IQ3_XXS,
  IQ1_S,
  IQ4_NL,
  IQ3_S,
  IQ2_S,
  IQ4_XS,
  IQ1_M,
  TQ1_0,
  TQ2_0,
  MXFP4,
  NVFP4,
  Q1_0,
  Q2_0,
};

// Elements come in blocks: 32 elements in 18 bytes for Q4_0, 2 in 1 for F4, 1 in 4 for F32.
struct DtypeFacts {
  Dtype dtype;
  std::string_view name;
  std::uint32_t block_elements;
  std::uint32_t block_bytes;  // 0 for Unknown
};
const DtypeFacts& facts(Dtype dtype);
inline std::string_view to_string(Dtype dtype) {
  return facts(dtype).name;
}

// Product of the dimensions, 1 of none. nullopt when it passes 64 bits.
std::optional<std::uint64_t> element_count(std::span<const std::uint64_t> shape);
// nullopt for Unknown, for elements that do not fill whole blocks, and past 64 bits.
std::optional<std::uint64_t> byte_count(Dtype dtype, std::uint64_t elements);

struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::Unknown;
  bool contiguous = true;                 // elements lie in row order, one after the other
  std::vector<std::uint64_t> shape = {};  // outermost first
  std::uint32_t file = 0;                 // in Checkpoint::files
  std::uint64_t offset = 0;               // of the first byte, in the file
  std::uint64_t bytes = 0;

  std::uint64_t elements() const { return element_count(shape).value_or(0); }
};

// "[2, 3]", for messages.
std::string shape_text(std::span<const std::uint64_t> shape);

struct TensorFile {
  std::string name;  // in the folder of the checkpoint
  std::uint64_t size = 0;
  FileIdentity identity = {};
};

enum class Format : std::uint8_t { Safetensors, Gguf, PyTorch, Onnx };
std::string_view to_string(Format format);

// What a set of weight files holds. All places were checked against the sizes of the files.
struct Checkpoint {
  Format format = Format::Safetensors;
  std::vector<TensorFile> files;
  std::vector<TensorInfo> tensors;  // sorted by name, names unique
  Value metadata = Value::Object{};

  const TensorInfo* find(std::string_view name) const;  // null when there is none
  std::uint64_t parameters() const;                     // elements of all tensors
  std::uint64_t bytes() const;                          // of all tensors
};

// Sorts by name. Throws BadFile, naming `file`, when two tensors have one name.
void sort_by_name(std::vector<TensorInfo>& tensors, std::string_view file);

// Valid UTF-8 without control bytes, at most `max_bytes` long?
bool is_tensor_name(std::string_view name, std::size_t max_bytes = kMaxTensorNameBytes);

// Throws BadFile unless is_tensor_name().
void check_tensor_name(std::string_view name, std::string_view file, std::uint64_t offset,
                       std::size_t max_bytes = kMaxTensorNameBytes);

// Opens the files of a checkpoint again, in their order, for reading tensors. Throws BadFile when
// one is no longer the file that was described.
std::vector<File> open_files(const Folder& folder, const Checkpoint& checkpoint);

}  // namespace roost::formats

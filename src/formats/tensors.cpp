#include "formats/tensors.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "formats/bytes.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr std::array kFacts = {
    DtypeFacts{Dtype::Unknown, "unknown", 1, 0},
    DtypeFacts{Dtype::Bool, "BOOL", 1, 1},
    DtypeFacts{Dtype::U8, "U8", 1, 1},
    DtypeFacts{Dtype::I8, "I8", 1, 1},
    DtypeFacts{Dtype::U16, "U16", 1, 2},
    DtypeFacts{Dtype::I16, "I16", 1, 2},
    DtypeFacts{Dtype::U32, "U32", 1, 4},
    DtypeFacts{Dtype::I32, "I32", 1, 4},
    DtypeFacts{Dtype::U64, "U64", 1, 8},
    DtypeFacts{Dtype::I64, "I64", 1, 8},
    DtypeFacts{Dtype::F16, "F16", 1, 2},
    DtypeFacts{Dtype::BF16, "BF16", 1, 2},
    DtypeFacts{Dtype::F32, "F32", 1, 4},
    DtypeFacts{Dtype::F64, "F64", 1, 8},
    DtypeFacts{Dtype::C32, "C32", 1, 4},
    DtypeFacts{Dtype::C64, "C64", 1, 8},
    DtypeFacts{Dtype::C128, "C128", 1, 16},
    DtypeFacts{Dtype::F8_E5M2, "F8_E5M2", 1, 1},
    DtypeFacts{Dtype::F8_E4M3, "F8_E4M3", 1, 1},
    DtypeFacts{Dtype::F8_E8M0, "F8_E8M0", 1, 1},
    DtypeFacts{Dtype::F8_E4M3FNUZ, "F8_E4M3FNUZ", 1, 1},
    DtypeFacts{Dtype::F8_E5M2FNUZ, "F8_E5M2FNUZ", 1, 1},
    DtypeFacts{Dtype::F4, "F4", 2, 1},
    DtypeFacts{Dtype::F6_E2M3, "F6_E2M3", 4, 3},
    DtypeFacts{Dtype::F6_E3M2, "F6_E3M2", 4, 3},
    DtypeFacts{Dtype::U4, "U4", 2, 1},
    DtypeFacts{Dtype::I4, "I4", 2, 1},
    DtypeFacts{Dtype::Q4_0, "Q4_0", 32, 18},
    DtypeFacts{Dtype::Q4_1, "Q4_1", 32, 20},
    DtypeFacts{Dtype::Q5_0, "Q5_0", 32, 22},
    DtypeFacts{Dtype::Q5_1, "Q5_1", 32, 24},
    DtypeFacts{Dtype::Q8_0, "Q8_0", 32, 34},
    DtypeFacts{Dtype::Q8_1, "Q8_1", 32, 36},
    DtypeFacts{Dtype::Q2_K, "Q2_K", 256, 84},
    DtypeFacts{Dtype::Q3_K, "Q3_K", 256, 110},
    DtypeFacts{Dtype::Q4_K, "Q4_K", 256, 144},
    DtypeFacts{Dtype::Q5_K, "Q5_K", 256, 176},
    DtypeFacts{Dtype::Q6_K, "Q6_K", 256, 210},
    DtypeFacts{Dtype::Q8_K, "Q8_K", 256, 292},
    DtypeFacts{Dtype::IQ2_XXS, "IQ2_XXS", 256, 66},
    DtypeFacts{Dtype::IQ2_XS, "IQ2_XS", 256, 74},
    DtypeFacts{Dtype::IQ3_XXS, "IQ3_XXS", 256, 98},
    DtypeFacts{Dtype::IQ1_S, "IQ1_S", 256, 50},
    DtypeFacts{Dtype::IQ4_NL, "IQ4_NL", 32, 18},
    DtypeFacts{Dtype::IQ3_S, "IQ3_S", 256, 110},
    DtypeFacts{Dtype::IQ2_S, "IQ2_S", 256, 82},
    DtypeFacts{Dtype::IQ4_XS, "IQ4_XS", 256, 136},
    DtypeFacts{Dtype::IQ1_M, "IQ1_M", 256, 56},
    DtypeFacts{Dtype::TQ1_0, "TQ1_0", 256, 54},
    DtypeFacts{Dtype::TQ2_0, "TQ2_0", 256, 66},
    DtypeFacts{Dtype::MXFP4, "MXFP4", 32, 17},
    DtypeFacts{Dtype::NVFP4, "NVFP4", 64, 36},
    DtypeFacts{Dtype::Q1_0, "Q1_0", 128, 18},
    DtypeFacts{Dtype::Q2_0, "Q2_0", 64, 18},
};

constexpr bool rows_follow_the_enum() {
  for (std::size_t i = 0; i < kFacts.size(); ++i) {
    if (static_cast<std::size_t>(kFacts[i].dtype) != i) return false;
  }
  return kFacts.size() == static_cast<std::size_t>(Dtype::Q2_0) + 1;
}
static_assert(rows_follow_the_enum(), "one row per type, in the order of the enum");

}  // namespace

const DtypeFacts& facts(Dtype dtype) {
  return kFacts[static_cast<std::size_t>(dtype)];
}

std::string_view to_string(Format format) {
  switch (format) {
    case Format::Safetensors:
      return "safetensors";
    case Format::Gguf:
      return "gguf";
    case Format::PyTorch:
      return "pytorch";
    case Format::Onnx:
      return "onnx";
  }
  return "unknown";
}

std::optional<std::uint64_t> element_count(std::span<const std::uint64_t> shape) {
  std::uint64_t count = 1;
  for (const std::uint64_t dimension : shape) {
    const auto product = checked_mul(count, dimension);
    if (!product) return std::nullopt;
    count = *product;
  }
  return count;
}

std::optional<std::uint64_t> byte_count(Dtype dtype, std::uint64_t elements) {
  const DtypeFacts& type = facts(dtype);
  if (type.block_bytes == 0 || elements % type.block_elements != 0) return std::nullopt;
  return checked_mul(elements / type.block_elements, type.block_bytes);
}

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

const TensorInfo* Checkpoint::find(std::string_view name) const {
  const auto at =
      std::lower_bound(tensors.begin(), tensors.end(), name,
                       [](const TensorInfo& t, std::string_view n) { return t.name < n; });
  return at != tensors.end() && at->name == name ? &*at : nullptr;
}

std::uint64_t Checkpoint::parameters() const {
  std::uint64_t sum = 0;
  for (const TensorInfo& tensor : tensors) {
    sum = checked_add(sum, tensor.elements()).value_or(UINT64_MAX);
  }
  return sum;
}

std::uint64_t Checkpoint::bytes() const {
  std::uint64_t sum = 0;
  for (const TensorInfo& tensor : tensors) {
    sum = checked_add(sum, tensor.bytes).value_or(UINT64_MAX);
  }
  return sum;
}

void sort_by_name(std::vector<TensorInfo>& tensors, std::string_view file) {
  const auto by_name = [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; };
  if (!std::is_sorted(tensors.begin(), tensors.end(), by_name)) {
    std::sort(tensors.begin(), tensors.end(), by_name);
  }
  const auto twin =
      std::adjacent_find(tensors.begin(), tensors.end(),
                         [](const TensorInfo& a, const TensorInfo& b) { return a.name == b.name; });
  if (twin != tensors.end())
    bad_file(file, "two tensors are called '" + printable(twin->name) + "'");
}

bool is_tensor_name(std::string_view name, std::size_t max_bytes) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return name.size() <= max_bytes && std::none_of(name.begin(), name.end(), is_control) &&
         is_utf8(name);
}

void check_tensor_name(std::string_view name, std::string_view file, std::uint64_t offset,
                       std::size_t max_bytes) {
  if (is_tensor_name(name, max_bytes)) return;
  bad_file(file, offset,
           "'" + printable(name) + "' (" + std::to_string(name.size()) +
               " bytes) is no name for a tensor: at most " + std::to_string(max_bytes) +
               " bytes of UTF-8 without control bytes");
}

std::vector<File> open_files(const Folder& folder, const Checkpoint& checkpoint) {
  std::vector<File> files;
  for (const TensorFile& described : checkpoint.files) {
    files.push_back(folder.file(described.name));
    if (files.back().identity() != described.identity) {
      bad_file(described.name, "it is no longer the file that was described; look at it again");
    }
  }
  return files;
}

}  // namespace roost::formats

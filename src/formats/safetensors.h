#pragma once

#include <string>
#include <string_view>

#include "formats/tensors.h"

namespace roost::formats {

inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;

// By content: a header length that fits the file, and '{' after it.
bool is_safetensors(const File& file);

// Describes one file. Throws BadFile for anything that departs from the format: tensors must fill
// the file from the header to its end without gap or overlap, sizes must follow from types and
// shapes, names and keys must be unique. A type this program does not know is listed as Unknown.
// Takes at most three times the header's size in memory.
Checkpoint open_safetensors(const File& file);

// `name` in `folder` is such a file, or an index ("weight_map": tensor to file) over several beside
// it, which may be PyTorch's; told by content. An index must name every tensor of its files, in the
// right file, and of safetensors their total size if it tells one.
Checkpoint open_safetensors(const Folder& folder, std::string_view name);

// The same for a path.
Checkpoint open_safetensors(const std::string& path);

// As the format spells types. nullopt for one that it does not have.
std::optional<Dtype> parse_safetensors_dtype(std::string_view name);

}  // namespace roost::formats

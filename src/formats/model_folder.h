#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/components.h"
#include "formats/config.h"
#include "formats/sentence.h"
#include "formats/tensors.h"

namespace roost::formats {

enum class FileKind : std::uint8_t { Other, Safetensors, Index, Gguf, PyTorch, Onnx };
FileKind kind_of(const File& file);  // by content, never by name

// Opens weights of any format; `name` may be an index over several files. Throws as the readers do,
// BadFile for what is no weights.
Checkpoint open_weights(const Folder& folder, std::string_view name);

// What a folder, or a file, with a model in it holds. All that was read was checked.
struct ModelFolder {
  std::string family;                        // model_type, architecture or pipeline; empty: unknown
  std::string weights;                       // name of the weights to load; empty when it has none
  std::optional<Checkpoint> checkpoint;      // of those
  std::vector<std::string> other_weights;    // the same model in other formats or types, not read
  std::optional<ModelConfig> config;         // config.json, or GGUF's metadata
  std::optional<SentenceConfig> sentence;    // modules.json and what belongs to it
  std::optional<TokenizerConfig> tokenizer;  // tokenizer_config.json
  std::vector<std::string> tokenizer_files;  // vocabularies and the like that are there
  std::vector<Component> components;         // of a pipeline or a single file; else one
  std::vector<std::string> warnings;         // code that is not run, weights that could not be read

  std::uint64_t parameters() const;
  std::uint64_t bytes() const;
};

// `path` is a folder or a file. Safetensors are preferred to PyTorch, GGUF and ONNX, a whole to its
// parts. In a pipeline of diffusers (model_index.json) each component's folder is looked at.
// Throws IoError when there is nothing, BadFile for configurations and preferred weights that are
// not what they should be; other weights are not read.
ModelFolder describe(const std::string& path, Links links = Links::None);

}  // namespace roost::formats

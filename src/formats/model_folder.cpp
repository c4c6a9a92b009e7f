#include "formats/model_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/checked.h"
#include "base/json.h"
#include "formats/bytes.h"
#include "formats/config_reader.h"
#include "formats/gguf.h"
#include "formats/onnx.h"
#include "formats/pytorch.h"
#include "formats/safetensors.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr std::size_t kMaxComponents = 64;

constexpr std::array kTokenizerFiles = {
    "tokenizer.json",          "vocab.txt",    "vocab.json",      "merges.txt",
    "sentencepiece.bpe.model", "spiece.model", "tokenizer.model", "added_tokens.json",
    "special_tokens_map.json", "bpe.codes",
};

// Does a JSON text have a "weight_map"? Only names ending in "index.json" are looked at so.
bool is_index(const File& file) {
  if (!file.name().ends_with("index.json") || file.size() == 0) return false;
  ByteReader bytes(file, 0, std::min<std::uint64_t>(file.size(), 4096));
  const std::string head = bytes.text(bytes.remaining(), 4096, "the head");
  if (head.front() != '{') return false;
  if (head.find("\"weight_map\"") != std::string::npos) return true;
  // Its metadata may come first and be long; model_index.json has a "_class_name" instead.
  return head.find("\"_class_name\"") == std::string::npos && file.size() > 4096;
}

// Smaller is preferred. Of one kind, the plain name goes before variants
// ("model.fp16.safetensors").
struct Candidate {
  FileKind kind = FileKind::Other;
  bool is_pytorch_index = false;
  std::string name;

  int rank() const {
    if (kind == FileKind::Index) return is_pytorch_index ? 2 : 0;
    if (kind == FileKind::Safetensors) return 1;
    if (kind == FileKind::PyTorch) return 3;
    return kind == FileKind::Gguf ? 4 : 5;
  }
  bool operator<(const Candidate& other) const {
    const auto dots = [](const std::string& text) {
      return std::count(text.begin(), text.end(), '.');
    };
    if (rank() != other.rank()) return rank() < other.rank();
    if (dots(name) != dots(other.name)) return dots(name) < dots(other.name);
    return name < other.name;
  }
};

std::vector<Candidate> find_weights(const Folder& folder, const std::vector<std::string>& files) {
  std::vector<Candidate> found;
  for (const std::string& name : files) {
    const auto file = folder.find(name);
    if (!file) continue;
    const FileKind kind = kind_of(*file);
    if (kind == FileKind::Other) continue;
    found.push_back({kind, name.find(".bin") != std::string::npos, name});
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<std::string> text_of(const Folder& folder, const std::string& name) {
  const auto file = folder.find(name);
  if (!file) return std::nullopt;
  return read_text(*file, kMaxConfigBytes);
}

void read_weights(const Folder& folder, const std::vector<std::string>& files, ModelFolder& out) {
  const std::vector<Candidate> found = find_weights(folder, files);
  if (found.empty()) return;
  out.weights = found.front().name;
  if (found.front().kind == FileKind::Gguf) {
    GgufFile gguf = open_gguf(folder.file(out.weights));
    if (!out.config) out.config = gguf_config(gguf);
    out.checkpoint = std::move(gguf.checkpoint);
  } else {
    out.checkpoint = open_weights(folder, out.weights);
  }
  for (const Candidate& other : found) {
    const bool is_part =
        std::any_of(out.checkpoint->files.begin(), out.checkpoint->files.end(),
                    [&](const TensorFile& file) { return file.name == other.name; });
    if (!is_part && other.name != out.weights) out.other_weights.push_back(other.name);
  }
}

void read_configs(const Folder& folder, ModelFolder& out) {
  if (const auto text = text_of(folder, "config.json")) {
    out.config = parse_config(*text, "config.json");
  }
  if (const auto text = text_of(folder, "tokenizer_config.json")) {
    out.tokenizer = parse_tokenizer_config(*text, "tokenizer_config.json");
  }
  out.sentence = read_sentence_config(folder);
  for (const char* name : kTokenizerFiles) {
    if (folder.find(name)) out.tokenizer_files.emplace_back(name);
  }
  const bool names_code =
      (out.config && out.config->names_code) || (out.tokenizer && out.tokenizer->names_code);
  if (names_code) {
    out.warnings.emplace_back("auto_map names code of its repository, which is never run");
  }
}

// The folder's configuration, whatever it is called, tells the class.
std::string class_of(const Folder& folder) {
  for (const char* name : {"config.json", "scheduler_config.json", "preprocessor_config.json"}) {
    const auto text = text_of(folder, name);
    if (!text) continue;
    const JsonDocument document =
        JsonDocument::parse(*text, name, {.max_bytes = kMaxConfigBytes, .max_depth = 64});
    const ConfigReader config(document.root());
    std::string found =
        config.text({"_class_name", "image_processor_type", "feature_extractor_type"});
    if (!found.empty()) return found;
    const auto list = config.find({"architectures"});
    if (list) list->for_each([&](JsonView one) { found = one.as_string(); });
    if (!found.empty()) return found;
  }
  return {};
}

void add_component(const Folder& pipeline, const std::string& name, const std::string& class_name,
                   ModelFolder& out) {
  const auto folder = pipeline.folder(name);
  if (!folder) {
    bad_file("model_index.json", "the folder of component '" + printable(name) + "' is missing");
  }
  Component component;
  component.name = name;
  component.class_name = class_of(*folder);
  if (component.class_name.empty()) component.class_name = class_name;
  component.kind = component_kind(name, component.class_name);
  ModelFolder part;
  read_weights(*folder, folder->files(), part);
  if (part.checkpoint) {
    component.format = to_string(part.checkpoint->format);
    for (const TensorInfo& tensor : part.checkpoint->tensors) count_tensor(component, tensor);
  }
  for (const std::string& other : part.other_weights) {
    out.other_weights.emplace_back(name).append("/").append(other);
  }
  out.components.push_back(std::move(component));
}

// {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"], ...};
// [null, null] is a part that is left out.
void read_pipeline(const Folder& folder, const std::string& text, ModelFolder& out) {
  const JsonDocument document = JsonDocument::parse(
      text, "model_index.json", {.max_bytes = kMaxConfigBytes, .max_depth = 64});
  out.family = ConfigReader(document.root()).text({"_class_name"});
  document.root().for_each_member([&](std::string_view key, JsonView value) {
    if (key.starts_with('_') || !value.is_array()) return;
    std::vector<std::string> pair;
    value.for_each([&](JsonView one) {
      if (one.is_string()) pair.emplace_back(one.as_string());
    });
    if (pair.size() != 2) return;
    if (!is_inner_name(key) || key.find('/') != std::string_view::npos) {
      value.refuse("is a component whose name is no folder");
    }
    if (out.components.size() == kMaxComponents) value.refuse("is one of more than 64 components");
    add_component(folder, std::string(key), pair[1], out);
  });
}

ModelFolder describe_folder(const Folder& folder) {
  ModelFolder out;
  if (const auto index = text_of(folder, "model_index.json")) {
    read_pipeline(folder, *index, out);
    return out;
  }
  read_configs(folder, out);
  read_weights(folder, folder.files(), out);
  return out;
}

void conclude(ModelFolder& out) {
  if (out.family.empty() && out.config) out.family = out.config->model_type;
  if (out.components.empty() && out.checkpoint) out.components = find_components(*out.checkpoint);
}

}  // namespace

FileKind kind_of(const File& file) {
  if (is_gguf(file)) return FileKind::Gguf;
  if (is_safetensors(file)) return FileKind::Safetensors;
  if (is_pytorch(file)) return FileKind::PyTorch;
  if (is_onnx(file)) return FileKind::Onnx;
  return is_index(file) ? FileKind::Index : FileKind::Other;
}

Checkpoint open_weights(const Folder& folder, std::string_view name) {
  const File file = folder.file(name);
  switch (kind_of(file)) {
    case FileKind::Gguf:
      return open_gguf(file).checkpoint;
    case FileKind::PyTorch:
      return open_pytorch(file);
    case FileKind::Onnx:
      return open_onnx(folder, name).checkpoint;
    case FileKind::Safetensors:
    case FileKind::Index:
      return open_safetensors(folder, name);
    case FileKind::Other:
      break;
  }
  bad_file(name, "neither safetensors, nor PyTorch, GGUF or ONNX, nor an index over such files");
}

std::uint64_t ModelFolder::parameters() const {
  std::uint64_t sum = 0;
  for (const Component& part : components) {
    sum = checked_add(sum, part.parameters).value_or(UINT64_MAX);
  }
  return sum;
}

std::uint64_t ModelFolder::bytes() const {
  std::uint64_t sum = 0;
  for (const Component& part : components) {
    sum = checked_add(sum, part.bytes).value_or(UINT64_MAX);
  }
  return sum;
}

ModelFolder describe(const std::string& path, Links links) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) io_error(path, errno);
  ModelFolder out;
  if (S_ISDIR(info.st_mode)) {
    out = describe_folder(Folder::open(path, links));
  } else {
    const std::size_t slash = path.find_last_of('/');
    const Folder folder =
        Folder::open(slash == std::string::npos ? "." : path.substr(0, slash + 1), links);
    const std::string name = path.substr(slash + 1);
    read_weights(folder, {name}, out);
    if (!out.checkpoint) (void)open_weights(folder, name);  // says why not
  }
  conclude(out);
  return out;
}

}  // namespace roost::formats

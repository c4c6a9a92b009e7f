#include "formats/verify.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "formats/model_folder.h"
#include "formats/pytorch.h"
#include "formats/zip.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr std::array<std::string_view, 7> kEmbeddings = {
    "word_embeddings.weight", "embed_tokens.weight", "tok_embeddings.weight",
    "token_embd.weight",      "wte.weight",          "shared.weight",
    "embeddings.weight"};
constexpr std::array<std::string_view, 5> kLayerWords = {"layer.", "layers.", "blk.", "h.",
                                                         "block."};

// Runs `work`; what it refuses is a finding.
template <class Work>
bool try_it(std::vector<Finding>& findings, const std::string& file, Work&& work) {
  try {
    work();
    return true;
  } catch (const CancelledException&) {
    throw;
  } catch (const RoostError& error) {
    const bool unsupported = error.code() == ErrorCode::Unsupported;
    findings.push_back({unsupported ? Severity::Warning : Severity::Problem, file, error.what(),
                        unsupported ? "" : "fetch it again, or ask whoever made it"});
    return false;
  }
}

// One more than the largest N of ".layer.N." in the names; nullopt without any.
std::optional<std::uint64_t> layers_of(const Checkpoint& checkpoint) {
  std::optional<std::uint64_t> layers;
  for (const TensorInfo& tensor : checkpoint.tensors) {
    for (const std::string_view word : kLayerWords) {
      const std::size_t at = tensor.name.find(word);
      if (at == std::string::npos || (at > 0 && tensor.name[at - 1] != '.')) continue;
      const char* begin = tensor.name.data() + at + word.size();
      const char* end = tensor.name.data() + tensor.name.size();
      std::uint64_t number = 0;
      const auto parsed = std::from_chars(begin, end, number);
      if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != '.') continue;
      layers = std::max(layers.value_or(0), number + 1);
    }
  }
  return layers;
}

void check_embedding(const ModelConfig& config, const TensorInfo& tensor,
                     std::vector<Finding>& findings) {
  if (tensor.shape.size() != 2) return;
  // Some add rows to reach a round number; electra's are narrower than the model.
  const bool lacks_rows = config.vocab_size && tensor.shape[0] < *config.vocab_size;
  const Value* narrow = config.raw.find("embedding_size");
  const bool other_width =
      config.hidden_size && narrow == nullptr && tensor.shape[1] != *config.hidden_size;
  if (!lacks_rows && !other_width) return;
  findings.push_back({Severity::Problem, "",
                      "tensor '" + printable(tensor.name) + "' of shape " +
                          shape_text(tensor.shape) +
                          " does not fit the configuration's vocabulary of " +
                          std::to_string(config.vocab_size.value_or(0)) + " and width of " +
                          std::to_string(config.hidden_size.value_or(0)),
                      "the configuration belongs to other weights; fetch both again"});
}

void check_config(const ModelFolder& model, std::vector<Finding>& findings) {
  if (!model.config || !model.checkpoint) return;
  const auto& tensors = model.checkpoint->tensors;
  for (const std::string_view ending : kEmbeddings) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const TensorInfo& tensor) {
      return tensor.name == ending || tensor.name.ends_with("." + std::string(ending));
    });
    if (found == tensors.end()) continue;
    check_embedding(*model.config, *found, findings);
    break;
  }
  const auto layers = layers_of(*model.checkpoint);
  // Some families share one layer's weights; some have layers beside those that the number counts.
  const bool lacks = layers && model.config->layers && *layers < *model.config->layers &&
                     model.config->model_type != "albert";
  if (lacks) {
    findings.push_back({Severity::Problem, "",
                        "the weights have " + std::to_string(*layers) +
                            " layers, the configuration " + std::to_string(*model.config->layers),
                        "the configuration belongs to other weights; fetch both again"});
  }
}

void check_whole(const ModelFolder& model, std::vector<Finding>& findings) {
  for (const std::string& warning : model.warnings) {
    findings.push_back({Severity::Note, "", warning, ""});
  }
  if (model.checkpoint) {
    for (const TensorInfo& tensor : model.checkpoint->tensors) {
      if (tensor.dtype != Dtype::Unknown && tensor.contiguous) continue;
      findings.push_back({Severity::Warning, model.weights,
                          "tensor '" + printable(tensor.name) + "' can be listed, not loaded",
                          "its type is unknown or its elements do not lie in order; convert it"});
      break;  // one tells enough
    }
  }
  const bool is_whole =
      model.config && model.checkpoint && model.checkpoint->format != Format::Gguf;
  if (is_whole && model.tokenizer_files.empty()) {
    findings.push_back({Severity::Warning, "", "no tokenizer is there",
                        "texts cannot be read without; fetch tokenizer.json too"});
  }
  check_config(model, findings);
}

void check_pytorch(const Folder& folder, const std::string& name, const std::stop_token& stop,
                   std::vector<Finding>& findings) {
  try_it(findings, name, [&] {
    const File file = folder.file(name);
    (void)open_pytorch(file);
    for (const ZipEntry& entry : read_zip(file)) check_crc(file, entry, stop);
    findings.push_back({Severity::Note, name, "a pickle; it was read without executing anything",
                        "prefer safetensors, which cannot hold code"});
  });
}

void check_others(const Folder& folder, const ModelFolder& model, const std::stop_token& stop,
                  std::vector<Finding>& findings) {
  std::vector<std::string> names = model.other_weights;
  if (model.checkpoint && model.checkpoint->format == Format::PyTorch) {
    for (const TensorFile& file : model.checkpoint->files) names.push_back(file.name);
  }
  for (const std::string& name : names) {
    if (stop.stop_requested()) throw CancelledException("verifying '" + printable(name) + "'");
    if (kind_of(folder.file(name)) == FileKind::PyTorch) {
      check_pytorch(folder, name, stop, findings);
    } else {
      try_it(findings, name, [&] { (void)open_weights(folder, name); });
    }
  }
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::Note:
      return "note";
    case Severity::Warning:
      return "warning";
    case Severity::Problem:
      return "problem";
  }
  return "unknown";
}

std::vector<Finding> verify(const std::string& path, Links links, const std::stop_token& stop) {
  std::vector<Finding> findings;
  std::optional<ModelFolder> model;
  try {
    model = describe(path, links);
  } catch (const RoostError& error) {
    if (error.code() == ErrorCode::IoError) throw;
    try_it(findings, "", [] { throw; });
    return findings;
  }
  check_whole(*model, findings);
  const bool is_folder = model->weights.empty() || !path.ends_with("/" + model->weights);
  const std::string folder = is_folder ? path : path.substr(0, path.find_last_of('/') + 1);
  check_others(Folder::open(folder, links), *model, stop, findings);
  return findings;
}

Value to_value(const std::vector<Finding>& findings) {
  Value::Array out;
  for (const Finding& finding : findings) {
    out.push_back(Value::Object{{"severity", to_string(finding.severity)},
                                {"file", finding.file},
                                {"what", finding.what},
                                {"advice", finding.advice}});
  }
  return out;
}

std::string to_text(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += std::string(to_string(finding.severity)) + ": ";
    if (!finding.file.empty()) out += printable(finding.file) + ": ";
    out += finding.what + "\n";
    if (!finding.advice.empty()) out += "  " + finding.advice + "\n";
  }
  return out.empty() ? "nothing wrong was found\n" : out;
}

}  // namespace roost::formats

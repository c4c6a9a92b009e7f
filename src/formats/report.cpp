#include "formats/report.h"

#include "roost/ids.h"

namespace roost::formats {
namespace {

Value texts(const std::vector<std::string>& list) {
  Value::Array out;
  for (const std::string& text : list) out.emplace_back(text);
  return out;
}

template <class T>
void put(Value& out, const char* key, const std::optional<T>& value) {
  if (value) out[key] = *value;
}

void put(Value& out, const char* key, const std::string& text) {
  if (!text.empty()) out[key] = text;
}

Value config_value(const ModelConfig& config) {
  Value out = Value::Object{};
  put(out, "model_type", config.model_type);
  out["architectures"] = texts(config.architectures);
  put(out, "hidden_size", config.hidden_size);
  put(out, "layers", config.layers);
  put(out, "heads", config.heads);
  put(out, "kv_heads", config.kv_heads);
  put(out, "head_dim", config.head_dim);
  put(out, "intermediate_size", config.intermediate_size);
  put(out, "vocab_size", config.vocab_size);
  put(out, "max_positions", config.max_positions);
  put(out, "norm_eps", config.norm_eps);
  put(out, "rope_theta", config.rope_theta);
  put(out, "activation", config.activation);
  put(out, "dtype", config.dtype);
  for (const auto& label : config.labels) out["labels"][std::to_string(label.first)] = label.second;
  return out;
}

Value sentence_value(const SentenceConfig& sentence) {
  Value out = Value::Object{};
  Value::Array modules, pooling;
  for (const SentenceModule& module : sentence.modules) modules.emplace_back(module.kind);
  for (const Pooling way : sentence.pooling) pooling.emplace_back(to_string(way));
  out["modules"] = std::move(modules);
  out["pooling"] = std::move(pooling);
  out["normalize"] = sentence.normalize;
  put(out, "max_seq_length", sentence.max_seq_length);
  put(out, "similarity", sentence.similarity);
  for (const auto& prompt : sentence.prompts) out["prompts"][prompt.first] = prompt.second;
  return out;
}

Value component_value(const Component& part) {
  Value out = Value::Object{{"name", part.name},
                            {"kind", part.kind},
                            {"tensors", part.tensors},
                            {"parameters", part.parameters},
                            {"bytes", part.bytes}};
  put(out, "class", part.class_name);
  put(out, "format", part.format);
  for (const auto& type : part.dtypes) out["dtypes"][type.first] = type.second;
  return out;
}

Value tensor_value(const TensorInfo& tensor, const Checkpoint& checkpoint) {
  Value::Array shape;
  for (const std::uint64_t dimension : tensor.shape) shape.emplace_back(dimension);
  return Value::Object{{"name", tensor.name},       {"dtype", to_string(tensor.dtype)},
                       {"shape", std::move(shape)}, {"file", checkpoint.files[tensor.file].name},
                       {"offset", tensor.offset},   {"bytes", tensor.bytes}};
}

// "12.3 MB", in powers of ten as disks are sold; counts likewise: "22.7 M".
std::string short_number(std::uint64_t n, const char* unit) {
  static constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T", "P", "E"};
  std::size_t power = 0;
  std::uint64_t whole = n, tenths = 0;
  for (; whole >= 1000; ++power) {
    tenths = whole % 1000 / 100;
    whole /= 1000;
  }
  std::string text = std::to_string(whole);
  if (power > 0 && whole < 100) text += "." + std::to_string(tenths);
  const std::string suffix = std::string(kPrefixes[power]) + unit;
  return suffix.empty() ? text : text + " " + suffix;
}

std::string component_line(const Component& part) {
  std::string line = "  " + printable(part.name);
  if (!part.class_name.empty()) line += " (" + printable(part.class_name) + ")";
  if (part.tensors == 0) return line + ": no weights\n";
  line += ": " + std::to_string(part.tensors) + " tensors, " + short_number(part.parameters, "") +
          " parameters, " + short_number(part.bytes, "B") + ",";
  for (const auto& type : part.dtypes) line += " " + type.first;
  return line + "\n";
}

}  // namespace

Value to_value(const ModelFolder& model, bool tensors) {
  Value out = Value::Object{{"parameters", model.parameters()}, {"bytes", model.bytes()}};
  put(out, "family", model.family);
  put(out, "weights", model.weights);
  out["other_weights"] = texts(model.other_weights);
  out["tokenizer_files"] = texts(model.tokenizer_files);
  out["warnings"] = texts(model.warnings);
  Value::Array parts;
  for (const Component& part : model.components) parts.push_back(component_value(part));
  out["components"] = std::move(parts);
  if (model.config) out["config"] = config_value(*model.config);
  if (model.sentence) out["sentence"] = sentence_value(*model.sentence);
  if (model.checkpoint) {
    out["format"] = to_string(model.checkpoint->format);
    out["metadata"] = model.checkpoint->metadata;
    Value::Array files, list;
    for (const TensorFile& file : model.checkpoint->files) {
      files.push_back(Value::Object{{"name", file.name}, {"size", file.size}});
    }
    out["files"] = std::move(files);
    if (tensors) {
      for (const TensorInfo& tensor : model.checkpoint->tensors) {
        list.push_back(tensor_value(tensor, *model.checkpoint));
      }
      out["tensors"] = std::move(list);
    }
  }
  return out;
}

std::string to_text(const ModelFolder& model, bool tensors) {
  std::string out =
      "family      " + (model.family.empty() ? "unknown" : printable(model.family)) + "\n";
  if (model.checkpoint) {
    out += "weights     " + printable(model.weights) + " (" +
           std::string(to_string(model.checkpoint->format)) + ", " +
           std::to_string(model.checkpoint->files.size()) + " files)\n";
  }
  out += "parameters  " + short_number(model.parameters(), "") + "\n";
  out += "size        " + short_number(model.bytes(), "B") + "\n";
  if (!model.tokenizer_files.empty()) {
    out += "tokenizer  ";
    for (const std::string& name : model.tokenizer_files) out += " " + name;
    out += "\n";
  }
  for (const std::string& name : model.other_weights)
    out += "also there  " + printable(name) + "\n";
  for (const std::string& warning : model.warnings) out += "warning     " + warning + "\n";
  out += "components\n";
  for (const Component& part : model.components) out += component_line(part);
  if (!tensors || !model.checkpoint) return out;
  out += "tensors\n";
  for (const TensorInfo& tensor : model.checkpoint->tensors) {
    out += "  " + printable(tensor.name) + " " + std::string(to_string(tensor.dtype)) + " " +
           shape_text(tensor.shape) + "\n";
  }
  return out;
}

}  // namespace roost::formats

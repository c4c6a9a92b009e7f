#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "backend/native/made_tokenizer.h"
#include "formats/config.h"
#include "formats/safetensors_writer.h"
#include "nets/families.h"
#include "nets/head.h"
#include "nets/tensor_list.h"
#include "roost/error.h"
#include "roost/ids.h"
#include "roost/model_files.h"

namespace roost {
namespace {

namespace fs = std::filesystem;
using nets::NamedTensor;

constexpr std::size_t kFloatsAtOnce = std::size_t{64} << 10;
constexpr float kSpread = 0.02f;  // of weights, as models of these families start

[[noreturn]] void refuse(const std::string& why) {
  throw RoostError(ErrorCode::InvalidArgument, "no such model can be made: " + why);
}

std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

// The sum of four draws of 16 bits is close enough to a normal one; made of seed and place alone.
float drawn(std::uint64_t seed, std::uint64_t place) {
  const std::uint64_t bits = mixed(seed ^ mixed(place));
  const std::uint64_t sum =
      (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
  constexpr float kMean = 2.0f * 0xFFFF, kDeviation = 37837.0f;
  return (static_cast<float>(sum) - kMean) / kDeviation;
}

Value config_of(const MakeOptions& options, std::size_t padding) {
  const bool distil = options.family == "distilbert";
  const std::size_t inner = options.intermediate == 0 ? 4 * options.hidden : options.intermediate;
  Value config;
  config["model_type"] = options.family;
  config[distil ? "dim" : "hidden_size"] = options.hidden;
  config[distil ? "n_layers" : "num_hidden_layers"] = options.layers;
  config[distil ? "n_heads" : "num_attention_heads"] = options.heads;
  config[distil ? "hidden_dim" : "intermediate_size"] = inner;
  config[distil ? "activation" : "hidden_act"] = "gelu";
  config["vocab_size"] = options.vocabulary;
  config["max_position_embeddings"] = options.positions + (padding == 0 ? 0 : padding + 1);
  config["pad_token_id"] = padding;
  config["layer_norm_eps"] = 1e-12;
  config["torch_dtype"] = "float32";
  if (!distil && options.family != "mpnet") {
    config["type_vocab_size"] = padding == 0 || options.labels != 0 ? 2 : 1;
  }
  if (options.labels == 0) return config;
  config["architectures"] = Value::Array{"MadeForSequenceClassification"};
  for (std::size_t i = 0; i < options.labels; ++i) {
    config["id2label"][std::to_string(i)] = "LABEL_" + std::to_string(i);
  }
  return config;
}

// The id of "[PAD]", as the families have it: those that count positions from it have it at 1.
std::size_t padding_of(const std::string& family) {
  constexpr std::array kAtZero = {"bert", "distilbert", "electra"};
  return std::find(kAtZero.begin(), kAtZero.end(), family) == kAtZero.end() ? 1 : 0;
}

void check(const MakeOptions& options) {
  if (options.vocabulary < backend::kLeastMadeVocabulary) {
    refuse("a vocabulary has at least " + std::to_string(backend::kLeastMadeVocabulary) +
           " tokens, not " + std::to_string(options.vocabulary));
  }
  if (options.positions < 8) refuse("there are at least 8 positions");
}

// What is wrong with a config that nobody wrote is wrong with the options.
template <class Read>
auto checked(const Read& read) {
  try {
    return read();
  } catch (const RoostError& error) {
    refuse(error.what());
  }
}

// Removes what it was told of, unless it is kept.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& path) : path_(path) {
    std::error_code error;
    if (fs::exists(path, error) && !(fs::is_directory(path, error) && fs::is_empty(path, error))) {
      throw RoostError(ErrorCode::InvalidArgument, "'" + printable(path.string()) +
                                                       "' exists and is no empty folder; name "
                                                       "another, or remove it first");
    }
    made_ = fs::create_directories(path, error);
    if (error) {
      throw RoostError(ErrorCode::IoError, "the folder '" + printable(path.string()) +
                                               "' cannot be made: " + error.message());
    }
  }
  ~NewFolder() {
    if (kept_) return;
    std::error_code ignored;
    for (const std::string& name : names_) fs::remove(path_ / name, ignored);
    if (made_) fs::remove(path_, ignored);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  std::string file(const std::string& name) {
    names_.push_back(name);
    return (path_ / name).string();
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream out(file(name), std::ios::binary);
    out << text << std::flush;
    if (!out) throw RoostError(ErrorCode::IoError, "'" + name + "' could not be written whole");
  }
  void keep() { kept_ = true; }

 private:
  const fs::path path_;
  std::vector<std::string> names_;
  bool made_ = false, kept_ = false;
};

// Gives the numbers of every tensor, and tells how far it is.
class Numbers {
 public:
  Numbers(const std::vector<NamedTensor>& tensors, std::uint64_t seed,
          const std::function<void(double)>& progress, const std::stop_token& stop)
      : tensors_(tensors), seed_(seed), progress_(progress), stop_(stop) {
    for (const NamedTensor& tensor : tensors)
      all_ += formats::element_count(tensor.shape).value_or(0);
  }

  void operator()(const formats::TensorSpec& spec, const formats::ByteSink& sink) {
    const auto of = std::find_if(tensors_.begin(), tensors_.end(), [&](const NamedTensor& tensor) {
      return tensor.name == spec.name;
    });
    const auto number = static_cast<std::uint64_t>(of - tensors_.begin());
    const std::uint64_t count = formats::element_count(of->shape).value_or(0);
    for (std::uint64_t first = 0; first < count; first += kFloatsAtOnce) {
      if (stop_.stop_requested()) throw CancelledException("making the model was cancelled");
      floats_.resize(std::min<std::uint64_t>(kFloatsAtOnce, count - first));
      for (std::size_t i = 0; i < floats_.size(); ++i) {
        floats_[i] = value_of(of->kind, number << 40 | (first + i));
      }
      sink(std::as_bytes(std::span(floats_)));
      done_ += floats_.size();
      if (progress_) progress_(static_cast<double>(done_) / static_cast<double>(all_));
    }
  }

 private:
  float value_of(NamedTensor::Kind kind, std::uint64_t place) const {
    switch (kind) {
      case NamedTensor::Kind::Bias:
        return 0;
      case NamedTensor::Kind::Scale:
        return 1;
      case NamedTensor::Kind::Weight:
        break;
    }
    return kSpread * drawn(seed_, place);
  }

  const std::vector<NamedTensor>& tensors_;
  const std::uint64_t seed_;
  const std::function<void(double)>& progress_;
  const std::stop_token& stop_;
  std::vector<float> floats_;
  std::uint64_t all_ = 0, done_ = 0;
};

}  // namespace

std::vector<std::string> makeable_families() {
  return nets::families();
}

void make_model(const std::string& path, const MakeOptions& options,
                const std::function<void(double)>& progress, std::stop_token stop) {
  check(options);
  const std::size_t padding = padding_of(options.family);
  const std::string config = config_of(options, padding).to_json(true) + "\n";
  const formats::ModelConfig parsed =
      checked([&] { return formats::parse_config(config, "config.json"); });
  const nets::EncoderShape shape = checked([&] { return nets::shape_of(parsed); });
  std::vector<NamedTensor> tensors = nets::tensors_of(shape);
  if (const auto head = nets::Head::of(parsed, shape)) {
    const std::vector<NamedTensor> more = head->tensors();
    tensors.insert(tensors.end(), more.begin(), more.end());
  }
  std::vector<formats::TensorSpec> specs;
  specs.reserve(tensors.size());
  for (const NamedTensor& tensor : tensors) {
    specs.push_back({tensor.name, formats::Dtype::F32, tensor.shape});
  }
  NewFolder folder(path);
  folder.write("config.json", config);
  folder.write("tokenizer.json", backend::made_tokenizer(options.vocabulary, padding));
  Numbers numbers(tensors, options.seed, progress, stop);
  formats::write_safetensors(folder.file("model.safetensors"), std::move(specs),
                             Value::Object{{"format", "pt"}}, std::ref(numbers));
  folder.keep();
}

}  // namespace roost

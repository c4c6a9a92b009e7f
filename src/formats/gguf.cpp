#include "formats/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "base/checked.h"
#include "formats/bytes.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::uint64_t kMaxKeys = 65'536, kMaxGgufTensors = 262'144;
constexpr std::uint64_t kMaxKeyBytes = 65'535, kMaxTensorName = 64;
constexpr std::uint64_t kMaxText = 100'000'000, kMaxNested = 65'536;
constexpr std::uint64_t kShortestPair = 14, kShortestTensor = 33;  // bytes that one takes at least
constexpr std::uint64_t kMaxAlignment = 65'536;
constexpr int kMaxArrayDepth = 4;

// By the format's number; the holes are types that were taken back.
constexpr std::array kTypes = {
    Dtype::F32,     Dtype::F16,     Dtype::Q4_0,    Dtype::Q4_1,    Dtype::Unknown, Dtype::Unknown,
    Dtype::Q5_0,    Dtype::Q5_1,    Dtype::Q8_0,    Dtype::Q8_1,    Dtype::Q2_K,    Dtype::Q3_K,
    Dtype::Q4_K,    Dtype::Q5_K,    Dtype::Q6_K,    Dtype::Q8_K,    Dtype::IQ2_XXS, Dtype::IQ2_XS,
    Dtype::IQ3_XXS, Dtype::IQ1_S,   Dtype::IQ4_NL,  Dtype::IQ3_S,   Dtype::IQ2_S,   Dtype::IQ4_XS,
    Dtype::I8,      Dtype::I16,     Dtype::I32,     Dtype::I64,     Dtype::F64,     Dtype::IQ1_M,
    Dtype::BF16,    Dtype::Unknown, Dtype::Unknown, Dtype::Unknown, Dtype::TQ1_0,   Dtype::TQ2_0,
    Dtype::Unknown, Dtype::Unknown, Dtype::Unknown, Dtype::MXFP4,   Dtype::NVFP4,   Dtype::Q1_0,
    Dtype::Q2_0};

class Reader {
 public:
  explicit Reader(const File& file) : bytes_(file, 0, file.size()), file_(file) {}

  GgufFile read() {
    read_version();
    const std::uint64_t tensors = bytes_.u64();
    const std::uint64_t keys = bytes_.u64();
    check_count(keys, kMaxKeys, kShortestPair, "keys");
    check_count(tensors, kMaxGgufTensors, kShortestTensor, "tensors");
    for (std::uint64_t i = 0; i < keys; ++i) read_pair();
    sort_pairs();
    read_alignment();
    auto& list = out_.checkpoint.tensors;
    list.reserve(static_cast<std::size_t>(tensors));
    for (std::uint64_t i = 0; i < tensors; ++i) list.push_back(read_tensor());
    place_tensors();
    return std::move(out_);
  }

 private:
  void read_version() {
    if (bytes_.remaining() < 4 || bytes_.u32() != kMagic) {
      bytes_.fail_at(0, "it does not begin with 'GGUF'");
    }
    out_.version = bytes_.u32();
    if (out_.version == 2 || out_.version == 3) return;
    const std::string name = "reading '" + printable(file_.name()) + "': ";
    if (out_.version != 0 && (out_.version & 0xFFFF) == 0) {
      throw RoostError(ErrorCode::Unsupported, name + "a big-endian GGUF file; convert it first");
    }
    if (out_.version == 0) bytes_.fail_at(4, "version 0 of GGUF never was");
    throw RoostError(ErrorCode::Unsupported, name + "version " + std::to_string(out_.version) +
                                                 " of GGUF; versions 2 and 3 are read");
  }

  void check_count(std::uint64_t count, std::uint64_t most, std::uint64_t shortest,
                   const char* what) const {
    if (count > most || count * shortest > bytes_.remaining()) {
      bytes_.fail("it tells " + std::to_string(count) + " " + what + ", more than fit");
    }
  }

  void read_pair() {
    const std::uint64_t at = bytes_.position();
    std::string key = bytes_.text(bytes_.u64(), kMaxKeyBytes, "a key");
    if (key.empty() || !is_tensor_name(key, kMaxKeyBytes)) {
      bytes_.fail_at(at, "a key is empty, has control bytes or is not UTF-8");
    }
    const GgufType type = read_type();
    out_.metadata.emplace_back(std::move(key), read_value(type, 0));
  }

  GgufType read_type() {
    const std::uint32_t type = bytes_.u32();
    if (type > static_cast<std::uint32_t>(GgufType::F64)) {
      bytes_.fail("a value of type " + std::to_string(type) + ", which GGUF does not have");
    }
    return static_cast<GgufType>(type);
  }

  GgufValue read_value(GgufType type, int depth) {
    GgufValue value;
    value.type = type;
    if (type == GgufType::Text) {
      value.text = bytes_.text(bytes_.u64(), kMaxText, "a text");
    } else if (type == GgufType::Array) {
      read_array(value, depth + 1);
    } else {
      value.bits = read_bits(width(type));
      if (type == GgufType::Bool && value.bits > 1) bytes_.fail("a bool that is neither 0 nor 1");
    }
    return value;
  }

  std::uint64_t read_bits(std::uint64_t bytes) {
    switch (bytes) {
      case 1:
        return bytes_.u8();
      case 2:
        return bytes_.u16();
      case 4:
        return bytes_.u32();
      default:
        return bytes_.u64();
    }
  }

  void read_array(GgufValue& value, int depth) {
    if (depth > kMaxArrayDepth) bytes_.fail("arrays are more than 4 deep within each other");
    value.element = read_type();
    value.count = bytes_.u64();
    const bool nested = value.element == GgufType::Array;
    const std::uint64_t least = nested ? 12 : width(value.element);  // a text has its length
    if (value.count > bytes_.remaining() / least) {
      bytes_.fail("an array of " + std::to_string(value.count) + " elements does not fit the file");
    }
    if (nested) {
      nested_ += value.count;
      if (nested_ > kMaxNested) bytes_.fail("more than 65536 arrays in arrays");
      for (std::uint64_t i = 0; i < value.count; ++i) {
        value.arrays.push_back(read_value(GgufType::Array, depth));
      }
    } else if (value.element == GgufType::Text) {
      value.texts.reserve(static_cast<std::size_t>(value.count));
      for (std::uint64_t i = 0; i < value.count; ++i) {
        value.texts.push_back(bytes_.text(bytes_.u64(), kMaxText, "a text"));
      }
    } else {
      value.text = bytes_.text(value.count * least, file_.size(), "an array");
      const auto is_bool = [](char c) { return c == 0 || c == 1; };
      if (value.element == GgufType::Bool &&
          !std::all_of(value.text.begin(), value.text.end(), is_bool)) {
        bytes_.fail("a bool that is neither 0 nor 1");
      }
    }
  }

  void sort_pairs() {
    auto& pairs = out_.metadata;
    std::sort(pairs.begin(), pairs.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto twin =
        std::adjacent_find(pairs.begin(), pairs.end(),
                           [](const auto& a, const auto& b) { return a.first == b.first; });
    if (twin != pairs.end()) bytes_.fail("the key '" + printable(twin->first) + "' is there twice");
  }

  void read_alignment() {
    const GgufValue* value = out_.find("general.alignment");
    if (value == nullptr) return;
    const bool fits = value->type == GgufType::U32 && value->bits >= 8 &&
                      value->bits <= kMaxAlignment && std::has_single_bit(value->bits);
    if (!fits) bytes_.fail("general.alignment is no u32 that is a power of two from 8 to 65536");
    out_.alignment = value->bits;
  }

  TensorInfo read_tensor() {
    const std::uint64_t at = bytes_.position();
    TensorInfo tensor;
    tensor.name = bytes_.text(bytes_.u64(), kMaxTensorName, "the name of a tensor");
    check_tensor_name(tensor.name, file_.name(), at, kMaxTensorName);
    const std::string what = "tensor '" + printable(tensor.name) + "' ";
    const std::uint32_t dimensions = bytes_.u32();
    if (dimensions == 0 || dimensions > 4) {
      bytes_.fail_at(at, what + "has " + std::to_string(dimensions) + " dimensions, not 1 to 4");
    }
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      tensor.shape.push_back(bytes_.u64());
      if (tensor.shape.back() == 0 || tensor.shape.back() > static_cast<std::uint64_t>(INT64_MAX)) {
        bytes_.fail_at(at, what + "has a dimension of 0 or beyond 63 bits");
      }
    }
    const std::uint32_t type = bytes_.u32();
    tensor.dtype = type < kTypes.size() ? kTypes[type] : Dtype::Unknown;
    if (tensor.dtype == Dtype::Unknown) {
      bytes_.fail_at(at, what + "has type " + std::to_string(type) + ", which GGUF does not have");
    }
    tensor.offset = bytes_.u64();
    check_size(tensor, at, what);
    return tensor;
  }

  // Rows, which lie along the first dimension that is told, are of whole blocks.
  void check_size(TensorInfo& tensor, std::uint64_t at, const std::string& what) const {
    const auto elements = element_count(tensor.shape);
    const auto bytes = elements ? byte_count(tensor.dtype, *elements) : std::nullopt;
    if (!bytes || tensor.shape.front() % facts(tensor.dtype).block_elements != 0) {
      bytes_.fail_at(at, what + "of shape " + shape_text(tensor.shape) + " and type " +
                             std::string(to_string(tensor.dtype)) +
                             " has no size in whole blocks and 64 bits");
    }
    tensor.bytes = *bytes;
    std::reverse(tensor.shape.begin(), tensor.shape.end());
  }

  // Tensors follow each other from the first aligned byte after the header, in whatever order, each
  // padded to the alignment; the last may be.
  void place_tensors() {
    auto& tensors = out_.checkpoint.tensors;
    const auto data = checked_align_up(bytes_.position(), out_.alignment);
    std::sort(tensors.begin(), tensors.end(),
              [](const TensorInfo& a, const TensorInfo& b) { return a.offset < b.offset; });
    std::uint64_t end = tensors.empty() ? bytes_.position() : *data;
    for (TensorInfo& tensor : tensors) {
      const auto begin = checked_add(*data, tensor.offset);
      const auto expected = checked_align_up(end, out_.alignment);
      const auto last = begin ? checked_add(*begin, tensor.bytes) : std::nullopt;
      if (!last || begin != expected || *last > file_.size()) {
        bytes_.fail("tensor '" + printable(tensor.name) + "' of " + std::to_string(tensor.bytes) +
                    " bytes at " + std::to_string(tensor.offset) +
                    " of the data leaves a gap, overlaps another or lies beyond the file's " +
                    std::to_string(file_.size()) + " bytes; fetch it again");
      }
      tensor.offset = *begin;
      end = *last;
    }
    const auto padded = checked_align_up(end, out_.alignment);
    if (!padded || file_.size() > *padded) {
      bytes_.fail_at(end, "something follows the last tensor");
    }
    sort_by_name(tensors, file_.name());
  }

  ByteReader bytes_;
  const File& file_;
  GgufFile out_;
  std::uint64_t nested_ = 0;
};

// Lists of one length, each of the right type.
void check_vocabulary(const GgufFile& gguf, const File& file) {
  const GgufValue* tokens = gguf.find("tokenizer.ggml.tokens");
  const auto check = [&](const char* key, GgufType element, bool as_long) {
    const GgufValue* list = gguf.find(key);
    if (list == nullptr) return;
    const bool fits = list->type == GgufType::Array && list->element == element &&
                      (!as_long || (tokens != nullptr && list->count == tokens->count));
    if (!fits) {
      bad_file(file.name(), "'" + std::string(key) + "' is no array of " +
                                std::string(to_string(element)) + " as long as the vocabulary");
    }
  };
  check("tokenizer.ggml.tokens", GgufType::Text, false);
  check("tokenizer.ggml.merges", GgufType::Text, false);
  check("tokenizer.ggml.scores", GgufType::F32, true);
  check("tokenizer.ggml.token_type", GgufType::I32, true);
}

void check_split(const GgufFile& gguf, const File& file) {
  const GgufValue* count = gguf.find("split.count");
  if (count == nullptr || count->as_uint() <= 1) return;
  const std::uint64_t number = gguf.at("split.no").as_uint();
  if (number >= count->as_uint()) {
    bad_file(file.name(), "it says it is part " + std::to_string(number + 1) + " of " +
                              std::to_string(count->as_uint()));
  }
  throw RoostError(ErrorCode::Unsupported, "reading '" + printable(file.name()) + "': part " +
                                               std::to_string(number + 1) + " of " +
                                               std::to_string(count->as_uint()) +
                                               " of a split GGUF file; merge the parts first");
}

}  // namespace

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto at =
      std::lower_bound(metadata.begin(), metadata.end(), key,
                       [](const auto& pair, std::string_view k) { return pair.first < k; });
  return at != metadata.end() && at->first == key ? &at->second : nullptr;
}

const GgufValue& GgufFile::at(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) bad_file("GGUF metadata", "the key '" + printable(key) + "' is missing");
  return *value;
}

std::string GgufFile::architecture() const {
  const GgufValue* value = find("general.architecture");
  return value == nullptr ? "" : value->as_text();
}

bool is_gguf(const File& file) {
  return file.size() >= 4 && ByteReader(file, 0, 4).u32() == kMagic;
}

GgufFile open_gguf(const File& file) {
  GgufFile gguf = Reader(file).read();
  (void)gguf.architecture();
  check_vocabulary(gguf, file);
  check_split(gguf, file);
  gguf.checkpoint.format = Format::Gguf;
  gguf.checkpoint.files = {{file.name(), file.size(), file.identity()}};
  for (const auto& pair : gguf.metadata)
    gguf.checkpoint.metadata[pair.first] = pair.second.summary();
  return gguf;
}

ModelConfig gguf_config(const GgufFile& file) {
  ModelConfig config;
  config.model_type = file.architecture();
  const auto whole = [&](const char* key) -> std::optional<std::uint64_t> {
    const GgufValue* value = file.find(config.model_type + "." + key);
    // Some list a number per layer.
    if (value == nullptr || value->type == GgufType::Array) return std::nullopt;
    return value->as_uint();
  };
  const auto fraction = [&](const char* key) -> std::optional<double> {
    const GgufValue* value = file.find(config.model_type + "." + key);
    if (value == nullptr) return std::nullopt;
    return value->as_double();
  };
  config.hidden_size = whole("embedding_length");
  config.layers = whole("block_count");
  config.heads = whole("attention.head_count");
  config.kv_heads = whole("attention.head_count_kv");
  config.head_dim = whole("attention.key_length");
  config.intermediate_size = whole("feed_forward_length");
  config.max_positions = whole("context_length");
  config.norm_eps = fraction("attention.layer_norm_epsilon");
  if (!config.norm_eps) config.norm_eps = fraction("attention.layer_norm_rms_epsilon");
  config.rope_theta = fraction("rope.freq_base");
  if (const GgufValue* tokens = file.find("tokenizer.ggml.tokens"))
    config.vocab_size = tokens->count;
  config.raw = file.checkpoint.metadata;
  return config;
}

}  // namespace roost::formats

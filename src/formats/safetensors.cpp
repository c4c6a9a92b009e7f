#include "formats/safetensors.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "base/checked.h"
#include "formats/bytes.h"
#include "formats/json_scanner.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::size_t kMaxMetadata = 65'536;
constexpr std::uint64_t kShortestEntry = 48;  // bytes of header that a tensor takes at least

constexpr std::array kDtypes = {
    Dtype::Bool,        Dtype::F4,      Dtype::F6_E2M3, Dtype::F6_E3M2, Dtype::U8,
    Dtype::I8,          Dtype::F8_E5M2, Dtype::F8_E4M3, Dtype::F8_E8M0, Dtype::F8_E4M3FNUZ,
    Dtype::F8_E5M2FNUZ, Dtype::I16,     Dtype::U16,     Dtype::F16,     Dtype::BF16,
    Dtype::I32,         Dtype::U32,     Dtype::F32,     Dtype::C64,     Dtype::F64,
    Dtype::I64,         Dtype::U64,
};

// Offsets are from the first byte after the header, as the header tells them.
class HeaderReader {
 public:
  HeaderReader(const File& file, std::uint64_t header_bytes)
      : bytes_(file, kLengthBytes, kLengthBytes + header_bytes), json_(bytes_) {
    tensors_.reserve(static_cast<std::size_t>(
        std::min<std::uint64_t>(header_bytes / kShortestEntry + 1, kMaxTensors)));
  }

  void read() {
    if (bytes_.peek() != '{') bytes_.fail("the header does not begin with '{'");
    json_.object([this](const std::string& key) {
      if (key == "__metadata__") {
        read_metadata();
      } else {
        read_tensor(key);
      }
    });
    json_.end(true);
  }

  std::vector<TensorInfo>& tensors() { return tensors_; }
  Value::Object& metadata() { return metadata_; }

 private:
  void read_metadata() {
    if (std::exchange(has_metadata_, true)) bytes_.fail("a second '__metadata__'");
    json_.object([this](const std::string& key) {
      const std::uint64_t at = bytes_.position();
      std::string text = json_.string(kMaxSafetensorsHeader, "a value of '__metadata__'");
      if (!metadata_.try_emplace(key, std::move(text)).second) {
        bytes_.fail_at(at, "a second '" + printable(key) + "' in '__metadata__'");
      }
      if (metadata_.size() > kMaxMetadata) bytes_.fail("more than 65536 values of metadata");
    });
  }

  void read_tensor(const std::string& name) {
    const std::uint64_t at = bytes_.position();
    check_tensor_name(name, bytes_.name(), at);
    if (tensors_.size() == kMaxTensors) bytes_.fail("more than 1000000 tensors");
    TensorInfo tensor{.name = name};
    enum Field : unsigned { kDtype = 1, kShape = 2, kOffsets = 4 };
    unsigned seen = 0;
    const auto once = [&](unsigned field) {
      if ((seen & field) != 0) bytes_.fail("a key repeats for tensor '" + printable(name) + "'");
      seen |= field;
    };
    json_.object([&](const std::string& key) {
      if (key == "dtype") {
        once(kDtype);
        const std::string dtype = json_.string(64, "a dtype");
        tensor.dtype = parse_safetensors_dtype(dtype).value_or(Dtype::Unknown);
      } else if (key == "shape") {
        once(kShape);
        read_shape(tensor);
      } else if (key == "data_offsets") {
        once(kOffsets);
        read_offsets(tensor);
      } else {
        bytes_.fail("tensor '" + printable(name) + "' has an unknown key '" + printable(key) + "'");
      }
    });
    if (seen != (kDtype | kShape | kOffsets)) {
      bytes_.fail_at(at, "tensor '" + printable(name) + "' lacks dtype, shape or data_offsets");
    }
    check_size(tensor, at);
    tensors_.push_back(std::move(tensor));
  }

  void read_shape(TensorInfo& tensor) {
    json_.array([&] {
      if (tensor.shape.size() == kMaxDimensions) bytes_.fail("a shape of more than 64 dimensions");
      tensor.shape.push_back(json_.whole_number("a dimension"));
    });
  }

  void read_offsets(TensorInfo& tensor) {
    std::array<std::uint64_t, 2> offsets{};
    std::size_t count = 0;
    json_.array([&] {
      if (count == 2) bytes_.fail("data_offsets of more than two numbers");
      offsets[count++] = json_.whole_number("an offset");
    });
    if (count != 2 || offsets[0] > offsets[1]) {
      bytes_.fail("data_offsets of '" + printable(tensor.name) + "' are not [begin, end]");
    }
    tensor.offset = offsets[0];
    tensor.bytes = offsets[1] - offsets[0];
  }

  void check_size(const TensorInfo& tensor, std::uint64_t at) const {
    const auto elements = element_count(tensor.shape);
    const bool is_known = tensor.dtype != Dtype::Unknown;
    if (elements && (!is_known || byte_count(tensor.dtype, *elements) == tensor.bytes)) return;
    const std::string what =
        "tensor '" + printable(tensor.name) + "' of shape " + shape_text(tensor.shape);
    if (!elements) bytes_.fail_at(at, what + ", whose product passes 64 bits");
    bytes_.fail_at(at, what + " and type " + std::string(to_string(tensor.dtype)) + " has " +
                           std::to_string(tensor.bytes) + " bytes, which does not fit them");
  }

  ByteReader bytes_;
  JsonScanner json_;
  std::vector<TensorInfo> tensors_;
  Value::Object metadata_;
  bool has_metadata_ = false;
};

// From the first byte after the header to the last of the file, each belongs to one tensor.
void check_layout(const std::vector<TensorInfo>& tensors, const File& file, std::uint64_t data) {
  std::vector<std::uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(tensors[a].offset, tensors[a].bytes) <
           std::pair(tensors[b].offset, tensors[b].bytes);
  });
  std::uint64_t end = 0;
  for (const std::uint32_t i : order) {
    const TensorInfo& tensor = tensors[i];
    if (tensor.offset != end) {
      bad_file(file.name(), data,
               "tensor '" + printable(tensor.name) + "' begins " +
                   (tensor.offset > end ? "after a gap" : "inside another") + ": at " +
                   std::to_string(tensor.offset) + " of the data, not " + std::to_string(end));
    }
    end = tensor.offset + tensor.bytes;
  }
  if (end != file.size() - data) {
    bad_file(file.name(), data,
             "the tensors end after " + std::to_string(end) + " bytes of data, the file after " +
                 std::to_string(file.size() - data) + "; fetch it again");
  }
}

std::uint64_t header_length(const File& file) {
  if (file.size() < kLengthBytes) bad_file(file.name(), 0, "too short for a safetensors file");
  return ByteReader(file, 0, kLengthBytes).u64();
}

}  // namespace

std::optional<Dtype> parse_safetensors_dtype(std::string_view name) {
  for (const Dtype dtype : kDtypes) {
    if (to_string(dtype) == name) return dtype;
  }
  return std::nullopt;
}

bool is_safetensors(const File& file) {
  if (file.size() < kLengthBytes + 2) return false;
  const std::uint64_t length = header_length(file);
  return length >= 2 && length <= kMaxSafetensorsHeader && length <= file.size() - kLengthBytes &&
         ByteReader(file, kLengthBytes, kLengthBytes + 1).peek() == '{';
}

Checkpoint open_safetensors(const File& file) {
  const std::uint64_t header = header_length(file);
  if (header > kMaxSafetensorsHeader || header > file.size() - kLengthBytes) {
    bad_file(file.name(), 0,
             "it tells a header of " + std::to_string(header) +
                 " bytes, which neither the format (" + std::to_string(kMaxSafetensorsHeader) +
                 ") nor the file (" + std::to_string(file.size()) + ") allows");
  }
  HeaderReader reader(file, header);
  reader.read();
  const std::uint64_t data = kLengthBytes + header;
  check_layout(reader.tensors(), file, data);
  for (TensorInfo& tensor : reader.tensors()) tensor.offset += data;
  Checkpoint checkpoint;
  checkpoint.format = Format::Safetensors;
  checkpoint.files = {{file.name(), file.size(), file.identity()}};
  checkpoint.tensors = std::move(reader.tensors());
  sort_by_name(checkpoint.tensors, file.name());
  checkpoint.metadata = std::move(reader.metadata());
  return checkpoint;
}

Checkpoint open_safetensors(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  return open_safetensors(Folder::open(folder), path.substr(slash + 1));
}

}  // namespace roost::formats

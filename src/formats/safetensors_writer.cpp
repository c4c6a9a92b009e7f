#include "formats/safetensors_writer.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/checked.h"
#include "formats/bytes.h"
#include "formats/safetensors.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw RoostError(ErrorCode::InvalidArgument, "writing safetensors: " + why);
}

[[noreturn]] void disk_refuses(const std::string& path, int error) {
  throw RoostError(ErrorCode::IoError,
                   "writing '" + printable(path) + "': " + std::generic_category().message(error));
}

// A file under a temporary name that becomes `path` when it is committed and vanishes otherwise.
class NewFile {
 public:
  explicit NewFile(const std::string& path) : path_(path) {
    std::array<unsigned char, 8> random{};
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
      disk_refuses(path, errno);
    }
    static constexpr std::string_view kHex = "0123456789abcdef";
    const std::size_t slash = path.find_last_of('/');
    folder_ = slash == std::string::npos ? "./" : path.substr(0, slash + 1);
    temporary_ = folder_ + "." + path.substr(slash + 1) + ".";
    for (const unsigned char byte : random) {
      temporary_ += kHex[byte >> 4];
      temporary_ += kHex[byte & 15];
    }
    fd_ =
        Fd(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!fd_.is_open()) disk_refuses(path, errno);
  }
  ~NewFile() {
    if (!committed_) ::unlink(temporary_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t step = std::min(bytes.size(), kMaxReadStep);
      const ssize_t done = ::write(fd_.get(), bytes.data(), step);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) disk_refuses(path_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
  }

  void commit() {
    if (::fsync(fd_.get()) != 0) disk_refuses(path_, errno);
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) disk_refuses(path_, errno);
    committed_ = true;
    const Fd folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.is_open() || ::fsync(folder.get()) != 0) disk_refuses(path_, errno);
  }

 private:
  const std::string path_;
  std::string folder_;
  std::string temporary_;
  Fd fd_;
  bool committed_ = false;
};

std::uint64_t bytes_of(const TensorSpec& tensor) {
  const std::string what = "tensor '" + printable(tensor.name) + "' ";
  if (!parse_safetensors_dtype(to_string(tensor.dtype))) {
    refuse(what + "has type " + std::string(to_string(tensor.dtype)) +
           ", which the format does not have");
  }
  const auto elements = element_count(tensor.shape);
  const auto bytes = elements ? byte_count(tensor.dtype, *elements) : std::nullopt;
  if (!bytes) refuse(what + "of shape " + shape_text(tensor.shape) + " has no size in whole bytes");
  return *bytes;
}

void sort_and_check(std::vector<TensorSpec>& tensors) {
  const auto width = [](const TensorSpec& tensor) {
    const DtypeFacts& type = facts(tensor.dtype);
    return type.block_elements > 1 ? 0 : type.block_bytes;
  };
  std::sort(tensors.begin(), tensors.end(), [&](const TensorSpec& a, const TensorSpec& b) {
    return width(a) != width(b) ? width(a) > width(b) : a.name < b.name;
  });
  std::vector<std::string_view> names;
  for (const TensorSpec& tensor : tensors) {
    if (tensor.name == "__metadata__") refuse("a tensor may not be called '__metadata__'");
    if (!is_tensor_name(tensor.name)) {
      refuse("'" + printable(tensor.name) +
             "' is no name for a tensor: too long, control bytes, or "
             "not UTF-8");
    }
    names.push_back(tensor.name);
  }
  std::sort(names.begin(), names.end());
  const auto twin = std::adjacent_find(names.begin(), names.end());
  if (twin != names.end()) refuse("two tensors are called '" + printable(*twin) + "'");
}

std::string header_of(const std::vector<TensorSpec>& tensors, const Value& metadata) {
  std::string header = "{";
  if (!metadata.as_object().empty()) {
    for (const auto& entry : metadata.as_object()) {
      if (!entry.second.is_string() || !is_utf8(entry.first) ||
          !is_utf8(entry.second.as_string())) {
        refuse("the metadata '" + printable(entry.first) + "' is no text");
      }
    }
    header += "\"__metadata__\":" + metadata.to_json();
  }
  std::uint64_t offset = 0;
  for (const TensorSpec& tensor : tensors) {
    const auto end = checked_add(offset, bytes_of(tensor));
    if (!end) refuse("the tensors together pass 64 bits");
    if (header.size() > 1) header += ',';
    header += Value(tensor.name).to_json() + ":{\"dtype\":\"" +
              std::string(to_string(tensor.dtype)) + "\",\"shape\":" + shape_text(tensor.shape) +
              ",\"data_offsets\":[" + std::to_string(offset) + "," + std::to_string(*end) + "]}";
    offset = *end;
  }
  header += '}';
  header.resize(*checked_align_up(header.size(), 8), ' ');
  if (header.size() > kMaxSafetensorsHeader) refuse("the header would pass 100000000 bytes");
  return header;
}

void write_tensor(NewFile& file, const TensorSpec& tensor, const TensorBytes& bytes) {
  std::uint64_t left = bytes_of(tensor);
  bytes(tensor, [&](std::span<const std::byte> next) {
    if (next.size() > left)
      refuse("too many bytes came for tensor '" + printable(tensor.name) + "'");
    left -= next.size();
    file.write(next);
  });
  if (left != 0) {
    refuse(std::to_string(left) + " bytes are missing of tensor '" + printable(tensor.name) + "'");
  }
}

}  // namespace

void write_safetensors(const std::string& path, std::vector<TensorSpec> tensors,
                       const Value& metadata, const TensorBytes& bytes) {
  sort_and_check(tensors);
  const std::string header = header_of(tensors, metadata);
  std::array<std::byte, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<std::byte>(header.size() >> (8 * i));
  }
  NewFile file(path);
  file.write(length);
  file.write(std::as_bytes(std::span(header)));
  for (const TensorSpec& tensor : tensors) write_tensor(file, tensor, bytes);
  file.commit();
}

}  // namespace roost::formats

#include "formats/pytorch.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/checked.h"
#include "formats/bytes.h"
#include "formats/pickle.h"
#include "formats/zip.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr std::string_view kPickle = "/data.pkl";

// A pickle of the number that files from before 1.6 begin with, after its PROTO.
constexpr std::array kOldMagic = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c,
                                  0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

bool begins_with_old_magic(const File& file) {
  if (file.size() < kOldMagic.size()) return false;
  ByteReader bytes(file, 0, kOldMagic.size());
  return std::all_of(kOldMagic.begin(), kOldMagic.end(),
                     [&](int byte) { return bytes.u8() == byte; });
}

[[noreturn]] void unsupported(const File& file, const std::string& why) {
  throw RoostError(ErrorCode::Unsupported, "reading '" + printable(file.name()) + "': " + why);
}

const ZipEntry* find(const std::vector<ZipEntry>& entries, const std::string& name) {
  const auto at =
      std::lower_bound(entries.begin(), entries.end(), name,
                       [](const ZipEntry& e, const std::string& n) { return e.name < n; });
  return at != entries.end() && at->name == name ? &*at : nullptr;
}

// The archive's one folder.
std::string root_of(const File& file, const std::vector<ZipEntry>& entries) {
  for (const ZipEntry& entry : entries) {
    if (!entry.name.ends_with(kPickle)) continue;
    std::string root = entry.name.substr(0, entry.name.size() - kPickle.size());
    if (root.find('/') == std::string::npos) return root;
  }
  bad_file(file.name(), "the archive has no data.pkl: no PyTorch checkpoint");
}

std::string small_text(const File& file, const ZipEntry& entry) {
  check_crc(file, entry);
  ByteReader bytes(file, entry.offset, entry.offset + entry.size);
  return bytes.text(entry.size, 64, "the entry '" + printable(entry.name) + "'");
}

void check_archive(const File& file, const std::vector<ZipEntry>& entries,
                   const std::string& root) {
  for (const ZipEntry& entry : entries) {
    if (!entry.name.starts_with(root + "/")) {
      bad_file(
          file.name(), entry.offset,
          "the entry '" + printable(entry.name) + "' lies outside of '" + printable(root) + "'");
    }
  }
  if (find(entries, root + "/constants.pkl") != nullptr) {
    unsupported(file, "a TorchScript program, not weights; save the state dict of its model");
  }
  if (const ZipEntry* order = find(entries, root + "/byteorder")) {
    const std::string text = small_text(file, *order);
    if (text == "big") unsupported(file, "its numbers are big-endian; save it on another machine");
    if (text != "little")
      bad_file(file.name(), order->offset, "the byte order is neither little nor big");
  }
}

// Each storage's place. Its size must be told alike by pickle and archive.
std::vector<const ZipEntry*> place_storages(const File& file, const std::vector<ZipEntry>& entries,
                                            const std::string& root, const Pickled& pickled) {
  std::vector<const ZipEntry*> places;
  places.reserve(pickled.storages.size());
  for (const PickledStorage& storage : pickled.storages) {
    const ZipEntry* entry = find(entries, root + "/data/" + storage.key);
    if (entry == nullptr) {
      bad_file(file.name(), "storage '" + storage.key + "' is not in the archive");
    }
    if (byte_count(storage.dtype, storage.elements) != entry->size) {
      bad_file(file.name(), entry->offset,
               "storage '" + storage.key + "' of " + std::to_string(storage.elements) + " " +
                   std::string(to_string(storage.dtype)) + " has " + std::to_string(entry->size) +
                   " bytes");
    }
    places.push_back(entry);
  }
  return places;
}

// One past the last element that a tensor reaches, counted from the begin of its storage.
std::optional<std::uint64_t> reach(const PickledTensor& tensor) {
  std::uint64_t last = tensor.offset;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.shape[i] == 0) return tensor.offset;
    const auto span = checked_mul(tensor.shape[i] - 1, tensor.strides[i]);
    const auto sum = span ? checked_add(last, *span) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  return checked_add(last, 1);
}

bool is_contiguous(const PickledTensor& tensor) {
  std::uint64_t expected = 1;
  for (std::size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];  // element_count() did not overflow
  }
  return true;
}

TensorInfo place(const File& file, PickledTensor& tensor, const PickledStorage& storage,
                 const ZipEntry& entry) {
  const std::string what = "tensor '" + printable(tensor.name) + "' ";
  const auto elements = element_count(tensor.shape);
  const auto bytes = elements ? byte_count(tensor.dtype, *elements) : std::nullopt;
  const auto end = reach(tensor);
  // A storage of bare bytes is counted in bytes, its tensors in their own elements.
  const auto end_byte = end ? byte_count(tensor.dtype, *end) : std::nullopt;
  const auto have = byte_count(storage.dtype, storage.elements);
  if (!bytes || !end_byte || *end_byte > *have) {
    bad_file(file.name(), entry.offset,
             what + "of shape " + shape_text(tensor.shape) + " at element " +
                 std::to_string(tensor.offset) + " does not lie within its storage");
  }
  TensorInfo info;
  info.name = std::move(tensor.name);
  info.dtype = tensor.dtype;
  info.contiguous = *elements == 0 || is_contiguous(tensor);
  info.shape = std::move(tensor.shape);
  info.offset = entry.offset + *byte_count(tensor.dtype, tensor.offset);
  info.bytes = *bytes;
  return info;
}

}  // namespace

bool is_pytorch(const File& file) {
  if (begins_with_old_magic(file)) return true;
  if (!is_zip(file)) return false;
  // torch.save() writes the pickle first, or right after two small entries of its own.
  ByteReader bytes(file, 0, std::min<std::uint64_t>(file.size(), 1024));
  const std::string head = bytes.text(bytes.remaining(), 1024, "the head");
  return head.find(kPickle) != std::string::npos;
}

Checkpoint open_pytorch(const File& file) {
  if (begins_with_old_magic(file)) {
    unsupported(file,
                "the layout from before PyTorch 1.6; load it there and save it again, or as "
                "safetensors");
  }
  const std::vector<ZipEntry> entries = read_zip(file);
  const std::string root = root_of(file, entries);
  check_archive(file, entries, root);
  const ZipEntry& pickle = *find(entries, root + std::string(kPickle));
  check_crc(file, pickle);
  ByteReader bytes(file, pickle.offset, pickle.offset + pickle.size);
  Pickled pickled = read_pickle(bytes);

  const auto places = place_storages(file, entries, root, pickled);
  Checkpoint checkpoint;
  checkpoint.format = Format::PyTorch;
  checkpoint.files = {{file.name(), file.size(), file.identity()}};
  checkpoint.tensors.reserve(pickled.tensors.size());
  for (PickledTensor& tensor : pickled.tensors) {
    checkpoint.tensors.push_back(
        place(file, tensor, pickled.storages[tensor.storage], *places[tensor.storage]));
  }
  sort_by_name(checkpoint.tensors, file.name());
  if (!pickled.root.empty()) checkpoint.metadata["root"] = pickled.root;
  return checkpoint;
}

}  // namespace roost::formats

#include <algorithm>
#include <map>
#include <utility>

#include "base/checked.h"
#include "formats/bytes.h"
#include "formats/json_scanner.h"
#include "formats/pytorch.h"
#include "formats/safetensors.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr std::size_t kMaxShards = 10'000;

struct Place {
  std::string tensor;
  std::uint32_t shard = 0;
};

// {"metadata": {"total_size": N}, "weight_map": {"tensor": "shard"}}; other keys are let pass.
class IndexReader {
 public:
  explicit IndexReader(const File& file) : bytes_(file, 0, file.size()), json_(bytes_) {}

  void read() {
    json_.object([this](const std::string& key) {
      if (key == "metadata") {
        if (std::exchange(has_metadata_, true)) bytes_.fail("a second 'metadata'");
        read_metadata();
      } else if (key == "weight_map") {
        if (std::exchange(has_map_, true)) bytes_.fail("a second 'weight_map'");
        json_.object([this](const std::string& tensor) { read_place(tensor); });
      } else {
        json_.skip_value();
      }
    });
    json_.end(false);
    if (!has_map_) bytes_.fail("it is neither a safetensors file nor an index with a 'weight_map'");
    sort_places();
  }

  const std::vector<std::string>& shards() const { return shards_; }
  const std::vector<Place>& places() const { return places_; }
  std::optional<std::uint64_t> total_size() const { return total_size_; }

 private:
  void read_metadata() {
    json_.object([this](const std::string& key) {
      if (key != "total_size") return json_.skip_value();
      if (total_size_) bytes_.fail("a second 'total_size'");
      total_size_ = json_.whole_number("total_size");
    });
  }

  void read_place(const std::string& tensor) {
    check_tensor_name(tensor, bytes_.name(), bytes_.position());
    if (places_.size() == kMaxTensors) bytes_.fail("more than 1000000 tensors");
    const std::uint64_t at = bytes_.position();
    const std::string shard = json_.string(255, "the name of a shard");
    if (shard.empty() || shard.front() == '.' || shard.find('/') != std::string::npos ||
        shard.find('\\') != std::string::npos || shard.find('\0') != std::string::npos) {
      bytes_.fail_at(at, "'" + printable(shard) + "' is no name of a file beside the index");
    }
    const auto number = static_cast<std::uint32_t>(shards_.size());
    const auto entry = numbers_.try_emplace(shard, number);
    if (entry.second) shards_.push_back(shard);
    if (shards_.size() > kMaxShards) bytes_.fail("more than 10000 shards");
    places_.push_back({tensor, entry.first->second});
  }

  void sort_places() {
    const auto by_name = [](const Place& a, const Place& b) { return a.tensor < b.tensor; };
    std::sort(places_.begin(), places_.end(), by_name);
    const auto twin =
        std::adjacent_find(places_.begin(), places_.end(),
                           [](const Place& a, const Place& b) { return a.tensor == b.tensor; });
    if (twin != places_.end()) {
      bytes_.fail("tensor '" + printable(twin->tensor) + "' has two places in 'weight_map'");
    }
  }

  ByteReader bytes_;
  JsonScanner json_;
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<std::string> shards_;
  std::vector<Place> places_;
  std::optional<std::uint64_t> total_size_;
  bool has_map_ = false;
  bool has_metadata_ = false;
};

void add_shard(Checkpoint& all, Checkpoint shard, std::uint32_t number,
               const std::vector<Place>& places) {
  const std::string name = shard.files.front().name;
  for (TensorInfo& tensor : shard.tensors) {
    const auto at =
        std::lower_bound(places.begin(), places.end(), tensor.name,
                         [](const Place& p, const std::string& n) { return p.tensor < n; });
    if (at == places.end() || at->tensor != tensor.name || at->shard != number) {
      bad_file(name, "its tensor '" + printable(tensor.name) + "' is not where the index says");
    }
    tensor.file = number;
    all.tensors.push_back(std::move(tensor));
  }
  all.files.push_back(std::move(shard.files.front()));
  if (number > 0 && shard.format != all.format)
    bad_file(name, "it is of another format than the rest");
  all.format = shard.format;
  if (number == 0) all.metadata = std::move(shard.metadata);
}

Checkpoint open_shards(const Folder& folder, const File& file) {
  IndexReader index(file);
  index.read();
  Checkpoint all;
  all.tensors.reserve(index.places().size());
  for (std::uint32_t i = 0; i < index.shards().size(); ++i) {
    const File shard = folder.file(index.shards()[i]);
    add_shard(all, is_pytorch(shard) ? open_pytorch(shard) : open_safetensors(shard), i,
              index.places());
  }
  sort_by_name(all.tensors, file.name());
  if (all.tensors.size() != index.places().size()) {
    const auto absent =
        std::find_if(index.places().begin(), index.places().end(),
                     [&](const Place& place) { return all.find(place.tensor) == nullptr; });
    bad_file(file.name(), "tensor '" + printable(absent->tensor) + "' is not in '" +
                              printable(index.shards()[absent->shard]) + "'");
  }
  // PyTorch counts tensors that share their bytes once.
  if (all.format == Format::Safetensors && index.total_size() &&
      *index.total_size() != all.bytes()) {
    bad_file(file.name(), "it tells a total size of " + std::to_string(*index.total_size()) +
                              " bytes, its tensors have " + std::to_string(all.bytes()));
  }
  return all;
}

}  // namespace

Checkpoint open_safetensors(const Folder& folder, std::string_view name) {
  const File file = folder.file(name);
  const bool is_text =
      file.size() > 0 && !is_safetensors(file) && ByteReader(file, 0, 1).peek() == '{';
  return is_text ? open_shards(folder, file) : open_safetensors(file);
}

}  // namespace roost::formats

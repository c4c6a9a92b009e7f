#pragma once

#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "backend/native/checkpoint_source.h"
#include "formats/config.h"
#include "formats/safetensors.h"
#include "tensor/linear.h"

namespace roost::nets::test {

inline formats::Folder fixture(const std::string& name) {
  return formats::Folder::open(std::string(ROOST_FIXTURES) + "/" + name);
}

inline formats::ModelConfig config_of(const formats::Folder& folder) {
  return formats::parse_config(formats::read_text(folder.file("config.json"), 1 << 20),
                               "config.json");
}

inline backend::CheckpointSource open(const formats::Folder& folder, const std::string& name) {
  formats::Checkpoint checkpoint = formats::open_safetensors(folder, name);
  std::vector<formats::File> files = formats::open_files(folder, checkpoint);
  return {std::move(checkpoint), std::move(files)};
}

class Memory {
 public:
  explicit Memory(std::uint64_t bytes)
      : data_(static_cast<std::byte*>(std::aligned_alloc(tensor::kRegionAlign, bytes))),
        bytes_(bytes) {}
  ~Memory() { std::free(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::byte* data() const { return data_; }
  std::span<std::byte> span() const { return {data_, bytes_}; }

 private:
  std::byte* const data_;
  const std::uint64_t bytes_;
};

struct Sequence {
  std::vector<std::uint32_t> ids, types;
  std::vector<float> states, scores;
};

// What the reference says of a family.
inline std::vector<Sequence> expected_of(const formats::Folder& folder, std::size_t hidden) {
  const formats::Checkpoint checkpoint = formats::open_safetensors(folder, "expected.safetensors");
  const std::vector<formats::File> files = formats::open_files(folder, checkpoint);
  const auto whole = [&](const char* name) {
    const formats::TensorInfo* tensor = checkpoint.find(name);
    std::vector<std::int64_t> numbers(tensor->elements());
    files[0].read_at(tensor->offset, std::as_writable_bytes(std::span(numbers)));
    return numbers;
  };
  const auto ids = whole("ids"), types = whole("types"), lengths = whole("lengths");
  std::vector<float> states(ids.size() * hidden);
  files[0].read_at(checkpoint.find("states")->offset, std::as_writable_bytes(std::span(states)));
  std::vector<float> scores;
  if (const formats::TensorInfo* tensor = checkpoint.find("scores")) {
    scores.resize(tensor->elements());
    files[0].read_at(tensor->offset, std::as_writable_bytes(std::span(scores)));
  }
  const std::size_t labels = scores.size() / lengths.size();
  std::vector<Sequence> sequences;
  std::size_t first = 0;
  for (const std::int64_t length : lengths) {
    Sequence one;
    const std::size_t end = first + static_cast<std::size_t>(length);
    for (std::size_t i = first; i < end; ++i) {
      one.ids.push_back(static_cast<std::uint32_t>(ids[i]));
      one.types.push_back(static_cast<std::uint32_t>(types[i]));
    }
    one.states.assign(states.data() + first * hidden, states.data() + end * hidden);
    const float* score = scores.data() + sequences.size() * labels;
    one.scores.assign(score, score + labels);
    sequences.push_back(std::move(one));
    first = end;
  }
  return sequences;
}

}  // namespace roost::nets::test

#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "formats/pickle.h"

namespace roost::formats {

enum class PickleKind : std::uint8_t {
  None,
  Bool,
  Int,
  Float,
  Text,
  Sequence,
  Dict,
  Global,
  Storage,
  Tensor,
  Opaque,
};

// A value of the pickle machine: numbers are in it, the rest is a number of an object in the heap.
struct PickleRef {
  PickleKind kind = PickleKind::None;
  std::uint64_t value = 0;
};

// What a pickle has made so far. Every byte is charged against a limit that follows from the
// pickle's size; objects live until the machine ends, as pickles keep most of them anyway.
struct PickleHeap {
  struct Sequence {
    std::vector<PickleRef> items;
    bool is_list = false;
  };
  using Dict = std::vector<std::pair<PickleRef, PickleRef>>;
  struct Tensor {
    std::uint32_t storage = 0;
    Dtype dtype = Dtype::Unknown;
    std::uint64_t offset = 0;
    std::vector<std::uint64_t> shape, strides;
  };

  std::deque<std::string> texts;
  std::deque<Sequence> sequences;
  std::deque<Dict> dicts;
  std::deque<Tensor> tensors;
  std::vector<PickledStorage> storages;
};

// The tensors below `top`, as Pickled has them. Throws BadFile for a name too long, for more than
// 32 dicts within each other, and for dicts that show up again and again.
Pickled gather_tensors(const PickleHeap& heap, PickleRef top, const ByteReader& bytes);

}  // namespace roost::formats

#include "formats/pickle_objects.h"

#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxVisits = 4 * kMaxTensors;

class Gatherer {
 public:
  Gatherer(const PickleHeap& heap, const ByteReader& bytes) : heap_(heap), bytes_(bytes) {}

  void visit(PickleRef ref, const std::string& name, int depth) {
    if (++visits_ > kMaxVisits) bytes_.fail("the same objects are used again and again");
    if (depth > kMaxDepth) bytes_.fail("objects are more than 32 deep within each other");
    if (ref.kind == PickleKind::Tensor) add(heap_.tensors[ref.value], name);
    if (ref.kind == PickleKind::Dict) {
      for (const auto& item : heap_.dicts[ref.value]) {
        visit(item.second, joined(name, key_text(item.first)), depth + 1);
      }
    }
    if (ref.kind == PickleKind::Sequence) {
      const auto& items = heap_.sequences[ref.value].items;
      for (std::size_t i = 0; i < items.size(); ++i) {
        visit(items[i], joined(name, std::to_string(i)), depth + 1);
      }
    }
  }

  std::vector<PickledTensor> take() { return std::move(tensors_); }

 private:
  void add(const PickleHeap::Tensor& tensor, const std::string& name) {
    check_tensor_name(name, bytes_.name(), bytes_.position());
    if (tensors_.size() == kMaxTensors) bytes_.fail("more than 1000000 tensors");
    tensors_.push_back(
        {name, tensor.dtype, tensor.storage, tensor.offset, tensor.shape, tensor.strides});
  }

  std::string key_text(PickleRef key) const {
    if (key.kind == PickleKind::Text) return heap_.texts[key.value];
    if (key.kind == PickleKind::Int) return std::to_string(static_cast<std::int64_t>(key.value));
    bytes_.fail("a dict has a key that is neither a text nor a number");
  }

  static std::string joined(const std::string& outer, const std::string& inner) {
    return outer.empty() ? inner : outer + "." + inner;
  }

  const PickleHeap& heap_;
  const ByteReader& bytes_;
  std::vector<PickledTensor> tensors_;
  std::size_t visits_ = 0;
};

}  // namespace

Pickled gather_tensors(const PickleHeap& heap, PickleRef top, const ByteReader& bytes) {
  Pickled out;
  if (top.kind == PickleKind::Dict) {
    for (const auto& item : heap.dicts[top.value]) {
      const bool is_state = item.first.kind == PickleKind::Text &&
                            heap.texts[item.first.value] == "state_dict" &&
                            item.second.kind == PickleKind::Dict;
      if (!is_state) continue;
      top = item.second;
      out.root = "state_dict";
      break;
    }
  }
  Gatherer gatherer(heap, bytes);
  gatherer.visit(top, top.kind == PickleKind::Tensor ? "tensor" : "", 0);
  out.tensors = gatherer.take();
  out.storages = heap.storages;
  return out;
}

}  // namespace roost::formats

#include "nets/tensor_list.h"

#include "nets/families.h"

namespace roost::nets {
namespace {

class List {
 public:
  explicit List(std::string prefix) : prefix_(std::move(prefix)) {}

  void layer(const std::string& name, std::size_t out, std::size_t in) {
    add(name + ".weight", {out, in}, NamedTensor::Kind::Weight);
    add(name + ".bias", {out}, NamedTensor::Kind::Bias);
  }
  void table(const std::string& name, std::size_t rows, std::size_t width) {
    add(name + ".weight", {rows, width}, NamedTensor::Kind::Weight);
  }
  void norm(const std::string& name, std::size_t width) {
    add(name + ".weight", {width}, NamedTensor::Kind::Scale);
    add(name + ".bias", {width}, NamedTensor::Kind::Bias);
  }

  std::vector<NamedTensor> tensors;

 private:
  void add(const std::string& name, std::vector<std::uint64_t> shape, NamedTensor::Kind kind) {
    tensors.push_back({prefix_ + name, std::move(shape), kind});
  }
  const std::string prefix_;
};

}  // namespace

std::vector<NamedTensor> tensors_of(const EncoderShape& shape) {
  const TensorNames& names = names_of(shape);
  List list(names.prefixes.front());
  list.table(names.words, shape.vocabulary, shape.embedding);
  list.table(names.positions, shape.positions, shape.embedding);
  if (shape.types != 0) list.table(names.types, shape.types, shape.embedding);
  list.norm(names.embedding_norm, shape.embedding);
  if (shape.embedding != shape.hidden) {
    list.layer(names.projection, shape.hidden, shape.embedding);
  }
  if (shape.relative_buckets != 0) {
    list.table(names.relative_bias, shape.relative_buckets, shape.heads);
  }
  for (std::size_t i = 0; i < shape.layers; ++i) {
    for (const std::string* name : {&names.query, &names.key, &names.value, &names.out}) {
      list.layer(of_layer(*name, i), shape.hidden, shape.hidden);
    }
    list.norm(of_layer(names.attention_norm, i), shape.hidden);
    list.layer(of_layer(names.up, i), shape.intermediate, shape.hidden);
    list.layer(of_layer(names.down, i), shape.hidden, shape.intermediate);
    list.norm(of_layer(names.norm, i), shape.hidden);
  }
  return std::move(list.tensors);
}

}  // namespace roost::nets

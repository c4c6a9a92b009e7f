#include "nets/named_tensors.h"

#include <algorithm>

#include "formats/tensors.h"
#include "nets/families.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::nets {
namespace {

[[noreturn]] void absent(const std::string& name, const std::string& family) {
  throw RoostError(ErrorCode::BadFile, "the weights have no tensor '" + printable(name) +
                                           "', which a model of the family '" + family + "' needs");
}

}  // namespace

std::string prefix_of(const EncoderShape& shape, const TensorSource& source) {
  const TensorNames& names = names_of(shape);
  for (const std::string& prefix : names.prefixes) {
    if (source.shape_of(prefix + names.words + ".weight")) return prefix;
  }
  absent(names.prefixes.back() + names.words + ".weight", shape.family);
}

void check_tensor(const TensorSource& source, const std::string& name,
                  std::span<const std::uint64_t> shape, const std::string& family) {
  const auto found = source.shape_of(name);
  if (!found) absent(name, family);
  if (std::equal(found->begin(), found->end(), shape.begin(), shape.end())) return;
  throw RoostError(ErrorCode::BadFile,
                   "the tensor '" + printable(name) + "' is " + formats::shape_text(*found) +
                       ", and by config.json it is " + formats::shape_text(shape));
}

}  // namespace roost::nets

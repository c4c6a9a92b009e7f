#pragma once

#include <concepts>
#include <string>
#include <vector>

#include "formats/expect_error.h"

namespace roost::test {

inline std::string varint(std::uint64_t n) {
  std::string out;
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
  return out + static_cast<char>(n);
}
template <std::integral Number>
std::string field(std::uint64_t number, Number value) {
  return varint(number << 3) + varint(static_cast<std::uint64_t>(value));
}
inline std::string field(std::uint64_t number, const std::string& bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}
inline std::string field(std::uint64_t number, const char* text) {
  return field(number, std::string(text));
}

// A model of version 8 and operator set 17 around the fields of its graph.
inline std::string onnx_bytes(const std::string& graph, const std::string& more = "") {
  return field(1, 8) + field(2, "test") + field(7, graph) + field(8, field(2, 17)) + more;
}
inline std::string onnx_tensor(const std::string& name, std::uint64_t type,
                               const std::vector<std::uint64_t>& dims, const std::string& data) {
  std::string out;
  for (const std::uint64_t n : dims) out += field(1, n);
  return field(5, out + field(2, type) + field(8, name) + data);
}
inline std::string onnx_entry(const std::string& key, const std::string& value) {
  return field(13, field(1, key) + field(2, value));
}
inline std::string onnx_value(std::uint64_t number, const std::string& name) {
  const std::string shape = field(1, field(2, "batch")) + field(1, field(1, 4));
  return field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, shape))));
}

}  // namespace roost::test

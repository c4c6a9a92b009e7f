#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/expect_error.h"

namespace roost::test {

inline std::string gguf_text(std::string_view text) {
  return Bytes().u64(text.size()).text(text).str();
}
inline std::string gguf_pair(std::string_view key, std::uint32_t type, const std::string& value) {
  return Bytes().text(gguf_text(key)).u32(type).text(value).str();
}
inline std::string gguf_u32(std::string_view key, std::uint32_t value) {
  return gguf_pair(key, 4, Bytes().u32(value).str());
}
inline std::string gguf_string(std::string_view key, std::string_view value) {
  return gguf_pair(key, 8, gguf_text(value));
}
// `elements` as they lie in the file.
inline std::string gguf_array(std::string_view key, std::uint32_t element, std::uint64_t count,
                              const std::string& elements) {
  return gguf_pair(key, 9, Bytes().u32(element).u64(count).text(elements).str());
}
inline std::string gguf_tensor(std::string_view name, const std::vector<std::uint64_t>& dimensions,
                               std::uint32_t type, std::uint64_t offset) {
  Bytes out;
  out.text(gguf_text(name)).u32(dimensions.size());
  for (const std::uint64_t n : dimensions) out.u64(n);
  return out.u32(type).u64(offset).str();
}

// Header, pairs and tensors, padding, then `data_bytes` bytes.
inline std::string gguf_bytes(const std::vector<std::string>& pairs,
                              const std::vector<std::string>& tensors, std::size_t data_bytes,
                              std::size_t alignment = 32, std::uint32_t version = 3) {
  Bytes out;
  out.text("GGUF").u32(version).u64(tensors.size()).u64(pairs.size());
  for (const std::string& pair : pairs) out.text(pair);
  for (const std::string& tensor : tensors) out.text(tensor);
  if (!tensors.empty()) out.zeros((alignment - out.size() % alignment) % alignment);
  return out.zeros(data_bytes).str();
}

}  // namespace roost::test

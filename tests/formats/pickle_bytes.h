#pragma once

#include <string>

#include "formats/expect_error.h"

namespace roost::test {

// Pickles by their opcodes, without a memo.
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string text(const std::string& text) {
  return Bytes().u8('X').u32(text.size()).text(text).str();
}
inline std::string number(std::uint64_t n) {
  return Bytes().u8(0x8a).u8(8).u64(n).str();
}
inline std::string storage(const std::string& type, const std::string& key,
                           std::uint64_t elements) {
  return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") +
         number(elements) + "tQ";
}
inline std::string tuple(std::initializer_list<std::uint64_t> numbers) {
  std::string out = "(";
  for (const std::uint64_t n : numbers) out += number(n);
  return out + "t";
}
inline std::string ordered_dict() {
  return global("collections", "OrderedDict") + ")R";
}
inline std::string tensor(const std::string& storage, std::uint64_t offset,
                          const std::string& shape, const std::string& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + number(offset) + shape +
         strides + "\x89" + ordered_dict() + "tR";
}
inline std::string pickle(const std::string& opcodes) {
  return "\x80\x02" + opcodes + ".";
}

// A vector "w" of `elements` floats in storage "0".
inline std::string state_dict(std::uint64_t elements) {
  return pickle("}(" + text("w") +
                tensor(storage("FloatStorage", "0", elements), 0, tuple({elements}), tuple({1})) +
                "u");
}

}  // namespace roost::test

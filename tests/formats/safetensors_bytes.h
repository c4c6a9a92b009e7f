#pragma once

#include <string>
#include <string_view>

#include "formats/expect_error.h"

namespace roost::test {

// A safetensors file: the header as it is given, then `data_bytes` bytes.
inline std::string safetensors_bytes(std::string_view header, std::size_t data_bytes) {
  return Bytes().u64(header.size()).text(header).zeros(data_bytes).str();
}

inline std::string entry(const std::string& name, const std::string& dtype,
                         const std::string& shape, const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

}  // namespace roost::test

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/config.h"
#include "formats/tensors.h"

namespace roost::formats {

enum class GgufType : std::uint32_t {
  U8,
  I8,
  U16,
  I16,
  U32,
  I32,
  F32,
  Bool,
  Text,
  Array,
  U64,
  I64,
  F64,
};
std::string_view to_string(GgufType type);
std::size_t width(GgufType type);  // bytes of a value; of a text or an array, of its length

// A value of the metadata. Access is typed: the as_ functions throw BadFile for another type.
struct GgufValue {
  GgufType type = GgufType::U8;
  GgufType element = GgufType::U8;  // of an Array
  std::uint64_t count = 0;          // elements of an Array
  std::uint64_t bits = 0;           // of a number, as it lies in the file
  std::string text;                 // a Text; or an Array's numbers as they lie in the file
  std::vector<std::string> texts;   // an Array of Text
  std::vector<GgufValue> arrays;    // an Array of Array

  std::uint64_t as_uint() const;  // any whole number of 0 or more
  std::int64_t as_int() const;    // any whole number
  double as_double() const;       // F32, F64
  bool as_bool() const;
  const std::string& as_text() const;
  const std::vector<std::string>& as_texts() const;
  std::vector<float> as_floats() const;       // an Array of F32
  std::vector<std::int64_t> as_ints() const;  // an Array of whole numbers

  // Numbers, texts of up to 4 KiB, and {"type", "count"} for arrays and what is longer.
  Value summary() const;
};

struct GgufFile {
  std::uint32_t version = 0;
  std::uint64_t alignment = 32;
  std::vector<std::pair<std::string, GgufValue>> metadata;  // sorted by key, keys unique
  Checkpoint checkpoint;  // its metadata has the summaries; shapes are outermost first

  const GgufValue* find(std::string_view key) const;  // null when there is none
  const GgufValue& at(std::string_view key) const;    // throws BadFile when there is none
  std::string architecture() const;                   // empty when it does not say
};

bool is_gguf(const File& file);

// Reads version 2 or 3. Throws BadFile for what the format does not allow: tensors must be aligned
// and follow each other to the end of the file, whole blocks only; the vocabulary's lists must be
// of one length. Throws Unsupported for other versions, big-endian files and parts of a split one.
GgufFile open_gguf(const File& file);

// What config.json would say of it. model_type is the architecture.
ModelConfig gguf_config(const GgufFile& file);

}  // namespace roost::formats

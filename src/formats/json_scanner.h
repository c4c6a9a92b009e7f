#pragma once

#include <cstdint>
#include <string>

#include "formats/bytes.h"

namespace roost::formats {

// Reads JSON text front to back without keeping it, for headers too large for a tree of values.
// The caller says what it expects; anything else throws BadFile with the offset and what was found.
// Strings must be UTF-8 without lone surrogates. Keys are not checked for repetition: who keeps
// them does that.
class JsonScanner {
 public:
  static constexpr int kMaxDepth = 64;

  explicit JsonScanner(ByteReader& bytes) : bytes_(bytes) {}

  // Calls member(key) for each member; it must read the member's value.
  template <class Member>
  void object(Member&& member) {
    expect('{', "an object");
    if (take('}')) return;
    do {
      skip_space();
      const std::string key = string(kMaxString, "a key");
      expect(':', "':'");
      member(key);
    } while (take(','));
    expect('}', "',' or '}'");
  }

  // Calls element() for each element; it must read it.
  template <class Element>
  void array(Element&& element) {
    expect('[', "an array");
    if (take(']')) return;
    do element();
    while (take(','));
    expect(']', "',' or ']'");
  }

  std::string string(std::size_t max_bytes, const char* what);
  std::uint64_t whole_number(const char* what);  // 0 to 2^64-1, digits only
  void skip_value();                             // any value, at most kMaxDepth deep

  // Nothing may follow but white space; with `spaces_only`, nothing but spaces.
  void end(bool spaces_only);

  std::uint64_t position() const { return bytes_.position(); }
  [[noreturn]] void fail(const std::string& why) const { bytes_.fail(why); }

  static constexpr std::size_t kMaxString = std::size_t{1} << 20;

 private:
  void skip_space();
  bool take(char wanted);  // skips space, then takes `wanted` if it is next
  void expect(char wanted, const char* what);
  void escape(std::string& out);
  std::uint32_t four_hex();
  void skip_number();
  void skip_word(const char* word);
  std::string found();

  ByteReader& bytes_;
  int depth_ = 0;
};

}  // namespace roost::formats

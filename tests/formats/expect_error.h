#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "device/fake_tree.h"
#include "roost/error.h"

namespace roost::test {

// `work` must throw a RoostError of `code` whose message has `words` in it.
inline void expect_error(ErrorCode code, const std::string& words,
                         const std::function<void()>& work) {
  try {
    work();
    ADD_FAILURE() << "nothing was thrown; wanted " << words;
  } catch (const RoostError& error) {
    EXPECT_EQ(to_string(error.code()), to_string(code)) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos)
        << error.what() << "\n  lacks: " << words;
  }
}

inline void expect_bad_file(const std::string& words, const std::function<void()>& work) {
  expect_error(ErrorCode::BadFile, words, work);
}

// Numbers and texts one after the other, little-endian, as the formats have them.
class Bytes {
 public:
  Bytes& u8(std::uint64_t n) { return number(n, 1); }
  Bytes& u16(std::uint64_t n) { return number(n, 2); }
  Bytes& u32(std::uint64_t n) { return number(n, 4); }
  Bytes& u64(std::uint64_t n) { return number(n, 8); }
  Bytes& text(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  Bytes& zeros(std::size_t count) {
    bytes_.append(count, '\0');
    return *this;
  }
  std::size_t size() const { return bytes_.size(); }
  const std::string& str() const { return bytes_; }

 private:
  Bytes& number(std::uint64_t n, int bytes) {
    for (int i = 0; i < bytes; ++i) bytes_ += static_cast<char>(n >> (8 * i));
    return *this;
  }
  std::string bytes_;
};

}  // namespace roost::test

#include "formats/bytes.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/utf8.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::formats {

void bad_file(std::string_view file, std::uint64_t offset, const std::string& why) {
  throw RoostError(ErrorCode::BadFile, "reading '" + printable(file) + "' at byte " +
                                           std::to_string(offset) + ": " + why);
}

void bad_file(std::string_view file, const std::string& why) {
  throw RoostError(ErrorCode::BadFile, "reading '" + printable(file) + "': " + why);
}

void io_error(std::string_view file, int error) {
  if (error == ELOOP) bad_file(file, "it is a link, and links are not followed");
  if (error == ENOTDIR) bad_file(file, "a part of its path is no folder, or a link");
  if (error == EXDEV) bad_file(file, "its name leads out of the folder");
  if (error == ENXIO) bad_file(file, "it is not a regular file");
  throw RoostError(ErrorCode::IoError,
                   "reading '" + printable(file) + "': " + std::generic_category().message(error));
}

ByteReader::ByteReader(const File& file, std::uint64_t begin, std::uint64_t end, std::size_t window)
    : file_(&file), name_(file.name()), window_bytes_(window), window_begin_(begin), end_(end) {
  if (begin > end || end > file.size()) {
    bad_file(name_, begin,
             "a part ends at byte " + std::to_string(end) + ", but the file has " +
                 std::to_string(file.size()));
  }
}

ByteReader::ByteReader(std::span<const std::byte> bytes, std::string name, std::uint64_t base)
    : name_(std::move(name)), window_(bytes), window_begin_(base), end_(base + bytes.size()) {}

bool ByteReader::refill() {
  if (file_ == nullptr || at_end()) return false;
  window_begin_ = position();
  at_ = 0;
  if (buffer_.empty()) {
    buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(window_bytes_, remaining())));
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), remaining()));
  window_ = {};  // nothing is in it if reading throws
  file_->read_at(window_begin_, std::span(buffer_).first(size));
  window_ = std::span<const std::byte>(buffer_).first(size);
  return true;
}

void ByteReader::need(std::uint64_t bytes) const {
  if (bytes <= remaining()) return;
  fail(std::to_string(bytes) + " bytes wanted, but only " + std::to_string(remaining()) +
       " are left: the file is cut short or lies about a length");
}

float ByteReader::f32() {
  return std::bit_cast<float>(u32());
}

double ByteReader::f64() {
  return std::bit_cast<double>(u64());
}

void ByteReader::read(std::span<std::byte> out) {
  need(out.size());
  while (!out.empty()) {
    if (at_ == window_.size()) refill();
    const std::size_t step = std::min(out.size(), window_.size() - at_);
    std::memcpy(out.data(), window_.data() + at_, step);
    at_ += step;
    out = out.subspan(step);
  }
}

std::string ByteReader::text(std::uint64_t bytes, std::uint64_t max_bytes, std::string_view what) {
  if (bytes > max_bytes) {
    fail(std::string(what) + " of " + std::to_string(bytes) + " bytes is longer than the " +
         std::to_string(max_bytes) + " allowed");
  }
  need(bytes);
  std::string text(bytes, '\0');
  read(std::as_writable_bytes(std::span(text)));
  return text;
}

void ByteReader::skip(std::uint64_t bytes) {
  need(bytes);
  const std::uint64_t here = window_.size() - at_;
  if (bytes <= here) {
    at_ += static_cast<std::size_t>(bytes);
    return;
  }
  window_begin_ = position() + bytes;  // a file's: memory is all in its window
  window_ = {};
  at_ = 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    if (is_stray_byte(take_character(text))) return false;
  }
  return true;
}

}  // namespace roost::formats

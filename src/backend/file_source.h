#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "roost/backend.h"

namespace roost::backend {

inline constexpr std::size_t kMaxReadStep = std::size_t{16} << 20;  // a stop is obeyed within it
inline constexpr int kMaxFolderDepth = 8;
inline constexpr std::size_t kMaxFolderFiles = 100'000;

// The files of "file:/absolute/path": one regular file, or a folder with at least one below it.
// Symbolic links are not followed, the last part of the path included.
class FileSource final : public ModelSource {
 public:
  // Throws InvalidArgument unless `source` is an absolute path, with or without "file:" before.
  explicit FileSource(std::string_view source);

  bool is_present() const override;

  // Sum of the sizes. 0 when nothing is there, or when the folder is deeper than kMaxFolderDepth
  // or holds more than kMaxFolderFiles, so that the sum would be too small.
  std::uint64_t estimate() const override;

  std::string path() const override { return path_; }

  // Nothing to fetch: tells that all is there, or throws IoError when it is not.
  void fetch(const Progress& progress, std::stop_token stop) override;

 private:
  std::string path_;
};

// Fills `out` with the bytes of a regular file from `offset` on, at most kMaxReadStep at a time,
// looking at `stop` before each. Throws CancelledException, or IoError naming file and reason: not
// there, a link, not a regular file, unreadable, shorter than asked for.
void read_file(const std::string& path, std::uint64_t offset, std::span<std::byte> out,
               const std::stop_token& stop);

// The loop inside read_file. `read_at` is pread: bytes read, 0 at the end, -1 with errno set.
using ReadAt = std::function<std::ptrdiff_t(void* to, std::size_t bytes, std::uint64_t offset)>;
void read_fully(const std::string& path, std::uint64_t offset, std::span<std::byte> out,
                const std::stop_token& stop, const ReadAt& read_at);

}  // namespace roost::backend

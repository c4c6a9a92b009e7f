#include "formats/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/checked.h"
#include "formats/bytes.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

FileIdentity identity_of(const struct stat& info) {
  return {.device = static_cast<std::uint64_t>(info.st_dev),
          .inode = static_cast<std::uint64_t>(info.st_ino),
          .size = static_cast<std::uint64_t>(info.st_size),
          .modified_ns = nanoseconds(info.st_mtim),
          .changed_ns = nanoseconds(info.st_ctim)};
}

struct stat look_at(int fd, const std::string& name) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) io_error(name, errno);
  return info;
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

File File::open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.is_open()) io_error(path, errno);
  return {std::move(fd), path.substr(path.find_last_of('/') + 1)};
}

File::File(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {
  const struct stat info = look_at(fd_.get(), name_);
  if (!S_ISREG(info.st_mode)) bad_file(name_, "it is not a regular file");
  identity_ = identity_of(info);
  hard_links_ = static_cast<std::uint64_t>(info.st_nlink);
}

void File::read_at(std::uint64_t offset, std::span<std::byte> out,
                   const std::stop_token& stop) const {
  const auto end = checked_add(offset, out.size());
  if (!end || *end > size()) {
    bad_file(name_, offset,
             std::to_string(out.size()) + " bytes wanted, but the file is cut short: it has " +
                 std::to_string(size()) + "; fetch it again");
  }
  while (!out.empty()) {
    if (stop.stop_requested()) throw CancelledException("reading '" + printable(name_) + "'");
    const std::size_t step = std::min(out.size(), kMaxReadStep);
    const ssize_t got = ::pread(fd_.get(), out.data(), step, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) io_error(name_, errno);
    if (got == 0) {
      bad_file(name_, offset, "the file was cut short while it was read; fetch it again");
    }
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

void File::check_unchanged() const {
  if (identity_of(look_at(fd_.get(), name_)) != identity_) {
    bad_file(name_, "the file was written to while it was in use; load it again");
  }
}

std::string read_text(const File& file, std::uint64_t max_bytes) {
  if (file.size() > max_bytes) {
    bad_file(file.name(), "it is " + std::to_string(file.size()) + " bytes long, more than the " +
                              std::to_string(max_bytes) + " that such a file may have");
  }
  std::string text(file.size(), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace roost::formats

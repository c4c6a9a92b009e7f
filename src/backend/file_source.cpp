#include "backend/file_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "base/checked.h"
#include "roost/ids.h"
#include "roost/error.h"

namespace roost::backend {
namespace {

constexpr std::string_view kScheme = "file:";
constexpr std::size_t kMaxPathBytes = 4096;
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;  // a FIFO must not wait

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, CloseDir>;

std::string reason(int error) {
  return std::generic_category().message(error);
}

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw RoostError(ErrorCode::IoError, "reading '" + printable(path) + "': " + why);
}

// What a walk over a folder found. It ends at the first file when only presence is asked for.
struct Walk {
  bool first_only = false;
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  bool past_limits = false;

  bool ended() const { return past_limits || (first_only && files > 0); }
  void add(std::uint64_t size) {
    if (++files > kMaxFolderFiles) past_limits = true;
    bytes = checked_add(bytes, size).value_or(UINT64_MAX);
  }
};

void walk_folder(Fd folder, int depth, Walk& walk);

void visit(int folder, const char* name, int depth, Walk& walk) {
  struct stat info {};
  if (::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (S_ISREG(info.st_mode)) {
    walk.add(static_cast<std::uint64_t>(info.st_size));
  } else if (S_ISDIR(info.st_mode)) {
    if (depth >= kMaxFolderDepth) {
      walk.past_limits = true;
      return;
    }
    walk_folder(Fd(::openat(folder, name, kOpenFlags | O_DIRECTORY)), depth + 1, walk);
  }
}

// A folder that cannot be read counts as empty: its files could not be loaded either.
void walk_folder(Fd folder, int depth, Walk& walk) {
  const Dir dir(::fdopendir(folder.get()));
  if (!dir) return;
  const int fd = folder.release();  // the stream's now
  while (!walk.ended()) {
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) return;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") visit(fd, entry->d_name, depth, walk);
  }
}

Walk walk_path(const std::string& path, bool first_only) {
  Walk walk{.first_only = first_only};
  Fd fd(::open(path.c_str(), kOpenFlags));
  struct stat info {};
  if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0) return walk;
  if (S_ISREG(info.st_mode)) {
    walk.add(static_cast<std::uint64_t>(info.st_size));
  } else if (S_ISDIR(info.st_mode)) {
    walk_folder(Fd(fd.release()), 0, walk);
  }
  return walk;
}

[[noreturn]] void fail_truncated(const std::string& path, std::uint64_t end, std::uint64_t wanted) {
  fail(path, "it ends at byte " + std::to_string(end) + ", but bytes up to " +
                 std::to_string(wanted) + " are needed: truncated; fetch or copy it again");
}

}  // namespace

FileSource::FileSource(std::string_view source) {
  std::string_view path = source;
  if (path.starts_with(kScheme)) path.remove_prefix(kScheme.size());
  check_text("file source", path, kMaxPathBytes);
  if (!path.starts_with('/')) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "file source '" + printable(source) + "' must be an absolute path");
  }
  path_ = path;
}

bool FileSource::is_present() const {
  return walk_path(path_, true).files > 0;
}

std::uint64_t FileSource::estimate() const {
  const Walk walk = walk_path(path_, false);
  return walk.past_limits ? 0 : walk.bytes;
}

void FileSource::fetch(const Progress& progress, std::stop_token stop) {
  if (stop.stop_requested()) {
    throw CancelledException("looking for '" + printable(path_) + "' was cancelled");
  }
  if (!is_present()) {
    fail(path_,
         "no regular file, and no folder with one in it, is there; a file source cannot be "
         "downloaded, put the files in place");
  }
  if (!progress) return;
  const std::uint64_t bytes = estimate();
  progress(bytes, bytes);
}

void read_file(const std::string& path, std::uint64_t offset, std::span<std::byte> out,
               const std::stop_token& stop) {
  const std::optional<std::uint64_t> end = checked_add(offset, out.size());
  if (!end || *end > static_cast<std::uint64_t>(INT64_MAX)) {
    fail(path, "offset " + std::to_string(offset) + " is beyond any file");
  }
  const Fd fd(::open(path.c_str(), kOpenFlags));
  if (fd.get() < 0) {
    const int error = errno;
    fail(path, error == ELOOP ? "a symbolic link, which is not followed" : reason(error));
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) fail(path, reason(errno));
  if (!S_ISREG(info.st_mode)) fail(path, "not a regular file");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size < *end) fail_truncated(path, size, *end);
  read_fully(path, offset, out, stop,
             [&](void* to, std::size_t bytes, std::uint64_t at) -> std::ptrdiff_t {
               return ::pread(fd.get(), to, bytes, static_cast<off_t>(at));
             });
}

void read_fully(const std::string& path, std::uint64_t offset, std::span<std::byte> out,
                const std::stop_token& stop, const ReadAt& read_at) {
  std::size_t done = 0;
  while (done < out.size()) {
    if (stop.stop_requested()) {
      throw CancelledException("reading '" + printable(path) + "' was cancelled after " +
                               std::to_string(done) + " of " + std::to_string(out.size()) +
                               " bytes");
    }
    const std::size_t step = std::min(out.size() - done, kMaxReadStep);
    const std::ptrdiff_t got = read_at(out.data() + done, step, offset + done);
    if (got < 0) {
      if (errno == EINTR) continue;
      fail(path, reason(errno));
    }
    if (got == 0) fail_truncated(path, offset + done, offset + out.size());
    done += static_cast<std::size_t>(got);
  }
}

}  // namespace roost::backend

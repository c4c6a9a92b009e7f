#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "formats/bytes.h"
#include "formats/file.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::formats {
namespace {

constexpr int kFileFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
constexpr int kFolderFlags = kFileFlags | O_DIRECTORY;
constexpr std::size_t kMaxEntries = 100'000;
constexpr std::size_t kMaxNameBytes = 1024;

// Empty when `name` is no name inside a folder.
std::vector<std::string> split(std::string_view name) {
  if (name.size() > kMaxNameBytes || name.find('\0') != std::string_view::npos) return {};
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return {};
    parts.emplace_back(part);
    begin = end + 1;
  }
  return parts;
}

std::vector<std::string> parts_of(std::string_view name) {
  std::vector<std::string> parts = split(name);
  if (parts.empty()) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "'" + printable(name) +
                         "' is no name inside a folder: it must be relative, "
                         "without empty parts, '.' and '..'");
  }
  return parts;
}

// Where the kernel has no openat2, or a filter forbids it: one part after the other, no links.
int open_parts(int folder, const std::vector<std::string>& parts, int flags) {
  Fd walked;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const int at = walked.is_open() ? walked.get() : folder;
    Fd next(::openat(at, parts[i].c_str(), kFolderFlags));
    if (!next.is_open()) return -1;
    walked = std::move(next);
  }
  return ::openat(walked.is_open() ? walked.get() : folder, parts.back().c_str(), flags);
}

int open_inside(int folder, const std::vector<std::string>& parts, const std::string& name,
                int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int tries = 0; tries < 8; ++tries) {
    const long fd = ::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno == ENOSYS || errno == EPERM) break;
    if (errno != EAGAIN && errno != EINTR) return -1;
  }
  return open_parts(folder, parts, flags);
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

}  // namespace

bool is_inner_name(std::string_view name) {
  return !split(name).empty();
}

Folder Folder::open(const std::string& path, Links links) {
  Fd fd(::open(path.c_str(), kFolderFlags));
  if (!fd.is_open()) io_error(path, errno);
  return {std::move(fd), path, links};
}

std::optional<Fd> Folder::open_beneath(std::string_view name, int flags) const {
  const std::vector<std::string> parts = parts_of(name);
  Fd fd(open_inside(fd_.get(), parts, std::string(name), flags));
  if (fd.is_open()) return fd;
  if (errno == ENOENT) return std::nullopt;
  if (errno == ELOOP && links_ == Links::Snapshot && (flags & O_DIRECTORY) == 0) {
    return open_blob(name);
  }
  io_error(std::string(name), errno);
}

std::optional<Fd> Folder::open_blob(std::string_view name) const {
  const std::vector<std::string> parts = parts_of(name);
  Fd parent;
  if (parts.size() > 1) {
    auto opened = open_beneath(name.substr(0, name.rfind('/')), kFolderFlags);
    if (!opened) return std::nullopt;
    parent = std::move(*opened);
  }
  std::array<char, 512> text{};
  const int at = parent.is_open() ? parent.get() : fd_.get();
  const ssize_t length = ::readlinkat(at, parts.back().c_str(), text.data(), text.size());
  if (length < 0) io_error(std::string(name), errno);

  std::string blobs;
  for (std::size_t i = 0; i < depth_ + parts.size() + 1; ++i) blobs += "../";
  blobs += "blobs/";
  std::string_view target(text.data(), static_cast<std::size_t>(length));
  const bool well_formed = target.starts_with(blobs);
  if (well_formed) target.remove_prefix(blobs.size());
  if (!well_formed || target.empty() || target.starts_with('.') ||
      target.find('/') != std::string_view::npos || target.size() > 255) {
    bad_file(std::string(name), "the link does not lead into the blobs folder of its repository");
  }
  // The way up is the folder's own, not the link's.
  std::string up = "..";
  for (std::size_t i = 0; i < depth_ + 1; ++i) up += "/..";
  const Fd folder(::openat(fd_.get(), (up + "/blobs").c_str(), kFolderFlags));
  if (!folder.is_open()) io_error("blobs", errno);
  Fd blob(::openat(folder.get(), std::string(target).c_str(), kFileFlags));
  if (blob.is_open()) return blob;
  if (errno == ENOENT) return std::nullopt;
  io_error(std::string(name), errno);
}

std::optional<File> Folder::find(std::string_view name) const {
  auto fd = open_beneath(name, kFileFlags);
  if (!fd) return std::nullopt;
  return File(std::move(*fd), std::string(name));
}

File Folder::file(std::string_view name) const {
  auto found = find(name);
  if (!found) io_error(std::string(name), ENOENT);
  return std::move(*found);
}

std::optional<Folder> Folder::folder(std::string_view name) const {
  auto fd = open_beneath(name, kFolderFlags);
  if (!fd) return std::nullopt;
  Folder below(std::move(*fd), name_ + "/" + std::string(name), links_);
  below.depth_ = depth_ + parts_of(name).size();
  return below;
}

std::vector<std::string> Folder::list(bool folders) const {
  const int again = ::openat(fd_.get(), ".", kFolderFlags);  // a stream of its own position
  if (again < 0) io_error(name_, errno);
  const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(again));
  if (!dir) io_error(name_, errno);
  std::vector<std::string> names;
  std::size_t seen = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (++seen > kMaxEntries) bad_file(name_, "the folder has more than 100000 entries");
    if (entry->d_name[0] == '.') continue;
    struct stat info {};
    if (::fstatat(again, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const bool wanted =
        folders ? S_ISDIR(info.st_mode)
                : S_ISREG(info.st_mode) || (S_ISLNK(info.st_mode) && links_ == Links::Snapshot);
    if (wanted) names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Folder::files() const {
  return list(false);
}

std::vector<std::string> Folder::folders() const {
  return list(true);
}

}  // namespace roost::formats

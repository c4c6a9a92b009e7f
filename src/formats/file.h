#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roost::formats {

inline constexpr std::size_t kMaxReadStep = std::size_t{16} << 20;  // a stop is obeyed within it

// A descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Which bytes these are, as far as the system can tell without reading them.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// A regular file, open for reading. Its size is what it was when it was opened: whoever reads past
// a later end gets BadFile. Nothing is mapped. Reading is thread-safe.
class File {
 public:
  // Throws IoError when there is nothing or it may not be read, BadFile when the last part of
  // `path` is a link or no regular file. Never waits for a FIFO.
  static File open(const std::string& path);

  // Takes over `fd`; `name` is for messages. Throws as open() does.
  File(Fd fd, std::string name);

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return identity_.size; }
  const FileIdentity& identity() const { return identity_; }
  std::uint64_t hard_links() const { return hard_links_; }

  // Fills `out`, kMaxReadStep at a time, looking at `stop` before each. Throws BadFile "cut short"
  // at the end of the file, IoError when the system cannot read, CancelledException.
  void read_at(std::uint64_t offset, std::span<std::byte> out,
               const std::stop_token& stop = {}) const;

  // Throws BadFile when the file behind the descriptor was written to since it was opened.
  void check_unchanged() const;

 private:
  Fd fd_;
  std::string name_;
  FileIdentity identity_;
  std::uint64_t hard_links_ = 0;
};

// Whole text of a small file. Throws BadFile when it is larger than `max_bytes`.
std::string read_text(const File& file, std::uint64_t max_bytes);

// May it name a file in a folder or below: relative, without empty, "." or ".." parts, at most 1024
// bytes, no NUL?
bool is_inner_name(std::string_view name);

// What links may do in a folder. In a snapshot of a Hugging Face cache each file is a link to
// "../../blobs/NAME", one more "../" per folder below; such a link, spelt exactly so, is followed
// to a regular file of the repository's blobs folder. No other link ever is.
enum class Links : std::uint8_t { None, Snapshot };

// A folder whose files are opened by name; names cannot lead out of it.
class Folder {
 public:
  // Throws IoError when it cannot be opened, BadFile when `path` is a link or no folder.
  static Folder open(const std::string& path, Links links = Links::None);

  // `name` may be a path below. Throws InvalidArgument for a name that is absolute, empty, or has
  // an empty, "." or ".." part; IoError when absent or unreadable; BadFile for a link that is not
  // allowed or something that is no regular file.
  File file(std::string_view name) const;
  std::optional<File> find(std::string_view name) const;  // nullopt when there is nothing
  std::optional<Folder> folder(std::string_view name) const;

  // Names of entries that are files (or links, where they are allowed), sorted; and of folders.
  // Hidden ones are left out. Throws BadFile beyond 100,000 entries.
  std::vector<std::string> files() const;
  std::vector<std::string> folders() const;

  const std::string& name() const { return name_; }

 private:
  Folder(Fd fd, std::string name, Links links)
      : fd_(std::move(fd)), name_(std::move(name)), links_(links) {}
  std::optional<Fd> open_beneath(std::string_view name, int flags) const;
  std::optional<Fd> open_blob(std::string_view name) const;
  std::vector<std::string> list(bool folders) const;

  Fd fd_;
  std::string name_;
  Links links_;
  std::size_t depth_ = 0;  // below the snapshot
};

}  // namespace roost::formats

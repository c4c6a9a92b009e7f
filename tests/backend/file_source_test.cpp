#include "backend/file_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>

#include "roost/error.h"

namespace roost::backend {
namespace {

namespace fs = std::filesystem;

// A folder that is gone at the end of the test.
class FileSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "roost-file-source-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string write(const std::string& name, const std::string& content) {
    const fs::path path = root_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }
  FileSource source(const std::string& name = "") const {
    return FileSource("file:" + (name.empty() ? root_ : root_ / name).string());
  }

  fs::path root_;
};

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const RoostError& error) {
    return error.code();
  }
  ADD_FAILURE() << "did not throw";
  return ErrorCode::Internal;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST_F(FileSourceTest, TellsTheTruthOfTheDisk) {
  const FileSource missing = source("model.bin");
  EXPECT_FALSE(missing.is_present());
  EXPECT_EQ(missing.estimate(), 0u);
  write("model.bin", "12345");
  EXPECT_TRUE(missing.is_present());
  EXPECT_EQ(missing.estimate(), 5u);
  EXPECT_EQ(missing.path(), (root_ / "model.bin").string());
  fs::remove(root_ / "model.bin");
  EXPECT_FALSE(missing.is_present());
}

TEST_F(FileSourceTest, AFolderCountsByTheRegularFilesInIt) {
  EXPECT_FALSE(source().is_present());
  fs::create_directories(root_ / "empty/below");
  EXPECT_FALSE(source().is_present());
  write("a/one", "123");
  write("a/b/two", "4567");
  EXPECT_TRUE(source().is_present());
  EXPECT_EQ(source().estimate(), 7u);
}

TEST_F(FileSourceTest, LinksPipesAndLoopsAreNotFollowed) {
  const std::string real = write("real", "123456");
  fs::create_directories(root_ / "folder");
  fs::create_symlink(real, root_ / "folder/link");
  fs::create_directory_symlink(root_, root_ / "folder/loop");
  fs::create_symlink(real, root_ / "link");
  ASSERT_EQ(::mkfifo((root_ / "folder/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(source("folder").is_present());
  EXPECT_EQ(source("folder").estimate(), 0u);
  EXPECT_FALSE(source("link").is_present());
  EXPECT_FALSE(source("folder/pipe").is_present());
}

TEST_F(FileSourceTest, AFolderPastTheLimitsHasNoEstimate) {
  const std::string eight = "1/2/3/4/5/6/7/8/";
  write(eight + "file", "12");
  EXPECT_EQ(source().estimate(), 2u);
  write(eight + "9/file", "3");
  EXPECT_EQ(source().estimate(), 0u);
  EXPECT_TRUE(source("1").is_present());
}

TEST_F(FileSourceTest, FetchOnlySaysWhetherAllIsThere) {
  FileSource file = source("model.bin");
  EXPECT_EQ(code_of([&] { file.fetch(nullptr, {}); }), ErrorCode::IoError);
  write("model.bin", "12345");
  std::pair<std::uint64_t, std::uint64_t> told;
  file.fetch([&](std::uint64_t done, std::uint64_t total) { told = {done, total}; }, {});
  EXPECT_EQ(told, (std::pair<std::uint64_t, std::uint64_t>{5, 5}));
  EXPECT_NO_THROW(file.fetch(nullptr, {}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of([&] { file.fetch(nullptr, stop.get_token()); }), ErrorCode::Cancelled);
}

TEST(FileSourceNames, MustBeAbsolutePaths) {
  EXPECT_EQ(FileSource("file:/a/b").path(), "/a/b");
  EXPECT_EQ(FileSource("/a/b").path(), "/a/b");
  for (const std::string_view bad :
       {std::string_view(""), std::string_view("file:"), std::string_view("file:a"),
        std::string_view("a/b"), std::string_view("/a\0b", 4), std::string_view("/a\nb")}) {
    EXPECT_EQ(code_of([&] { FileSource source(bad); }), ErrorCode::InvalidArgument) << bad;
  }
  EXPECT_EQ(code_of([&] { FileSource source("/" + std::string(5000, 'a')); }),
            ErrorCode::InvalidArgument);
}

TEST_F(FileSourceTest, ReadsTheStretchThatIsAskedFor) {
  const std::string path = write("model.bin", "0123456789");
  std::array<std::byte, 4> out{};
  read_file(path, 3, out, {});
  EXPECT_EQ(text_of(out), "3456");
  read_file(path, 6, out, {});
  EXPECT_EQ(text_of(out), "6789");
  EXPECT_NO_THROW(read_file(path, 10, {}, {}));
}

TEST_F(FileSourceTest, ReadingBadThingsSaysWhy) {
  const std::string path = write("model.bin", "0123456789");
  fs::create_symlink(path, root_ / "link");
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  struct Case {
    std::string path;
    std::uint64_t offset;
    std::string says;
  };
  const std::vector<Case> cases = {
      {path, 7, "ends at byte 10, but bytes up to 11 are needed: truncated"},
      {path, std::numeric_limits<std::uint64_t>::max() - 1, "beyond any file"},
      {path, std::uint64_t{1} << 63, "beyond any file"},
      {(root_ / "link").string(), 0, "symbolic link"},
      {(root_ / "pipe").string(), 0, "not a regular file"},
      {root_.string(), 0, "not a regular file"},
      {(root_ / "none").string(), 0, "No such file"},
  };
  for (const Case& test : cases) {
    std::array<std::byte, 4> out{};
    try {
      read_file(test.path, test.offset, out, {});
      ADD_FAILURE() << test.says << ": did not throw";
    } catch (const RoostError& error) {
      EXPECT_EQ(error.code(), ErrorCode::IoError);
      EXPECT_NE(std::string(error.what()).find(test.says), std::string::npos) << error.what();
    }
  }
}

TEST(ReadFully, ReadsInStepsThroughInterruptsAndShortReads) {
  std::vector<std::byte> out(2 * kMaxReadStep + 5);
  std::vector<std::size_t> asked;
  int call = 0;
  read_fully(
      "f", 100, out, {}, [&](void* to, std::size_t bytes, std::uint64_t at) -> std::ptrdiff_t {
        asked.push_back(bytes);
        EXPECT_EQ(at, 100u + static_cast<std::uint64_t>(static_cast<std::byte*>(to) - out.data()));
        switch (++call) {
          case 1:
            errno = EINTR;
            return -1;
          case 2:
            return 7;
          default:
            return static_cast<std::ptrdiff_t>(bytes);
        }
      });
  EXPECT_EQ(asked,
            (std::vector<std::size_t>{kMaxReadStep, kMaxReadStep, kMaxReadStep, kMaxReadStep - 2}));
}

TEST(ReadFully, ObeysAStopBeforeTheNextStep) {
  std::vector<std::byte> out(3 * kMaxReadStep);
  std::stop_source stop;
  int calls = 0;
  EXPECT_EQ(code_of([&] {
              read_fully("f", 0, out, stop.get_token(),
                         [&](void*, std::size_t bytes, std::uint64_t) {
                           if (++calls == 2) stop.request_stop();
                           return static_cast<std::ptrdiff_t>(bytes);
                         });
            }),
            ErrorCode::Cancelled);
  EXPECT_EQ(calls, 2);
}

TEST(ReadFully, AFileThatShrinksOrFailsIsAnIoError) {
  std::vector<std::byte> out(10);
  EXPECT_EQ(code_of([&] {
              read_fully("f", 0, out, {}, [](void*, std::size_t, std::uint64_t at) {
                return at == 0 ? std::ptrdiff_t{4} : std::ptrdiff_t{0};
              });
            }),
            ErrorCode::IoError);
  EXPECT_EQ(code_of([&] {
              read_fully("f", 0, out, {}, [](void*, std::size_t, std::uint64_t) {
                errno = EIO;
                return std::ptrdiff_t{-1};
              });
            }),
            ErrorCode::IoError);
}

}  // namespace
}  // namespace roost::backend

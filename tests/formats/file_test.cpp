#include "formats/file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "formats/expect_error.h"

namespace roost::formats {
namespace {

using test::expect_bad_file;
using test::expect_error;
using test::FakeTree;

std::string text_of(const File& file) {
  return read_text(file, 1000);
}

TEST(File, KnowsItsSizeAndIdentity) {
  FakeTree tree;
  tree.file("a", "0123456789").file("b", "0123456789");
  const File a = File::open(tree.root() / "a");
  EXPECT_EQ(a.name(), "a");
  EXPECT_EQ(a.size(), 10u);
  EXPECT_EQ(a.hard_links(), 1u);
  EXPECT_EQ(a.identity(), File::open(tree.root() / "a").identity());
  EXPECT_NE(a.identity(), File::open(tree.root() / "b").identity());
  std::array<std::byte, 4> part{};
  a.read_at(3, part);
  EXPECT_EQ(part[0], std::byte{'3'});
  EXPECT_EQ(part[3], std::byte{'6'});
  EXPECT_EQ(text_of(a), "0123456789");
}

TEST(File, NothingIsReadPastTheEnd) {
  FakeTree tree;
  tree.file("a", "0123456789");
  const File file = File::open(tree.root() / "a");
  std::array<std::byte, 4> part{};
  expect_bad_file("at byte 7: 4 bytes wanted, but the file is cut short: it has 10",
                  [&] { file.read_at(7, part); });
  expect_bad_file("cut short", [&] { file.read_at(UINT64_MAX, part); });
  file.read_at(10, {});
  expect_bad_file("10 bytes long, more than the 9", [&] { (void)read_text(file, 9); });
}

TEST(File, AChangeMeanwhileIsTold) {
  FakeTree tree;
  tree.file("a", "0123456789");
  const File file = File::open(tree.root() / "a");
  file.check_unchanged();
  std::filesystem::resize_file(tree.root() / "a", 5);
  expect_bad_file("written to while it was in use", [&] { file.check_unchanged(); });
  std::array<std::byte, 4> part{};
  expect_bad_file("cut short while it was read", [&] { file.read_at(6, part); });
}

TEST(File, AStopIsObeyed) {
  FakeTree tree;
  tree.file("a", "0123456789");
  const File file = File::open(tree.root() / "a");
  std::stop_source stop;
  stop.request_stop();
  std::array<std::byte, 4> part{};
  expect_error(ErrorCode::Cancelled, "'a'", [&] { file.read_at(0, part, stop.get_token()); });
}

TEST(File, OnlyRegularFilesAreOpened) {
  FakeTree tree;
  tree.file("a", "x").folder("folder");
  const std::string root = tree.root();
  ASSERT_EQ(::symlink("a", (root + "/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((root + "/fifo").c_str(), 0600), 0);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(root.size() + 6, sizeof address.sun_path);
  (root + "/sock").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(fd);

  expect_bad_file("it is a link", [&] { (void)File::open(root + "/link"); });
  expect_bad_file("not a regular file", [&] { (void)File::open(root + "/fifo"); });
  expect_bad_file("not a regular file", [&] { (void)File::open(root + "/folder"); });
  expect_bad_file("not a regular file", [&] { (void)File::open(root + "/sock"); });
  expect_bad_file("not a regular file", [&] { (void)File::open("/dev/zero"); });
  expect_bad_file("no folder", [&] { (void)File::open(root + "/a/b"); });
  expect_error(ErrorCode::IoError, "No such file", [&] { (void)File::open(root + "/none"); });
}

TEST(Folder, OpensWhatIsBelowAndNothingElse) {
  FakeTree tree;
  tree.file("model/a", "A").file("model/deep/er/b", "B").file("outside", "no");
  const std::string root = tree.root();
  ASSERT_EQ(::symlink("../outside", (root + "/model/out").c_str()), 0);
  ASSERT_EQ(::symlink("a", (root + "/model/in").c_str()), 0);
  ASSERT_EQ(::symlink("deep", (root + "/model/short").c_str()), 0);
  const Folder folder = Folder::open(root + "/model");
  EXPECT_EQ(text_of(folder.file("a")), "A");
  EXPECT_EQ(text_of(folder.file("deep/er/b")), "B");
  EXPECT_EQ(text_of(folder.folder("deep")->file("er/b")), "B");
  EXPECT_FALSE(folder.find("none"));
  EXPECT_FALSE(folder.find("none/none"));
  EXPECT_FALSE(folder.folder("none"));
  expect_error(ErrorCode::IoError, "No such file", [&] { (void)folder.file("none"); });
  for (const char* link : {"out", "in", "short/er/b"}) {
    expect_bad_file("it is a link", [&] { (void)folder.file(link); });
  }
  expect_bad_file("not a regular file", [&] { (void)folder.file("deep"); });
  EXPECT_EQ(folder.files(), std::vector<std::string>{"a"});
  EXPECT_EQ(folder.folders(), std::vector<std::string>{"deep"});
  expect_bad_file("link", [&] { (void)Folder::open(root + "/model/short"); });
}

TEST(Folder, NamesThatLeadElsewhereAreNone) {
  FakeTree tree;
  const Folder folder = Folder::open(tree.root());
  const std::string names[] = {"",
                               "/etc/passwd",
                               "..",
                               "../x",
                               "a/../b",
                               ".",
                               "a//b",
                               "a/",
                               std::string("a\0b", 3),
                               std::string(1025, 'a')};
  for (const std::string& name : names) {
    expect_error(ErrorCode::InvalidArgument, "is no name inside a folder",
                 [&] { (void)folder.find(name); });
  }
}

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() {
    tree_.file("models--o--m/blobs/abc", "blob")
        .file("models--o--m/snapshots/rev/plain", "plain")
        .folder("models--o--m/snapshots/rev/below")
        .folder("models--o--m/blobs/folder")
        .file("secret", "no")
        .file("models--o--m/secret", "no");
    link("good", "../../blobs/abc");
    link("below/good", "../../../blobs/abc");
  }
  void link(const std::string& name, const std::string& target) {
    ASSERT_EQ(::symlink(target.c_str(), (snapshot() + "/" + name).c_str()), 0);
  }
  std::string snapshot() const { return tree_.root() / "models--o--m/snapshots/rev"; }

  FakeTree tree_;
};

TEST_F(SnapshotTest, LinksToBlobsAreFollowed) {
  const Folder folder = Folder::open(snapshot(), Links::Snapshot);
  EXPECT_EQ(text_of(folder.file("good")), "blob");
  EXPECT_EQ(text_of(folder.file("below/good")), "blob");
  EXPECT_EQ(text_of(folder.folder("below")->file("good")), "blob");
  EXPECT_EQ(text_of(folder.file("plain")), "plain");
  EXPECT_EQ(folder.files(), (std::vector<std::string>{"good", "plain"}));
  expect_bad_file("it is a link", [&] { (void)Folder::open(snapshot()).file("good"); });
}

TEST_F(SnapshotTest, OtherLinksAreNot) {
  const std::string bad[] = {
      "../../../secret", "../../secret",     "../../blobs/../secret", "/etc/passwd",
      "plain",           "../../blobs/",     "../../blobs/a/b",       "../../../blobs/abc",
      "../blobs/abc",    "../../blobs/.abc", "../../blobs/.."};
  const Folder folder = Folder::open(snapshot(), Links::Snapshot);
  for (const std::string& target : bad) {
    ::unlink((snapshot() + "/bad").c_str());
    link("bad", target);
    expect_bad_file("does not lead into the blobs folder", [&] { (void)folder.file("bad"); });
  }
  link("gone", "../../blobs/gone");
  EXPECT_FALSE(folder.find("gone"));
  link("folder", "../../blobs/folder");
  expect_bad_file("not a regular file", [&] { (void)folder.file("folder"); });
  ASSERT_EQ(::symlink("abc", (tree_.root() / "models--o--m/blobs/twice").c_str()), 0);
  link("twice", "../../blobs/twice");
  expect_bad_file("it is a link", [&] { (void)folder.file("twice"); });
  link("linked", "below");
  expect_bad_file("link", [&] { (void)folder.file("linked/good"); });
}

}  // namespace
}  // namespace roost::formats

#include "formats/zip.h"

#include "formats/zip_bytes.h"

namespace roost::formats {
namespace {

using test::expect_bad_file;
using test::FakeTree;
using test::zip_bytes;
using test::ZipBend;
using test::ZipFields;
using test::ZipParts;

const std::vector<ZipParts> kParts = {
    {"a/one", "first"}, {"a/two", std::string(300, 'x')}, {"b", ""}};

std::vector<ZipEntry> read(const std::string& bytes) {
  FakeTree tree;
  tree.file("z", bytes);
  const File file = File::open(tree.root() / "z");
  const std::vector<ZipEntry> entries = read_zip(file);
  for (const ZipEntry& entry : entries) check_crc(file, entry);
  return entries;
}

TEST(Zip, Crc) {
  const std::string text = "123456789";
  EXPECT_EQ(crc32(std::as_bytes(std::span(text))), 0xCBF43926u);
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_EQ(crc32(bytes.subspan(4), crc32(bytes.first(4))), 0xCBF43926u);
}

TEST(Zip, ReadsStoredEntriesInEachLayout) {
  for (const bool descriptors : {false, true}) {
    for (const bool zip64 : {false, true}) {
      ZipBend bend;
      bend.descriptors = descriptors;
      bend.zip64 = zip64;
      const auto entries = read(zip_bytes(kParts, bend));
      ASSERT_EQ(entries.size(), 3u);
      EXPECT_EQ(entries[1].name, "a/two");
      EXPECT_EQ(entries[1].size, 300u);
      EXPECT_EQ(entries[0].offset, 30 + 5u);
    }
  }
}

// Sizes and places beyond 4 GiB stand in an extra field; here the numbers in it are small.
TEST(Zip, ReadsSizesOf64Bits) {
  using test::Bytes;
  const std::string data = "data!";
  const std::uint32_t crc = crc32(std::as_bytes(std::span(data)));
  constexpr std::uint32_t kFull = 0xFFFFFFFF;
  Bytes out;
  out.u32(0x04034b50).u16(45).u16(0).u16(0).u32(0).u32(crc).u32(kFull).u32(kFull).u16(1).u16(20);
  out.text("e").u16(1).u16(16).u64(data.size()).u64(data.size()).text(data);
  const std::size_t offset = out.size();
  out.u32(0x02014b50).u16(45).u16(45).u16(0).u16(0).u32(0).u32(crc).u32(kFull).u32(kFull);
  out.u16(1).u16(28).u16(0).u16(0).u16(0).u32(0).u32(kFull);
  out.text("e").u16(1).u16(24).u64(data.size()).u64(data.size()).u64(0);
  const std::size_t bytes = out.size() - offset;
  out.u32(0x06054b50).u16(0).u16(0).u16(1).u16(1).u32(bytes).u32(offset).u16(0);
  const auto entries = read(out.str());
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].size, data.size());
  EXPECT_EQ(out.str().substr(entries[0].offset, entries[0].size), data);
}

struct BadCase {
  const char* name;
  std::string bytes;
  const char* words;
};
class BadZipTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadZipTest, IsRefused) {
  expect_bad_file(GetParam().words, [&] { (void)read(GetParam().bytes); });
}

std::string bent(const std::function<void(ZipBend&)>& how) {
  ZipBend bend;
  how(bend);
  return zip_bytes(kParts, bend);
}
std::string both(const std::function<void(ZipFields&)>& how) {
  return bent([&](ZipBend& bend) { bend.local = bend.central = how; });
}
std::string central(const std::function<void(ZipFields&)>& how) {
  return bent([&](ZipBend& bend) { bend.central = how; });
}
std::string local(const std::function<void(ZipFields&)>& how) {
  return bent([&](ZipBend& bend) { bend.local = how; });
}
std::string named(const std::string& name) {
  return zip_bytes({{name, "x"}});
}

INSTANTIATE_TEST_SUITE_P(
    All, BadZipTest,
    testing::Values(
        BadCase{"Short", "PK", "too short"},
        BadCase{"Prefix", bent([](ZipBend& b) { b.before = "junk"; }), "begins at 4, not at 0"},
        BadCase{"Suffix", bent([](ZipBend& b) { b.after = "junk"; }), "no end of a zip archive"},
        BadCase{"Between", bent([](ZipBend& b) { b.between = "junk"; }), "between the entries"},
        BadCase{"Deflated", both([](ZipFields& f) { f.method = 8; }), "is compressed"},
        BadCase{"Encrypted", both([](ZipFields& f) { f.flags = 1; }), "is encrypted"},
        BadCase{"Patched", both([](ZipFields& f) { f.flags = 0x20; }), "has flags"},
        BadCase{"Strong", both([](ZipFields& f) { f.flags = 0x40; }), "has flags"},
        BadCase{"LocalName", local([](ZipFields& f) { f.name[0] = 'c'; }),
                "differs from the directory"},
        BadCase{"LocalSize", local([](ZipFields& f) { f.size += 1; }),
                "differs from the directory"},
        BadCase{"LocalFlags", local([](ZipFields& f) { f.flags = 0x800; }),
                "differs from the directory"},
        BadCase{"LocalCrc", local([](ZipFields& f) { f.crc ^= 1; }), "differs from the directory"},
        BadCase{"Crc", both([](ZipFields& f) { f.crc ^= 1; }), "its checksum is wrong"},
        BadCase{"TwoSizes", both([](ZipFields& f) { f.stored += 1; }), "has two sizes"},
        BadCase{"Larger", both([](ZipFields& f) { f.size = f.stored = 1'000'000; }), "are left"},
        BadCase{"Overlap", central([](ZipFields& f) { f.local = 0; }), "not at"},
        BadCase{"Far", central([](ZipFields& f) { f.local = 0xFFFFFFF0; }), "begins at 4294967280"},
        BadCase{"Twins", zip_bytes({{"a", "x"}, {"a", "x"}}), "two entries are called 'a'"},
        BadCase{"CaseTwins", zip_bytes({{"a/X", "x"}, {"a/x", "x"}}), "two entries"},
        BadCase{"Up", named("../a"), "leads elsewhere"},
        BadCase{"UpInside", named("a/../b"), "leads elsewhere"},
        BadCase{"Absolute", named("/a"), "leads elsewhere"},
        BadCase{"Backslash", named("a\\b"), "leads elsewhere"},
        BadCase{"Drive", named("C:a"), "leads elsewhere"},
        BadCase{"Folder", named("a/"), "leads elsewhere"},
        BadCase{"Control", named("a\nb"), "leads elsewhere"},
        BadCase{"NotUtf8", named("\xFC"), "not UTF-8"}, BadCase{"Empty", named(""), "is empty"},
        BadCase{"LongName", named(std::string(1025, 'a')), "longer than the 1024"}),
    [](const auto& test) { return test.param.name; });

TEST(BadZip, EveryCutIsRefused) {
  ZipBend bend;
  bend.zip64 = true;
  const std::string whole = zip_bytes({{"a", "12345"}}, bend);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_bad_file("z", [&] { (void)read(whole.substr(0, size)); });
  }
}

}  // namespace
}  // namespace roost::formats

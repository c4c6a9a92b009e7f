#include "formats/bytes.h"

#include "formats/expect_error.h"

namespace roost::formats {
namespace {

using test::Bytes;
using test::expect_bad_file;
using test::FakeTree;

std::span<const std::byte> span_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(ByteReader, ReadsLittleEndianNumbers) {
  const std::string bytes =
      Bytes().u8(0x81).u16(0x8281).u32(0x84838281).u64(0x8887868584838281).u32(0xFFFFFFFE).str();
  ByteReader reader(span_of(bytes), "x");
  EXPECT_EQ(reader.u8(), 0x81u);
  EXPECT_EQ(reader.u16(), 0x8281u);
  EXPECT_EQ(reader.u32(), 0x84838281u);
  EXPECT_EQ(reader.u64(), 0x8887868584838281u);
  EXPECT_EQ(reader.i32(), -2);
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(reader.peek(), -1);
}

TEST(ByteReader, ReadsFloats) {
  const std::string bytes = Bytes().u32(0xBF800000).u64(0x4000000000000000).str();
  ByteReader reader(span_of(bytes), "x");
  EXPECT_EQ(reader.f32(), -1.0f);
  EXPECT_EQ(reader.f64(), 2.0);
}

TEST(ByteReader, NothingIsReadPastTheEnd) {
  const std::string bytes(7, 'a');
  ByteReader reader(span_of(bytes), "x", 100);
  expect_bad_file("at byte 100: 8 bytes wanted, but only 7", [&] { reader.u64(); });
  expect_bad_file("8 bytes wanted", [&] { reader.skip(8); });
  expect_bad_file("18446744073709551615 bytes wanted", [&] { reader.skip(UINT64_MAX); });
  expect_bad_file("wanted", [&] { (void)reader.text(8, 100, "a name"); });
  expect_bad_file("a name of 7 bytes is longer than the 6 allowed",
                  [&] { (void)reader.text(7, 6, "a name"); });
  EXPECT_EQ(reader.text(7, 7, "a name"), bytes);
  EXPECT_EQ(reader.position(), 107u);
}

TEST(ByteReader, AFileGoesThroughItsWindow) {
  FakeTree tree;
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i) + ",";
  ASSERT_GT(text.size(), 3 * ByteReader::kWindow);
  tree.file("f", text);
  const File file = File::open(tree.root() / "f");

  ByteReader whole(file, 0, file.size());
  EXPECT_EQ(whole.text(file.size(), file.size(), "all"), text);

  ByteReader skipping(file, 10, file.size() - 1);
  skipping.skip(5);
  EXPECT_EQ(skipping.peek(), text[15]);
  skipping.skip(ByteReader::kWindow * 2 + 3);
  const std::size_t at = 15 + ByteReader::kWindow * 2 + 3;
  EXPECT_EQ(skipping.position(), at);
  EXPECT_EQ(skipping.text(20, 20, "some"), text.substr(at, 20));
  skipping.skip(skipping.remaining());
  EXPECT_EQ(skipping.peek(), -1);
  EXPECT_EQ(skipping.position(), file.size() - 1);
}

TEST(ByteReader, APartMustLieInTheFile) {
  FakeTree tree;
  tree.file("f", "0123");
  const File file = File::open(tree.root() / "f");
  expect_bad_file("a part ends at byte 5", [&] { ByteReader(file, 0, 5); });
  expect_bad_file("at byte 3", [&] { ByteReader(file, 3, 2); });
  EXPECT_TRUE(ByteReader(file, 4, 4).at_end());
}

TEST(ByteReader, AFileCutShortMeanwhileIsTold) {
  FakeTree tree;
  tree.file("f", std::string(200'000, 'x'));
  const File file = File::open(tree.root() / "f");
  ByteReader reader(file, 0, file.size());
  (void)reader.text(10, 10, "some");
  std::filesystem::resize_file(tree.root() / "f", 100'000);
  expect_bad_file("cut short", [&] { (void)reader.text(190'000, 200'000, "the rest"); });
}

TEST(Utf8, IsTold) {
  EXPECT_TRUE(is_utf8("gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\x93"));
  EXPECT_TRUE(is_utf8(""));
  EXPECT_FALSE(is_utf8("gr\xFC"));
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));
}

}  // namespace
}  // namespace roost::formats

#include "formats/pytorch.h"

#include "formats/pickle_bytes.h"
#include "formats/zip_bytes.h"

namespace roost::formats {
namespace {

using namespace test;  // the opcodes of a pickle read best without a qualifier

Checkpoint open(const std::string& bytes) {
  FakeTree tree;
  tree.file("m", bytes);
  const File file = File::open(tree.root() / "m");
  return open_pytorch(file);
}

std::string archive(const std::string& pickle, const std::string& data,
                    const std::string& order = "little") {
  ZipBend bend;
  bend.descriptors = bend.zip64 = true;
  return zip_bytes(
      {{"m/data.pkl", pickle}, {"m/byteorder", order}, {"m/data/0", data}, {"m/version", "3\n"}},
      bend);
}

std::string one(const std::string& tensor_opcodes, std::size_t data_bytes) {
  return archive(pickle("}" + text("w") + tensor_opcodes + "s"), std::string(data_bytes, 'd'));
}

TEST(PyTorch, DescribesItsTensors) {
  const std::string bytes =
      one(tensor(storage("BFloat16Storage", "0", 10), 4, tuple({2, 3}), tuple({3, 1})), 20);
  const Checkpoint checkpoint = open(bytes);
  ASSERT_EQ(checkpoint.tensors.size(), 1u);
  const TensorInfo& w = checkpoint.tensors[0];
  EXPECT_EQ(w.name, "w");
  EXPECT_EQ(w.dtype, Dtype::BF16);
  EXPECT_TRUE(w.contiguous);
  EXPECT_EQ(w.bytes, 12u);
  EXPECT_EQ(w.offset, bytes.find(std::string(20, 'd')) + 8);
  EXPECT_EQ(checkpoint.format, Format::PyTorch);
}

TEST(PyTorch, IsToldByContent) {
  FakeTree tree;
  tree.file("m", archive(state_dict(1), "1234")).file("z", zip_bytes({{"a", "x"}})).file("s", "PK");
  const Folder folder = Folder::open(tree.root());
  EXPECT_TRUE(is_pytorch(folder.file("m")));
  EXPECT_FALSE(is_pytorch(folder.file("z")));
  EXPECT_FALSE(is_pytorch(folder.file("s")));
}

TEST(PyTorch, TransposedTensorsAreListedAsSuch) {
  EXPECT_FALSE(
      open(one(tensor(storage("FloatStorage", "0", 6), 0, tuple({2, 3}), tuple({1, 2})), 24))
          .tensors[0]
          .contiguous);
  EXPECT_TRUE(
      open(one(tensor(storage("FloatStorage", "0", 6), 0, tuple({1, 6}), tuple({9, 1})), 24))
          .tensors[0]
          .contiguous);
  EXPECT_TRUE(
      open(one(tensor(storage("FloatStorage", "0", 6), 0, tuple({0, 6}), tuple({9, 9})), 24))
          .tensors[0]
          .contiguous);
}

TEST(PyTorch, WhatDoesNotLieInItsStorageIsRefused) {
  const std::string six = storage("FloatStorage", "0", 6);
  const std::string bad[] = {
      tensor(six, 0, tuple({7}), tuple({1})),
      tensor(six, 1, tuple({6}), tuple({1})),
      tensor(six, 0, tuple({2}), tuple({6})),
      tensor(six, 7, tuple({}), tuple({})),
      tensor(six, 0, tuple({std::uint64_t{1} << 40, std::uint64_t{1} << 40}), tuple({1, 1})),
      tensor(six, 0, tuple({std::uint64_t{1} << 62}), tuple({0})),
      tensor(six, 0, tuple({3}), tuple({std::uint64_t{1} << 62}))};
  for (const std::string& opcodes : bad) {
    expect_bad_file("does not lie within its storage", [&] { (void)open(one(opcodes, 24)); });
  }
  expect_bad_file("storage '0' of 6 F32 has 20 bytes",
                  [&] { (void)open(one(tensor(six, 0, tuple({1}), tuple({1})), 20)); });
  expect_bad_file("storage '1' is not in the archive", [&] {
    (void)open(one(tensor(storage("FloatStorage", "1", 6), 0, tuple({1}), tuple({1})), 24));
  });
}

TEST(PyTorch, OtherThingsAreToldApart) {
  const std::string w = state_dict(1);
  expect_error(ErrorCode::Unsupported, "big-endian",
               [&] { (void)open(archive(w, "1234", "big")); });
  expect_bad_file("neither little nor big", [&] { (void)open(archive(w, "1234", "odd")); });
  expect_error(ErrorCode::Unsupported, "TorchScript", [&] {
    (void)open(zip_bytes({{"m/data.pkl", w}, {"m/constants.pkl", ""}}));
  });
  expect_bad_file("lies outside of 'm'", [&] {
    (void)open(zip_bytes({{"m/data.pkl", w}, {"n/data/0", "1234"}}));
  });
  expect_bad_file("no data.pkl", [&] { (void)open(zip_bytes({{"m", ""}})); });
  const std::string old("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  expect_error(ErrorCode::Unsupported, "before PyTorch 1.6", [&] { (void)open(old); });
  std::string damaged = archive(w, "1234");
  damaged[damaged.find("FloatStorage")] = 'G';
  expect_bad_file("its checksum is wrong", [&] { (void)open(damaged); });
}

}  // namespace
}  // namespace roost::formats

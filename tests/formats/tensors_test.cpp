#include "formats/tensors.h"

#include "formats/expect_error.h"

namespace roost::formats {
namespace {

using Shape = std::vector<std::uint64_t>;

TEST(Shapes, ElementsAreCountedWithoutOverflow) {
  EXPECT_EQ(element_count(Shape{}), 1u);
  EXPECT_EQ(element_count(Shape{2, 3, 4}), 24u);
  EXPECT_EQ(element_count(Shape{0, 5}), 0u);
  EXPECT_EQ(element_count(Shape{UINT64_MAX}), UINT64_MAX);
  EXPECT_EQ(element_count(Shape{std::uint64_t{1} << 32, std::uint64_t{1} << 32}), std::nullopt);
  EXPECT_EQ(shape_text(Shape{}), "[]");
  EXPECT_EQ(shape_text(Shape{2, 3}), "[2, 3]");
}

TEST(Dtypes, BytesComeInBlocks) {
  EXPECT_EQ(byte_count(Dtype::F32, 3), 12u);
  EXPECT_EQ(byte_count(Dtype::Q4_0, 64), 36u);
  EXPECT_EQ(byte_count(Dtype::Q4_0, 33), std::nullopt);
  EXPECT_EQ(byte_count(Dtype::F4, 4), 2u);
  EXPECT_EQ(byte_count(Dtype::F4, 3), std::nullopt);
  EXPECT_EQ(byte_count(Dtype::F6_E2M3, 8), 6u);
  EXPECT_EQ(byte_count(Dtype::F6_E2M3, 2), std::nullopt);
  EXPECT_EQ(byte_count(Dtype::Q6_K, 512), 420u);
  EXPECT_EQ(byte_count(Dtype::F64, UINT64_MAX / 8), UINT64_MAX - 7);
  EXPECT_EQ(byte_count(Dtype::F64, UINT64_MAX / 8 + 1), std::nullopt);
  EXPECT_EQ(byte_count(Dtype::Unknown, 1), std::nullopt);
}

Checkpoint checkpoint_of(std::initializer_list<const char*> names) {
  Checkpoint checkpoint;
  for (const char* name : names) {
    checkpoint.tensors.push_back({.name = name, .dtype = Dtype::F16, .shape = {2}, .bytes = 4});
  }
  return checkpoint;
}

TEST(Checkpoint, FindsByName) {
  Checkpoint checkpoint = checkpoint_of({"b", "c", "a"});
  sort_by_name(checkpoint.tensors, "f");
  EXPECT_EQ(checkpoint.find("b"), &checkpoint.tensors[1]);
  EXPECT_EQ(checkpoint.find("d"), nullptr);
  EXPECT_EQ(checkpoint.find(""), nullptr);
  EXPECT_EQ(checkpoint.parameters(), 6u);
  EXPECT_EQ(checkpoint.bytes(), 12u);
  Checkpoint twins = checkpoint_of({"b", "a", "b"});
  test::expect_bad_file("two tensors are called 'b'", [&] { sort_by_name(twins.tensors, "f"); });
}

}  // namespace
}  // namespace roost::formats

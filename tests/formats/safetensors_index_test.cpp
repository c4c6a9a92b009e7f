#include <unistd.h>

#include "formats/safetensors.h"
#include "formats/safetensors_bytes.h"

namespace roost::formats {
namespace {

using test::entry;
using test::expect_bad_file;
using test::FakeTree;
using test::safetensors_bytes;

class IndexTest : public testing::Test {
 protected:
  IndexTest() {
    tree_
        .file("one", safetensors_bytes("{\"__metadata__\":{\"format\":\"pt\"}," +
                                           entry("b", "F32", "[1]", "[0,4]") + "," +
                                           entry("a", "F32", "[2]", "[4,12]") + "}",
                                       12))
        .file("two", safetensors_bytes("{" + entry("aa", "F16", "[3]", "[0,6]") + "}", 6));
  }
  Checkpoint open(const std::string& index) {
    tree_.file("index", index);
    return open_safetensors(Folder::open(tree_.root()), "index");
  }
  FakeTree tree_;
};

constexpr const char* kMap = R"("weight_map":{"a":"one","aa":"two","b":"one"})";

TEST_F(IndexTest, JoinsItsShards) {
  const Checkpoint checkpoint =
      open(std::string(R"({"metadata":{"total_size":18,"x":[1]},"other":null,)") + kMap + "}");
  ASSERT_EQ(checkpoint.tensors.size(), 3u);
  ASSERT_EQ(checkpoint.files.size(), 2u);
  EXPECT_EQ(checkpoint.find("aa")->file, 1u);
  EXPECT_EQ(checkpoint.files[checkpoint.find("b")->file].name, "one");
  EXPECT_EQ(checkpoint.bytes(), 18u);
  EXPECT_EQ(checkpoint.metadata.to_json(), "{\"format\":\"pt\"}");
  EXPECT_EQ(open_files(Folder::open(tree_.root()), checkpoint).size(), 2u);
}

TEST_F(IndexTest, AReplacedShardIsNotOpenedAgain) {
  const Folder folder = Folder::open(tree_.root());
  const Checkpoint checkpoint = open(std::string("{") + kMap + "}");
  tree_.file("new", "x");
  std::filesystem::rename(tree_.root() / "new", tree_.root() / "two");
  expect_bad_file("no longer the file", [&] { (void)open_files(folder, checkpoint); });
}

TEST_F(IndexTest, LiesAreRefused) {
  const std::pair<std::string, const char*> bad[] = {
      {"{}", "neither a safetensors file nor an index"},
      {R"({"weight_map":{"a":"../one"}})", "is no name of a file beside"},
      {R"({"weight_map":{"a":"/one"}})", "is no name of a file beside"},
      {R"({"weight_map":{"a":"x/one"}})", "is no name of a file beside"},
      {R"({"weight_map":{"a":".."}})", "is no name of a file beside"},
      {R"({"weight_map":{"a":""}})", "is no name of a file beside"},
      {R"({"weight_map":{"a":1}})", "the name of a shard"},
      {R"({"weight_map":{"a":"one","b":"one","a":"one"}})", "two places"},
      {R"({"weight_map":{"a":"one"}})", "its tensor 'b' is not where the index says"},
      {R"({"weight_map":{"a":"one","b":"one","aa":"two","c":"two"}})",
       "tensor 'c' is not in 'two'"},
      {R"({"weight_map":{"a":"one","b":"two","aa":"two"}})", "not where the index says"},
      {std::string(R"({"metadata":{"total_size":17},)") + kMap + "}", "a total size of 17"},
      {std::string("{") + kMap + "," + kMap + "}", "a second 'weight_map'"},
      {std::string("{") + kMap + "}x", "follows the JSON text"}};
  for (const auto& test : bad) {
    expect_bad_file(test.second, [&] { (void)open(test.first); });
  }
}

TEST_F(IndexTest, ATensorInTwoShardsIsRefused) {
  tree_.file("two", safetensors_bytes("{" + entry("a", "F16", "[3]", "[0,6]") + "}", 6));
  expect_bad_file("its tensor 'a' is not where",
                  [&] { (void)open(R"({"weight_map":{"a":"one","b":"one","aa":"two"}})"); });
}

TEST_F(IndexTest, AMissingOrLinkedShardIsRefused) {
  test::expect_error(ErrorCode::IoError, "No such file",
                     [&] { (void)open(R"({"weight_map":{"a":"one","b":"one","aa":"three"}})"); });
  ASSERT_EQ(::symlink("two", (tree_.root() / "three").c_str()), 0);
  expect_bad_file("it is a link",
                  [&] { (void)open(R"({"weight_map":{"a":"one","b":"one","aa":"three"}})"); });
}

}  // namespace
}  // namespace roost::formats

#include "formats/onnx.h"

#include <unistd.h>

#include "formats/onnx_bytes.h"

namespace roost::formats {
namespace {

using namespace test;  // the fields of a message read best without a qualifier

class OnnxTest : public testing::Test {
 protected:
  OnnxModel open(const std::string& bytes) {
    tree_.file("m/model", bytes).file("m/data", std::string(64, 'd')).file("outside", "secret");
    return open_onnx(Folder::open(tree_.root() / "m"), "model");
  }
  FakeTree tree_;
};

const std::string kNode = field(1, field(1, "x") + field(2, "y") + field(4, "Relu"));

TEST_F(OnnxTest, DescribesAModel) {
  const std::string branch = field(1, field(4, "Add") + field(7, "my.domain"));
  const std::string node = field(1, field(4, "If") + field(5, field(1, "then") + field(6, branch)));
  const std::string graph =
      kNode + node + onnx_tensor("w", 1, {2, 3}, field(9, std::string(24, 'w'))) +
      onnx_tensor("e", 10, {8},
                  onnx_entry("location", "data") + onnx_entry("offset", "16") +
                      onnx_entry("length", "16") + field(14, 1)) +
      onnx_tensor("i", 7, {3}, field(7, varint(1) + varint(UINT64_MAX) + varint(300))) +
      onnx_tensor("f", 1, {2}, field(4, std::string(8, 'f'))) +
      onnx_tensor("n", 22, {3}, field(9, "ab")) +
      onnx_tensor("s", 8, {2}, field(6, "a") + field(6, "b")) + onnx_value(11, "x") +
      onnx_value(11, "w") + onnx_value(12, "y");
  const std::string bytes = onnx_bytes(graph, field(14, field(1, "author") + field(2, "me")));
  const OnnxModel model = open(bytes);
  EXPECT_EQ(model.ir_version, 8);
  EXPECT_EQ(model.opsets.at(""), 17);
  EXPECT_EQ(model.nodes, 3u);
  EXPECT_EQ(model.operators.at("my.domain::Add"), 1u);
  ASSERT_EQ(model.inputs.size(), 1u);
  EXPECT_EQ(model.inputs[0].name, "x");
  EXPECT_EQ(model.inputs[0].dtype, Dtype::F32);
  EXPECT_EQ(model.inputs[0].shape[0].name, "batch");
  EXPECT_EQ(model.inputs[0].shape[1].value, 4u);
  EXPECT_EQ(model.outputs.size(), 1u);
  const Checkpoint& tensors = model.checkpoint;
  EXPECT_EQ(tensors.metadata.to_json(), "{\"author\":\"me\"}");
  EXPECT_EQ(tensors.find("w")->offset, bytes.find(std::string(24, 'w')));
  EXPECT_EQ(tensors.files[tensors.find("e")->file].name, "data");
  EXPECT_EQ(tensors.find("e")->offset, 16u);
  EXPECT_EQ(tensors.find("e")->bytes, 16u);
  EXPECT_FALSE(tensors.find("i")->contiguous);
  EXPECT_TRUE(tensors.find("f")->contiguous);
  EXPECT_EQ(tensors.find("n")->bytes, 2u);
  EXPECT_EQ(tensors.find("s")->dtype, Dtype::Unknown);
  EXPECT_TRUE(is_onnx(Folder::open(tree_.root() / "m").file("model")));
  EXPECT_FALSE(is_onnx(Folder::open(tree_.root() / "m").file("data")));
}

TEST_F(OnnxTest, BadMessagesAreRefused) {
  const std::string deep = [] {
    std::string graph = kNode;
    for (int i = 0; i < 30; ++i) graph = field(1, field(4, "If") + field(5, field(6, graph)));
    return graph;
  }();
  const auto function = [](const char* name, const char* callee) {
    return field(25, field(1, name) + field(7, field(4, callee)));
  };
  const std::pair<std::string, const char*> bad[] = {
      {"", "no version"},
      {field(1, 8), "no graph"},
      {field(1, 8) + field(7, ""), "names no operator set"},
      {field(1, 0) + field(7, "") + field(8, field(2, 1)), "no version"},
      {onnx_bytes("") + field(7, ""), "two graphs"},
      {onnx_bytes("") + std::string(11, '\xFF'), "more than 64 bits"},
      {onnx_bytes("") + varint(0), "field 0"},
      {onnx_bytes("") + varint(3 << 3 | 3), "wire type 3"},
      {onnx_bytes("") + varint(3 << 3 | 7), "wire type 7"},
      {onnx_bytes("") + varint(3 << 3 | 2) + varint(100), "longer than its message"},
      {onnx_bytes("") + varint(3 << 3 | 1) + "1234", "longer than its message"},
      {onnx_bytes("") + varint(3 << 3), "has no end"},
      {onnx_bytes("") + field(7, 1), "wire type"},
      {onnx_bytes("", field(8, field(2, 18))), "an operator set twice"},
      {onnx_bytes("", field(8, field(1, "x") + field(2, 1'000'000))), "version 1000000"},
      {onnx_bytes(deep), "more than 64 deep"},
      {onnx_bytes(field(1, "")), "a node without an operator"},
      {onnx_bytes(field(1, field(4, "\xFC"))), "not UTF-8"},
      {onnx_bytes("", function("f", "f")), "calls itself"},
      {onnx_bytes("", function("f", "g") + function("g", "f")), "calls itself"},
      {onnx_bytes("", function("f", "Add") + function("f", "Add")), "is there twice"}};
  for (const auto& test : bad) {
    expect_bad_file(test.second, [&] { (void)open(test.first); });
  }
}

TEST_F(OnnxTest, BadTensorsAreRefused) {
  const auto raw = [](std::size_t bytes) { return field(9, std::string(bytes, 'x')); };
  const auto one = [](const std::string& data) { return onnx_tensor("t", 1, {1}, data); };
  const std::pair<std::string, const char*> bad[] = {
      {one(raw(3)), "does not fit the data"},
      {one(raw(5)), "does not fit the data"},
      {one(""), "does not fit the data"},
      {one(raw(4) + field(4, "1234")), "data of two kinds"},
      {one(raw(4) + raw(4)), "raw data twice"},
      {one(field(4, "12345")), "do not fill their field"},
      {onnx_tensor("t", 7, {2}, field(7, varint(1))), "does not fit the data"},
      {onnx_tensor("t", 7, {1}, field(7, std::string(1, '\x80'))), "cut or of more"},
      {onnx_tensor("t", 1, {UINT64_MAX}, ""), "a dimension below 0"},
      {onnx_tensor("t", 1, {1ull << 40, 1ull << 40}, ""), "passes 64 bits"},
      {onnx_tensor("t", 11, {1ull << 62}, ""), "passes 64 bits"},
      {onnx_tensor("t", 1, std::vector<std::uint64_t>(65, 1), raw(4)), "more than 64 dimensions"},
      {one(field(3, "x")), "segments"},
      {one(raw(4)) + one(raw(4)), "two tensors are called 't'"},
      {onnx_tensor("a\n", 1, {1}, raw(4)), "is no name for a tensor"},
      {onnx_tensor("t", 8, {2}, field(6, "a")), "has no such data"}};
  for (const auto& test : bad) {
    expect_bad_file(test.second, [&] { (void)open(onnx_bytes(test.first)); });
  }
}

TEST_F(OnnxTest, ExternalDataStayInTheFolder) {
  tree_.file("m/data", std::string(64, 'd')).file("m/twice", "1234");
  const std::string m = tree_.root() / "m";
  ASSERT_EQ(::symlink("../outside", (m + "/link").c_str()), 0);
  ASSERT_EQ(::link((m + "/twice").c_str(), (m + "/hard").c_str()), 0);
  const auto at = [](const std::string& entries) {
    return onnx_bytes(onnx_tensor("t", 1, {1}, entries + field(14, 1)));
  };
  const auto location = [&](const char* path) { return at(onnx_entry("location", path)); };
  EXPECT_EQ(open(location("data")).checkpoint.tensors[0].offset, 0u);
  const std::pair<std::string, const char*> bad[] = {
      {location("../outside"), "not in the folder"},
      {location("a/../../outside"), "not in the folder"},
      {location("/proc/self/environ"), "not in the folder"},
      {location(""), "here and elsewhere, or nowhere"},
      {location("link"), "it is a link"},
      {location("hard"), "a second name"},
      {at(onnx_entry("location", "data") + onnx_entry("offset", "61")), "does not fit 'data'"},
      {at(onnx_entry("location", "data") + onnx_entry("length", "5")), "does not fit 'data'"},
      {at(onnx_entry("location", "data") + onnx_entry("offset", "18446744073709551615")),
       "does not fit"},
      {at(onnx_entry("location", "data") + onnx_entry("offset", "-1")),
       "offset of external data is '-1'"},
      {at(onnx_entry("location", "data") + onnx_entry("offset", "1x")), "is '1x'"},
      {at(onnx_entry("location", "data") + onnx_entry("location", "data")), "unknown or twice"},
      {at(onnx_entry("location", "data") + onnx_entry("run", "sh")), "unknown or twice"},
      {at(onnx_entry("location", "data") + field(9, "1234")), "here and elsewhere"},
      {at(""), "without saying so"},
      {onnx_bytes(onnx_tensor("t", 1, {1}, onnx_entry("location", "data"))), "without saying so"}};
  for (const auto& test : bad) {
    expect_bad_file(test.second, [&] { (void)open(test.first); });
  }
  expect_error(ErrorCode::IoError, "No such file", [&] { (void)open(location("none")); });
}

}  // namespace
}  // namespace roost::formats

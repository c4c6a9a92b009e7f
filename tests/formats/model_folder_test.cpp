#include "formats/model_folder.h"

#include <unistd.h>

#include "formats/gguf_bytes.h"
#include "formats/onnx_bytes.h"
#include "formats/pickle_bytes.h"
#include "formats/report.h"
#include "formats/safetensors_bytes.h"
#include "formats/zip_bytes.h"

namespace roost::formats {
namespace {

using test::entry;
using test::expect_bad_file;
using test::FakeTree;
using test::safetensors_bytes;

constexpr const char* kConfig =
    R"({"model_type": "bert", "hidden_size": 4, "id2label": {"0": "no"}})";

std::string weights(const std::string& name = "w", const std::string& dtype = "F32") {
  const std::string bytes = dtype == "F32" ? "8" : "4";
  return safetensors_bytes("{" + entry(name, dtype, "[2]", "[0," + bytes + "]") + "}",
                           std::stoul(bytes));
}
std::string pytorch() {
  return test::zip_bytes({{"m/data.pkl", test::state_dict(1)}, {"m/data/0", "1234"}});
}

TEST(ModelFolder, AnEncoder) {
  FakeTree tree;
  tree.file("config.json", kConfig)
      .file("tokenizer.json", "{}")
      .file("vocab.txt", "[PAD]")
      .file("tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer"})")
      .file("modules.json", R"([{"type": "a.Transformer", "path": ""}])")
      .file("README.md", "# model")
      .file("model.safetensors", weights())
      .file("model.fp16.safetensors", weights("w", "F16"))
      .file("pytorch_model.bin", pytorch())
      .file("onnx.bin", test::onnx_bytes(""));
  const ModelFolder model = describe(tree.root());
  EXPECT_EQ(model.family, "bert");
  EXPECT_EQ(model.weights, "model.safetensors");
  EXPECT_EQ(model.other_weights,
            (std::vector<std::string>{"model.fp16.safetensors", "pytorch_model.bin", "onnx.bin"}));
  EXPECT_EQ(model.tokenizer_files, (std::vector<std::string>{"tokenizer.json", "vocab.txt"}));
  EXPECT_EQ(model.tokenizer->tokenizer_class, "BertTokenizer");
  EXPECT_EQ(model.sentence->modules[0].kind, "Transformer");
  EXPECT_EQ(model.parameters(), 2u);
  EXPECT_EQ(model.bytes(), 8u);
  ASSERT_EQ(model.components.size(), 1u);
  EXPECT_EQ(model.components[0].kind, "model");
  EXPECT_EQ(model.components[0].dtypes.at("F32"), 8u);
  const Value report = to_value(model, true);
  EXPECT_EQ(report.find("config")->find("hidden_size")->as_int(), 4);
  EXPECT_EQ(report.find("tensors")->as_array()[0].find("name")->as_string(), "w");
  EXPECT_EQ(report.find("format")->as_string(), "safetensors");
  const std::string text = to_text(model, true);
  EXPECT_NE(text.find("family      bert"), std::string::npos) << text;
  EXPECT_NE(text.find("model: 1 tensors, 2 parameters, 8 B, F32"), std::string::npos) << text;
  EXPECT_NE(text.find("w F32 [2]"), std::string::npos) << text;
}

TEST(ModelFolder, ContentsCountNotNames) {
  FakeTree tree;
  tree.file("weights.txt", weights()).file("model.safetensors", "not weights");
  const ModelFolder model = describe(tree.root());
  EXPECT_EQ(model.weights, "weights.txt");
  EXPECT_EQ(describe(tree.root() / "weights.txt").weights, "weights.txt");
  expect_bad_file("neither safetensors",
                  [&] { (void)describe(tree.root() / "model.safetensors"); });
}

TEST(ModelFolder, PartsBelongToTheirIndex) {
  FakeTree tree;
  tree.file("model.safetensors.index.json",
            R"({"weight_map": {"a": "x.safetensors", "b": "y.safetensors"}})")
      .file("x.safetensors", weights("a"))
      .file("y.safetensors", weights("b"));
  const ModelFolder model = describe(tree.root());
  EXPECT_EQ(model.weights, "model.safetensors.index.json");
  EXPECT_EQ(model.checkpoint->files.size(), 2u);
  EXPECT_TRUE(model.other_weights.empty());
}

TEST(ModelFolder, PyTorchPartsToo) {
  FakeTree tree;
  tree.file("pytorch_model.bin.index.json",
            R"({"metadata": {"total_size": 1}, "weight_map": {"w": "p.bin"}})")
      .file("p.bin", pytorch());
  const ModelFolder model = describe(tree.root());
  EXPECT_EQ(model.checkpoint->format, Format::PyTorch);
  EXPECT_EQ(model.parameters(), 1u);
}

TEST(ModelFolder, SingleFilesOfOtherFormats) {
  FakeTree tree;
  tree.file("g", test::gguf_bytes({test::gguf_string("general.architecture", "qwen3"),
                                   test::gguf_u32("qwen3.block_count", 3)},
                                  {test::gguf_tensor("t", {8}, 0, 0)}, 32))
      .file("o", test::onnx_bytes(test::onnx_tensor("t", 1, {1}, test::field(9, "1234"))))
      .file("p", pytorch());
  const ModelFolder gguf = describe(tree.root() / "g");
  EXPECT_EQ(gguf.family, "qwen3");
  EXPECT_EQ(gguf.config->layers, 3u);
  EXPECT_EQ(gguf.parameters(), 8u);
  EXPECT_EQ(describe(tree.root() / "o").checkpoint->format, Format::Onnx);
  EXPECT_EQ(describe(tree.root() / "p").checkpoint->format, Format::PyTorch);
  test::expect_error(ErrorCode::IoError, "No such file",
                     [&] { (void)describe(tree.root() / "none"); });
}

TEST(ModelFolder, APipelineHasComponents) {
  FakeTree tree;
  tree.file("model_index.json", R"({"_class_name": "StableDiffusionPipeline", "_version": "1",
        "unet": ["diffusers", "UNet2DConditionModel"], "scheduler": ["diffusers", "PNDMScheduler"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "safety_checker": [null, null],
        "requires_safety_checker": true})")
      .file("unet/config.json", R"({"_class_name": "UNet2DConditionModel"})")
      .file("unet/diffusion_pytorch_model.safetensors", weights())
      .file("unet/diffusion_pytorch_model.fp16.safetensors", weights("w", "F16"))
      .file("scheduler/scheduler_config.json", R"({"_class_name": "PNDMScheduler"})")
      .file("tokenizer/vocab.json", "{}");
  const ModelFolder model = describe(tree.root());
  EXPECT_EQ(model.family, "StableDiffusionPipeline");
  ASSERT_EQ(model.components.size(), 3u);
  const auto part = [&](const char* name) {
    for (const Component& component : model.components) {
      if (component.name == name) return component;
    }
    return Component{};
  };
  EXPECT_EQ(part("unet").kind, "unet");
  EXPECT_EQ(part("unet").bytes, 8u);
  EXPECT_EQ(part("unet").format, "safetensors");
  EXPECT_EQ(part("scheduler").class_name, "PNDMScheduler");
  EXPECT_EQ(part("tokenizer").class_name, "CLIPTokenizer");
  EXPECT_EQ(part("tokenizer").tensors, 0u);
  EXPECT_EQ(model.other_weights,
            std::vector<std::string>{"unet/diffusion_pytorch_model.fp16.safetensors"});
}

TEST(ModelFolder, BadPipelinesAreRefused) {
  const std::pair<const char*, const char*> bad[] = {
      {R"({"unet": ["diffusers", "X"]})", "component 'unet' is missing"},
      {R"({"..": ["diffusers", "X"]})", "no folder"},
      {R"({"a/b": ["diffusers", "X"]})", "no folder"},
      {R"({"_class_name": 1})", "_class_name"},
      {R"([])", "model_index.json"}};
  for (const auto& test : bad) {
    FakeTree tree;
    tree.file("model_index.json", test.first);
    expect_bad_file(test.second, [&] { (void)describe(tree.root()); });
  }
}

TEST(ModelFolder, CodeIsNeverRunButTold) {
  FakeTree tree;
  tree.file("config.json", R"({"model_type": "x", "auto_map": {"AutoModel": "evil.Model"}})");
  const ModelFolder model = describe(tree.root());
  ASSERT_EQ(model.warnings.size(), 1u);
  EXPECT_NE(model.warnings[0].find("never run"), std::string::npos);
}

TEST(ModelFolder, ASnapshotOfACache) {
  FakeTree tree;
  tree.file("m/blobs/abc", weights()).folder("m/snapshots/rev");
  const std::string snapshot = tree.root() / "m/snapshots/rev";
  ASSERT_EQ(::symlink("../../blobs/abc", (snapshot + "/model.safetensors").c_str()), 0);
  EXPECT_EQ(describe(snapshot, Links::Snapshot).weights, "model.safetensors");
  EXPECT_EQ(describe(snapshot + "/model.safetensors", Links::Snapshot).parameters(), 2u);
  EXPECT_EQ(describe(snapshot).weights, "");
}

}  // namespace
}  // namespace roost::formats

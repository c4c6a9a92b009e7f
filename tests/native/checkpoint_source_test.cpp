#include "backend/native/checkpoint_source.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "formats/safetensors.h"
#include "formats/safetensors_writer.h"
#include "roost/error.h"

namespace roost::backend {
namespace {

namespace fs = std::filesystem;
using formats::Dtype;
using testing::ElementsAre;

// 1, -2 and 0.5 in each type.
const double kDoubles[] = {1, -2, 0.5};
const std::uint16_t kHalves[] = {0x3C00, 0xC000, 0x3800};
const std::uint16_t kBrains[] = {0x3F80, 0xC000, 0x3F00};
const float kFloats[] = {1, -2, 0.5};
const std::int64_t kIndices[] = {1, 2, 3};

class CheckpointSourceTest : public testing::Test {
 protected:
  CheckpointSourceTest() {
    const auto bytes = [](const formats::TensorSpec& tensor, const formats::ByteSink& sink) {
      if (tensor.dtype == Dtype::F64) sink(std::as_bytes(std::span(kDoubles)));
      if (tensor.dtype == Dtype::F16) sink(std::as_bytes(std::span(kHalves)));
      if (tensor.dtype == Dtype::BF16) sink(std::as_bytes(std::span(kBrains)));
      if (tensor.dtype == Dtype::F32) sink(std::as_bytes(std::span(kFloats)));
      if (tensor.dtype == Dtype::I64) sink(std::as_bytes(std::span(kIndices)));
    };
    fs::create_directories(folder);
    formats::write_safetensors((folder / "w.safetensors").string(),
                               {{"f64", Dtype::F64, {3}},
                                {"f16", Dtype::F16, {3}},
                                {"bf16", Dtype::BF16, {3}},
                                {"f32", Dtype::F32, {3}},
                                {"i64", Dtype::I64, {3}}},
                               Value::Object{}, bytes);
  }
  ~CheckpointSourceTest() override { fs::remove_all(folder); }

  CheckpointSource open() const {
    const formats::Folder in = formats::Folder::open(folder.string());
    formats::Checkpoint checkpoint = formats::open_safetensors(in, "w.safetensors");
    std::vector<formats::File> files = formats::open_files(in, checkpoint);
    return {std::move(checkpoint), std::move(files)};
  }

  const fs::path folder =
      fs::temp_directory_path() / ("roost-source-" + std::to_string(::getpid()));
};

TEST_F(CheckpointSourceTest, EveryKindOfNumberBecomesF32) {
  const CheckpointSource source = open();
  for (const char* name : {"f64", "f16", "bf16", "f32"}) {
    std::vector<float> all(3), last(1);
    source.read(name, 0, all, {});
    source.read(name, 2, last, {});
    EXPECT_THAT(all, ElementsAre(1, -2, 0.5f)) << name;
    EXPECT_THAT(last, ElementsAre(0.5f)) << name;
  }
}

TEST_F(CheckpointSourceTest, WhatIsNoNumberOrNotThereIsBad) {
  const CheckpointSource source = open();
  std::vector<float> to(3);
  const auto code_of = [&](const std::string& name, std::uint64_t first) {
    try {
      source.read(name, first, to, {});
    } catch (const RoostError& error) {
      return error.code();
    }
    return ErrorCode::Internal;
  };
  EXPECT_EQ(code_of("i64", 0), ErrorCode::BadFile);
  EXPECT_EQ(code_of("f32", 1), ErrorCode::BadFile);
  EXPECT_EQ(code_of("f32", UINT64_MAX), ErrorCode::BadFile);
  EXPECT_EQ(code_of("none", 0), ErrorCode::BadFile);
  EXPECT_EQ(source.shape_of("none"), std::nullopt);
}

}  // namespace
}  // namespace roost::backend

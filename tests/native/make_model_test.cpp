#include "roost/model_files.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "roost/engine.h"
#include "roost/error.h"

namespace roost::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class MakeModelTest : public testing::Test {
 protected:
  MakeModelTest() {
    fs::remove_all(folder);
    small.layers = 2;
    small.hidden = 32;
    small.heads = 4;
    small.vocabulary = 300;
    small.positions = 40;
  }
  ~MakeModelTest() override { fs::remove_all(folder); }

  std::string bytes_of(const fs::path& file) const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  ErrorCode refused(const MakeOptions& options) {
    try {
      make_model(folder, options);
    } catch (const RoostError& error) {
      message = error.what();
      return error.code();
    }
    ADD_FAILURE() << "was made";
    return ErrorCode::Internal;
  }

  const fs::path folder =
      fs::temp_directory_path() / ("roost-made-" + std::to_string(::getpid()) + "-" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  MakeOptions small;
  std::string message;
};

TEST_F(MakeModelTest, EveryFamilyRuns) {
  Engine engine;
  for (const std::string& family : makeable_families()) {
    small.family = family;
    const fs::path of = folder / family;
    make_model(of, small);
    engine.register_model(family, "file:" + of.string());
    const Embedder embedder = engine.embedder(family);
    EXPECT_EQ(embedder.embed("some words, and 12 more").size(), 32u) << family;
    EXPECT_EQ(embedder.info().max_tokens, 40u) << family;
    EXPECT_NE(embedder.embed("one"), embedder.embed("two")) << family;
  }
}

TEST_F(MakeModelTest, HeadsRankAndClassify) {
  Engine engine;
  for (const std::string& family : makeable_families()) {
    small.family = family;
    for (const std::size_t labels : {1u, 3u}) {
      small.labels = labels;
      const std::string id = family + "-" + std::to_string(labels);
      make_model(folder / id, small);
      engine.register_model(id, "file:" + (folder / id).string());
      if (labels == 1) {
        EXPECT_EQ(engine.reranker(id).rerank("a", {"b", "c"}).size(), 2u) << family;
      } else {
        EXPECT_EQ(engine.classifier(id).classify("text").size(), 3u) << family;
      }
    }
  }
}

TEST_F(MakeModelTest, AWholeVocabulary) {
  small.vocabulary = 30'522;
  make_model(folder, small);
  Engine engine;
  engine.register_model("m", "file:" + folder.string());
  EXPECT_EQ(engine.embedder("m").embed("text").size(), 32u);
}

TEST_F(MakeModelTest, TheSameOptionsGiveTheSameBytes) {
  make_model(folder / "a", small);
  make_model(folder / "b", small);
  small.seed = 7;
  make_model(folder / "c", small);
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"}) {
    EXPECT_EQ(bytes_of(folder / "a" / name), bytes_of(folder / "b" / name));
  }
  EXPECT_NE(bytes_of(folder / "a/model.safetensors"), bytes_of(folder / "c/model.safetensors"));
}

TEST_F(MakeModelTest, WhatFitsNoModelIsRefused) {
  MakeOptions options = small;
  options.family = "llama";
  EXPECT_EQ(refused(options), ErrorCode::InvalidArgument);
  EXPECT_THAT(message, HasSubstr("llama"));
  options = small;
  options.heads = 5;
  EXPECT_EQ(refused(options), ErrorCode::InvalidArgument);
  options = small;
  options.vocabulary = 127;
  EXPECT_EQ(refused(options), ErrorCode::InvalidArgument);
  options = small;
  options.layers = 0;
  EXPECT_EQ(refused(options), ErrorCode::InvalidArgument);
  options = small;
  options.hidden = 0;
  EXPECT_EQ(refused(options), ErrorCode::InvalidArgument);
  options = small;
  options.layers = 1'000'000;
  EXPECT_EQ(refused(options), ErrorCode::InvalidArgument);
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(MakeModelTest, AFolderInUseStaysAsItIs) {
  fs::create_directories(folder);
  std::ofstream(folder / "mine") << "text";
  EXPECT_EQ(refused(small), ErrorCode::InvalidArgument);
  EXPECT_THAT(message, HasSubstr("no empty folder"));
  EXPECT_EQ(bytes_of(folder / "mine"), "text");
}

TEST_F(MakeModelTest, ACancelLeavesNothing) {
  std::stop_source stop;
  const auto progress = [&](double) { stop.request_stop(); };
  small.vocabulary = 10'000;
  EXPECT_THROW(make_model(folder, small, progress, stop.get_token()), CancelledException);
  EXPECT_FALSE(fs::exists(folder));
}

}  // namespace
}  // namespace roost::test

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "faces/fake_engine.h"
#include "roost/local_models.h"

namespace roost {
namespace {

using test::bad_names;
using test::code_of;
using test::FakeEngine;
using test::FakeScript;
using test::FakeStep;

const std::vector<std::string> kTexts = {"Hello world", "Good morning", "The cat sat on the mat"};

TEST(LocalModels, TheThreeExceptionsCarryTheirFields) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  try {
    LocalEmbedder::load(*engine, "unknown-model");
    FAIL();
  } catch (const ModelNotFoundException& error) {
    EXPECT_EQ(error.model_id(), "unknown-model");
  }

  script.fail(FakeStep::Load, 1, [] { throw std::runtime_error("the weights are torn"); });
  try {
    LocalEmbedder::load(*engine, "m");
    FAIL();
  } catch (const ModelLoadException& error) {
    EXPECT_EQ(error.model_id(), "m");
    EXPECT_NE(std::string(error.what()).find("the weights are torn"), std::string::npos);
  }

  script.fail(FakeStep::Run, 1, [] { throw std::runtime_error("a bad kernel"); });
  const auto model = LocalEmbedder::load(*engine, "m");
  try {
    model.embed("text");
    FAIL();
  } catch (const InferenceException& error) {
    EXPECT_EQ(error.model_id(), "m");
    EXPECT_NE(std::string(error.what()).find("a bad kernel"), std::string::npos);
  }
  EXPECT_EQ(model.embed("text").size(), 4u);
}

TEST(LocalModels, DefaultOfflineNamesTheWayOn) {
  Engine engine;
  try {
    LocalEmbedder::load(engine, "default");
    FAIL();
  } catch (const RoostError& error) {
    EXPECT_NE(std::string(error.what()).find("builtin:lexical"), std::string::npos);
  }
}

TEST(LocalModels, CancellingALoadThatRunsLeavesNothingBehind) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  script.gate(FakeStep::Load).shut();
  std::stop_source stop;
  auto loading = LocalEmbedder::load_async(*engine, "m", {}, {}, stop.get_token());
  script.gate(FakeStep::Load).await_arrivals();
  stop.request_stop();
  EXPECT_EQ(code_of([&] { loading.get(); }), ErrorCode::Cancelled);
  script.gate(FakeStep::Load).open();
  EXPECT_EQ(LocalEmbedder::load(*engine, "m").embed("text").size(), 4u);
  EXPECT_EQ(engine.host().live_bytes(), 0u);
}

TEST(LocalModels, CancelledBeforeTheStartChangesNothing) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  std::stop_source stop;
  stop.request_stop();
  const std::string before = engine.shown();
  const auto load = [&](const DownloadProgressSink& progress) {
    return code_of([&] { LocalEmbedder::load(*engine, "m", {}, progress, stop.get_token()); });
  };
  EXPECT_EQ(load({}), ErrorCode::Cancelled);
  EXPECT_EQ(load([](const DownloadProgress&) { ADD_FAILURE(); }), ErrorCode::Cancelled);
  EXPECT_EQ(code_of([&] { LocalEmbedder::load_from_path(*engine, "/", {}, stop.get_token()); }),
            ErrorCode::Cancelled);
  EXPECT_EQ(code_of([&] { LocalEmbedder::load("m", {}, {}, stop.get_token()); }),
            ErrorCode::Cancelled);
  EXPECT_EQ(script.count(FakeStep::Load), 0u);
  EXPECT_EQ(engine.shown(), before);
}

TEST(LocalModels, BadNamesAreRefusedAndChangeNothing) {
  FakeEngine engine;
  engine.add("m");
  const std::string before = engine.shown();
  for (const test::BadName& bad : bad_names()) {
    const auto load = [&] { LocalEmbedder::load(*engine, bad.name); };
    const auto load_async = [&] { LocalReranker::load_async(*engine, bad.name).get(); };
    EXPECT_EQ(code_of(load), bad.code);
    EXPECT_EQ(code_of(load_async), bad.code);
  }
  EXPECT_EQ(engine.shown(), before);
}

TEST(LocalModels, BadTextsAreRefused) {
  FakeEngine engine;
  engine.add("m");
  const auto embedder = LocalEmbedder::load(*engine, "m");
  const auto reranker = LocalReranker::load(*engine, "m");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of([&] { embedder.embed(""); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { reranker.rerank("", kTexts); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { embedder.embed("text", stop.get_token()); }), ErrorCode::Cancelled);
  EXPECT_EQ(code_of([&] { embedder.warmup(stop.get_token()); }), ErrorCode::Cancelled);
}

struct RefusedOption {
  std::string name;
  EmbedderOptions options;
  ErrorCode code;
};

class RefusedOptionTest : public testing::TestWithParam<RefusedOption> {};

std::vector<RefusedOption> refused_options() {
  std::vector<RefusedOption> cases;
  const auto add = [&](const std::string& name, ErrorCode code, const EmbedderOptions& options) {
    cases.push_back({name, options, code});
  };
  add("cache_directory", ErrorCode::Unsupported, {.cache_directory = "/tmp/x"});
  add("thread_count", ErrorCode::Unsupported, {.thread_count = 2});
  add("thread_count", ErrorCode::InvalidArgument, {.thread_count = 0});
  add("quantization_hint", ErrorCode::Unsupported, {.quantization_hint = "int8"});
  add("max_sequence_length", ErrorCode::Unsupported, {.max_sequence_length = 128});
  add("max_sequence_length", ErrorCode::InvalidArgument, {.max_sequence_length = 0});
  add("normalize_embeddings", ErrorCode::Unsupported, {.normalize_embeddings = false});
  add("pooling_mode", ErrorCode::Unsupported, {.pooling_mode = PoolingMode::Cls});
  add("do_lower_case", ErrorCode::Unsupported, {.do_lower_case = true});
  add("backend", ErrorCode::InvalidArgument, {.backend = "rows"});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(LocalModels, RefusedOptionTest, testing::ValuesIn(refused_options()),
                         [](const auto& test) {
                           return test.param.name + "_" + std::to_string(test.index);
                         });

TEST_P(RefusedOptionTest, IsNamedAndNotIgnored) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  const std::string before = engine.shown();
  try {
    LocalEmbedder::load(*engine, "m", GetParam().options);
    FAIL() << GetParam().name;
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), GetParam().code);
    EXPECT_NE(std::string(error.what()).find(GetParam().name), std::string::npos) << error.what();
  }
  EXPECT_EQ(script.count(FakeStep::Load), 0u);
  EXPECT_EQ(engine.shown(), before);
}

TEST(LocalModels, OptionsOfTheModelThatItDoesNotTakeAreErrors) {
  Engine engine;
  EmbedderOptions unknown;
  unknown.backend["rowz"] = 256;
  EXPECT_EQ(code_of([&] { LocalEmbedder::load(engine, "builtin:lexical", unknown); }),
            ErrorCode::UnknownOption);
  RerankerOptions hint;
  hint.quantization_hint = "int8";
  EXPECT_EQ(code_of([&] { LocalReranker::load(engine, "builtin:lexical", hint); }),
            ErrorCode::Unsupported);
}

// --- paths

// Takes what lies in "file:" sources for the fake "file".
class FileBackend final : public Backend {
 public:
  FileBackend() { fakes_.add("file"); }
  std::string_view name() const override { return "files"; }
  std::optional<std::string> why_not(const ModelDescription& description) const override {
    if (description.source.starts_with("file:")) return std::nullopt;
    return "not a file";
  }
  void check_options(const Value&) const override {}
  LoadEstimate estimate(const ModelDescription& given, const Device& device) const override {
    return fakes_.estimate(as_fake(given), device);
  }
  std::unique_ptr<Model> load(const ModelDescription& given, LoadContext& context,
                              std::stop_token stop) override {
    return fakes_.load(as_fake(given), context, std::move(stop));
  }

 private:
  static ModelDescription as_fake(ModelDescription description) {
    description.source = "fake:file";
    return description;
  }
  test::FakeBackend fakes_;
};

class PathTest : public testing::Test {
 protected:
  PathTest() : engine_(options()) {
    std::string temporary = testing::TempDir() + "roost-XXXXXX";
    root_ = mkdtemp(temporary.data());
    folder_ = root_ / "a model of mine";
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "weights.bin") << "weights";
  }
  ~PathTest() override { std::filesystem::remove_all(root_); }
  static EngineOptions options() {
    EngineOptions options;
    options.backends = {std::make_shared<FileBackend>()};
    return options;
  }

  std::filesystem::path root_, folder_;
  Engine engine_;
};

TEST_F(PathTest, AFolderIsAModelTheSameHoweverItIsSpelt) {
  const auto model = LocalEmbedder::load_from_path(engine_, folder_.string());
  const auto again =
      LocalEmbedder::load_from_path_async(
          engine_, (folder_ / "..").string() + "/" + folder_.filename().string() + "/")
          .get();
  EXPECT_EQ(model.embed("text").size(), 4u);
  EXPECT_EQ(model.id(), again.id());
  const auto file = LocalReranker::load_from_path(engine_, (folder_ / "weights.bin").string());
  EXPECT_NE(file.id(), model.id());
}

TEST_F(PathTest, WhatIsLoadedIsFreedThoughItsFilesAreGone) {
  {
    const auto model = LocalEmbedder::load_from_path(engine_, folder_.string());
    EXPECT_EQ(engine_.status().loaded, 1u);
    std::filesystem::remove_all(folder_);
    EXPECT_EQ(model.embed("text").size(), 4u);
  }
  EXPECT_EQ(engine_.status().loaded, 0u);
}

TEST_F(PathTest, BadPathsAreRefusedAndChangeNothing) {
  const std::size_t before = engine_.models().size();
  for (const std::string& path : {std::string(), std::string(10'000, 'a'), std::string("a\x01")}) {
    EXPECT_EQ(code_of([&] { LocalEmbedder::load_from_path(engine_, path); }),
              ErrorCode::InvalidArgument);
    EXPECT_EQ(code_of([&] { LocalReranker::load_from_path(path); }), ErrorCode::InvalidArgument);
  }
  const std::string missing = (folder_ / "../no such model").string();
  EXPECT_EQ(code_of([&] { LocalEmbedder::load_from_path(engine_, missing); }),
            ErrorCode::ModelNotFound);
  EXPECT_EQ(engine_.models().size(), before);
}

}  // namespace
}  // namespace roost

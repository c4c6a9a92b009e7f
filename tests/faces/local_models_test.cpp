#include "roost/local_models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "faces/fake_engine.h"

namespace roost {
namespace {

using test::code_of;
using test::FakeEngine;
using test::FakeScript;
using test::FakeStep;

const std::vector<std::string> kTexts = {"Hello world", "Good morning", "The cat sat on the mat"};

double length(const Vector& vector) {
  return std::sqrt(dot_product(vector, vector));
}

// --- loading and using

TEST(LocalEmbedder, EmbedsWithAnEngineOfItsOwn) {
  EmbedderOptions options;
  options.backend["rows"] = 256;
  const EmbeddingModel model = LocalEmbedder::load("builtin:lexical", options);
  const LocalModelInfo info = model.get_model_info();
  EXPECT_EQ(info.model_id, "builtin:lexical");
  EXPECT_EQ(info.model_path, "");
  EXPECT_EQ(model.embed("Hello world").size(), info.dimensions);
  EXPECT_GT(info.estimated_memory_bytes, 0u);
}

TEST(LocalEmbedder, ABatchEqualsSinglesAndTheAsyncTwins) {
  Engine engine;
  const EmbeddingModel model = LocalEmbedder::load_async(engine, "builtin:lexical").get();
  const std::vector<Vector> batch = model.embed(kTexts);
  ASSERT_EQ(batch.size(), kTexts.size());
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    EXPECT_EQ(batch[i], model.embed(kTexts[i]));
    EXPECT_EQ(batch[i], model.embed_async(kTexts[i]).get());
    EXPECT_EQ(batch[i], model.embed_query(kTexts[i]));
    EXPECT_EQ(batch[i], model.embed_passage(kTexts[i]));
  }
  EXPECT_EQ(model.embed_async(kTexts).get(), batch);
  EXPECT_EQ(model.embed_queries(kTexts), batch);
  EXPECT_EQ(model.embed_passages(kTexts), batch);
  EXPECT_TRUE(model.embed(std::vector<std::string>{}).empty());
}

TEST(LocalEmbedder, VectorsAreOfLengthOneWhateverTheModelGives) {
  FakeEngine engine;
  engine.add("m");
  const EmbeddingModel model = LocalEmbedder::load(*engine, "m");
  EXPECT_GT(length(engine->embedder("m").embed("text")), 1.5);
  EXPECT_NEAR(length(model.embed("text")), 1, 1e-6);
  EXPECT_NEAR(length(model.embed(kTexts).back()), 1, 1e-6);
  EXPECT_NEAR(length(model.embed_async("text").get()), 1, 1e-6);
}

TEST(LocalEmbedder, ConcurrentCallsEqualSerialOnes) {
  FakeEngine engine;
  engine.add("m");
  const EmbeddingModel model = LocalEmbedder::load(*engine, "m");
  const std::vector<Vector> expected = model.embed(kTexts);
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int round = 0; round < 20; ++round) {
          for (std::size_t i = 0; i < kTexts.size(); ++i) {
            if (model.embed(kTexts[i]) != expected[i]) ++wrong;
          }
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(LocalReranker, RanksBestFirstWithTheIndexGiven) {
  Engine engine;
  const RerankerModel model = LocalReranker::load(engine, "builtin:lexical");
  const std::vector<double> scores = model.score("a cat on a mat", kTexts);
  const std::vector<Ranked> ranked = model.rerank("a cat on a mat", kTexts);
  ASSERT_EQ(ranked.size(), kTexts.size());
  EXPECT_EQ(ranked.front().document, kTexts[2]);
  EXPECT_TRUE(std::ranges::is_sorted(ranked, std::ranges::greater(), &Ranked::score));
  for (const Ranked& one : ranked) {
    EXPECT_EQ(one.document, kTexts[one.index]);
    EXPECT_EQ(one.score, scores[one.index]);
    EXPECT_GE(one.score, 0);
    EXPECT_LE(one.score, 1);
  }
  EXPECT_EQ(model.rerank("a cat on a mat", kTexts, 1).size(), 1u);
  EXPECT_EQ(model.rerank_async("a cat on a mat", kTexts).get().front().index, 2u);
}

TEST(LocalEmbedder, WarmupIsIdempotentAndSafeConcurrently) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  const EmbeddingModel model = LocalEmbedder::load(*engine, "m");
  auto first = model.warmup_async();
  auto second = model.warmup_async();
  first.get();
  second.get();
  const std::uint64_t runs = script.count(FakeStep::Run);  // two at once may both run
  EXPECT_GE(runs, 1u);
  model.warmup();
  EXPECT_EQ(script.count(FakeStep::Run), runs);
}

// --- prompts

// A fake that tells queries from passages.
class PromptedModel final : public Model {
 public:
  explicit PromptedModel(std::unique_ptr<Model> fake) : fake_(std::move(fake)) {}
  ModelInfo info() const override {
    ModelInfo info = fake_->info();
    info.extra["query_prefix"] = "query: ";
    info.extra["passage_prefix"] = "passage: ";
    return info;
  }
  std::size_t width(Task task) const override { return fake_->width(task); }
  Sequence tokenize(Task task, std::string_view text, std::string_view pair) const override {
    return fake_->tokenize(task, text, pair);
  }
  void run(const Batch& batch, std::stop_token stop) override { fake_->run(batch, stop); }
  Health probe_health(std::stop_token stop) override { return fake_->probe_health(stop); }

 private:
  const std::unique_ptr<Model> fake_;
};

class PromptedBackend final : public Backend {
 public:
  PromptedBackend() { fakes_.add("prompted"); }
  std::string_view name() const override { return "prompted"; }
  std::optional<std::string> why_not(const ModelDescription& given) const override {
    return fakes_.why_not(given);
  }
  void check_options(const Value&) const override {}
  LoadEstimate estimate(const ModelDescription& given, const Device& device) const override {
    return fakes_.estimate(given, device);
  }
  std::unique_ptr<Model> load(const ModelDescription& given, LoadContext& context,
                              std::stop_token stop) override {
    return std::make_unique<PromptedModel>(fakes_.load(given, context, stop));
  }

 private:
  test::FakeBackend fakes_;
};

TEST(LocalEmbedder, QueriesAndPassagesGetThePromptsThatTheModelDeclares) {
  EngineOptions options;
  options.backends = {std::make_shared<PromptedBackend>()};
  Engine engine(options);
  engine.register_model("m", "fake:prompted");
  const EmbeddingModel model = LocalEmbedder::load(engine, "m");
  EXPECT_EQ(model.embed_query("text"), model.embed("query: text"));
  EXPECT_EQ(model.embed_passage("text"), model.embed("passage: text"));
  EXPECT_NE(model.embed_query("text"), model.embed("text"));
  const std::vector<std::string> texts = {"one", "two"};
  EXPECT_EQ(model.embed_queries(texts).back(), model.embed("query: two"));
  EXPECT_EQ(model.embed_passages(texts).back(), model.embed("passage: two"));
}

// --- diagnostics

TEST(LocalEmbedder, InfoIsThatOfTheLoadedObject) {
  FakeEngine engine({.gpu_bytes = {1 << 30}});
  engine.add("m");
  const EmbeddingModel on_gpu = LocalEmbedder::load(*engine, "m");
  EXPECT_TRUE(on_gpu.is_gpu_active());
  EXPECT_EQ(on_gpu.active_providers(), std::vector{ExecutionProvider::Cuda});
  EXPECT_EQ(on_gpu.get_model_info().device, "cuda:0");
  EXPECT_EQ(on_gpu.get_model_info().requested_provider, ExecutionProvider::Auto);

  const EmbeddingModel on_cpu =
      LocalEmbedder::load(*engine, "m", {.provider = ExecutionProvider::Cpu});
  EXPECT_FALSE(on_cpu.is_gpu_active());
  EXPECT_EQ(on_cpu.active_providers(), std::vector{ExecutionProvider::Cpu});
  EXPECT_EQ(on_cpu.get_model_info().requested_provider, ExecutionProvider::Cpu);
  EXPECT_EQ(on_cpu.get_model_info().dimensions, 4u);
}

TEST(LocalEmbedder, AProviderThatIsMissingIsAnError) {
  FakeEngine engine;
  engine.add("m");
  const EmbedderOptions options{.provider = ExecutionProvider::Cuda};
  EXPECT_EQ(code_of([&] { LocalEmbedder::load(*engine, "m", options); }),
            ErrorCode::ProviderUnavailable);
}

// --- unloading

TEST(LocalModels, HandlesAreIndependentOverOneSetOfWeights) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  auto first = LocalEmbedder::load(*engine, "m");
  auto second = LocalEmbedder::load(*engine, "m");
  const auto reranker = LocalReranker::load(*engine, "m");
  EXPECT_EQ(script.count(FakeStep::Load), 1u);

  first.close();
  EXPECT_EQ(code_of([&] { first.embed("text"); }), ErrorCode::NotLoaded);
  EXPECT_EQ(second.embed("text").size(), 4u);
  second.close_async().get();
  EXPECT_EQ(script.alive(), 1u);
  EXPECT_EQ(reranker.score("query", kTexts).size(), kTexts.size());
}

TEST(LocalModels, TheLastHandleFreesTheMemory) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  const std::uint64_t before = engine.host().live_bytes();
  {
    const auto first = LocalEmbedder::load(*engine, "m");
    const auto second = LocalEmbedder::load(*engine, "m");
    EXPECT_GT(engine.host().live_bytes(), before);
  }
  EXPECT_EQ(script.alive(), 0u);
  EXPECT_EQ(engine.host().live_bytes(), before);
}

TEST(LocalModels, OneAfterTheOtherFitWhereBothDoNot) {
  FakeEngine engine({.gpu_bytes = {64 << 20}});
  engine.add("embedder", 40 << 20);
  engine.add("reranker", 40 << 20);
  const std::uint64_t before = engine.gpu().sample().available_bytes;
  {
    const auto embedder = LocalEmbedder::load(*engine, "embedder");
    EXPECT_LE(engine.gpu().sample().available_bytes, before - (40 << 20));
  }
  EXPECT_EQ(engine.gpu().sample().available_bytes, before);
  const auto reranker = LocalReranker::load(*engine, "reranker");
  EXPECT_EQ(reranker.rerank("query", kTexts).size(), kTexts.size());
}

TEST(LocalModels, SomebodyElsesLeaseKeepsTheModel) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  const Embedder theirs = engine->embedder("m");
  { const auto ours = LocalEmbedder::load(*engine, "m"); }
  EXPECT_EQ(script.alive(), 1u);
  EXPECT_EQ(theirs.embed("text").size(), 4u);
}

TEST(LocalModels, KeepWarmAndPinsOutliveTheLastHandle) {
  FakeEngine engine;
  FakeScript& warm = engine.add("warm");
  FakeScript& pinned = engine.add("pinned");
  engine->pin("pinned");
  { const auto model = LocalEmbedder::load(*engine, "warm", {.keep_warm = true}); }
  { const auto model = LocalEmbedder::load(*engine, "pinned"); }
  EXPECT_EQ(warm.alive(), 1u);
  EXPECT_EQ(pinned.alive(), 1u);
}

TEST(LocalModels, CloseIsIdempotentAndMovedFromIsClosed) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  auto model = LocalEmbedder::load(*engine, "m");
  EmbeddingModel moved = std::move(model);
  EXPECT_FALSE(model.is_open());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(code_of([&] { model.embed("text"); }), ErrorCode::NotLoaded);
  model.close();
  EXPECT_TRUE(moved.is_open());
  moved.close();
  moved.close();
  moved.close_async().get();
  EXPECT_FALSE(moved.is_open());
  EXPECT_EQ(script.count(FakeStep::Unload), 1u);
}

TEST(LocalModels, AssigningClosesWhatWasThere) {
  FakeEngine engine;
  FakeScript& first = engine.add("first");
  engine.add("second");
  auto model = LocalEmbedder::load(*engine, "first");
  model = LocalEmbedder::load(*engine, "second");
  EXPECT_EQ(first.alive(), 0u);
  EXPECT_EQ(model.get_model_info().model_id, "second");
}

TEST(LocalModels, LoadsAndClosesOfManyThreadsNeverDisturbEachOther) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  std::atomic<int> errors = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int round = 0; round < 25; ++round) {
          try {
            LocalEmbedder::load(*engine, "m").embed("text");
          } catch (const RoostError& error) {
            ADD_FAILURE() << error.what();
            ++errors;
          }
        }
      });
    }
  }
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(script.alive(), 0u);
  EXPECT_EQ(engine.host().live_bytes(), 0u);
}

// --- progress

// Files that arrive in quarters.
class QuarteredFiles final : public ModelSource {
 public:
  bool is_present() const override { return present_; }
  std::uint64_t estimate() const override { return 400; }
  void fetch(const Progress& progress, std::stop_token) override {
    for (std::uint64_t done = 100; done <= 400; done += 100) {
      if (done == 300 && fail_) throw RoostError(ErrorCode::DownloadFailed, "the line went dead");
      progress(done, 400);
    }
    present_ = true;
  }
  void fail(bool fail) { fail_ = fail; }

 private:
  std::atomic<bool> present_ = false;
  std::atomic<bool> fail_ = false;
};

class ProgressTest : public testing::Test {
 protected:
  ProgressTest() {
    engine_.add("here");
    ModelRegistration registration = *engine_->registration("here");
    registration.id = "away";
    registration.files = files_;
    engine_->register_model(registration);
  }
  DownloadProgressSink sink() {
    return [this](const DownloadProgress& p) { told_.push_back(p); };
  }

  FakeEngine engine_;
  std::shared_ptr<QuarteredFiles> files_ = std::make_shared<QuarteredFiles>();
  std::vector<DownloadProgress> told_;
};

TEST_F(ProgressTest, RisesToOneHundredOnceWithBytes) {
  const auto model = LocalEmbedder::load(*engine_, "away", {}, sink());
  ASSERT_GE(told_.size(), 3u);
  EXPECT_EQ(told_.front().phase, DownloadPhase::Preparing);
  EXPECT_EQ(told_.back().phase, DownloadPhase::Complete);
  EXPECT_EQ(told_.back().bytes_downloaded, 400u);
  const auto is_complete = [](const DownloadProgress& p) { return p.percent_complete == 100; };
  EXPECT_EQ(std::ranges::count_if(told_, is_complete), 1);
  EXPECT_TRUE(std::ranges::is_sorted(told_, {}, &DownloadProgress::progress_percentage));
}

TEST_F(ProgressTest, FilesThatAreHereAreToldAsComplete) {
  const auto model = LocalEmbedder::load(*engine_, "here", {}, sink());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_.front().phase, DownloadPhase::Complete);
  EXPECT_EQ(told_.front().progress_percentage, 1);
}

TEST_F(ProgressTest, AFailedDownloadTellsNoCompleteAndCanBeTriedAgain) {
  files_->fail(true);
  EXPECT_EQ(code_of([&] { LocalEmbedder::load(*engine_, "away", {}, sink()); }),
            ErrorCode::DownloadFailed);
  EXPECT_NE(told_.back().phase, DownloadPhase::Complete);
  files_->fail(false);
  LocalEmbedder::load(*engine_, "away", {}, sink());
  EXPECT_EQ(told_.back().phase, DownloadPhase::Complete);
}

TEST_F(ProgressTest, WithoutAutoDownloadNothingIsFetched) {
  EXPECT_THROW(LocalEmbedder::load(*engine_, "away", {.disable_auto_download = true}, sink()),
               RoostError);
  EXPECT_FALSE(files_->is_present());
  EXPECT_TRUE(told_.empty());
}

}  // namespace
}  // namespace roost

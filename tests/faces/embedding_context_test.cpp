#include "roost/embedding_service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "faces/fake_engine.h"

namespace roost {
namespace {

using test::code_of;
using test::FakeEngine;
using test::FakeScript;
using test::FakeStep;

const std::vector<std::string> kTexts = {"one", "two", "three", "four", "five"};

// Log lines, kept.
class KeptLog {
 public:
  LogSink sink() {
    return [this](LogLevel, std::string_view text) {
      const std::scoped_lock lock(mutex_);
      text_.append(text).append("\n");
    };
  }
  std::string text() const {
    const std::scoped_lock lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// --- what document 3 requires to be tested

TEST(EmbeddingServiceContext, CleanupIsCalledEvenWhenExceptionsOccur) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  const auto use_and_fail = [&] {
    const auto service = embedding_service_context(*engine, {.model_name = "m"});
    service->embed_texts(kTexts);
    throw std::logic_error("the user's own");
  };
  EXPECT_THROW(use_and_fail(), std::logic_error);
  EXPECT_EQ(script.alive(), 0u);
  EXPECT_EQ(engine.host().live_bytes(), 0u);
}

TEST(EmbeddingServiceContext, ACleanupThatFailsIsLoggedAndNeverMasksTheException) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  KeptLog log;
  const auto use_and_fail = [&] {
    const auto service = embedding_service_context(*engine, {.model_name = "m", .log = log.sink()});
    script.fail(FakeStep::Unload, 1, [] { throw std::runtime_error("the unload went wrong"); });
    throw std::logic_error("the user's own");
  };
  EXPECT_THROW(use_and_fail(), std::logic_error);
  EXPECT_NE(log.text().find("the unload went wrong"), std::string::npos) << log.text();
  EXPECT_EQ(script.alive(), 0u);
}

TEST(EmbeddingServiceContext, EarlyReturnsAndTheCallbackFormCleanUp) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  const auto first_of = [&](bool early) -> std::size_t {
    const auto service = embedding_service_context(*engine, {.model_name = "m"});
    if (early) return 0;
    return service->embed_texts(kTexts).size();
  };
  EXPECT_EQ(first_of(true), 0u);
  EXPECT_EQ(script.alive(), 0u);

  const auto embed = [](BaseEmbeddingService& service) { return service.embed_single("text"); };
  EXPECT_EQ(with_embedding_service(*engine, {.model_name = "m"}, embed).size(), 4u);
  EXPECT_EQ(script.alive(), 0u);

  const auto fail = [](BaseEmbeddingService&) { throw std::logic_error("the user's own"); };
  EXPECT_THROW(with_embedding_service(*engine, {.model_name = "m"}, fail), std::logic_error);
  EXPECT_EQ(script.alive(), 0u);
}

TEST(EmbeddingServiceContext, ConcurrentAccessWithMultipleContexts) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  std::vector<Vector> expected;
  {
    const auto outer = embedding_service_context(*engine, {.model_name = "m"});
    expected = outer->embed_texts(kTexts);
    std::atomic<int> wrong = 0;
    {
      std::vector<std::jthread> threads;
      threads.reserve(8);
      for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&] {
          for (int round = 0; round < 10; ++round) {
            const auto service = embedding_service_context(*engine, {.model_name = "m"});
            if (service->embed_texts(kTexts, 2) != expected) ++wrong;
          }
        });
      }
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(script.count(FakeStep::Load), 1u);  // leaving a context disturbed no other
    EXPECT_EQ(outer->embed_texts(kTexts), expected);
  }
  EXPECT_EQ(script.alive(), 0u);
}

// Without an outer context the last one out frees and the next one loads, over and over.
TEST(EmbeddingServiceContext, ConcurrentLastOnesOutAndFirstOnesIn) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  {
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int round = 0; round < 25; ++round) {
          const auto service = embedding_service_context(*engine, {.model_name = "m"});
          EXPECT_EQ(service->embed_texts(kTexts).size(), kTexts.size());
        }
      });
    }
  }
  EXPECT_EQ(script.alive(), 0u);
  EXPECT_EQ(engine.host().live_bytes(), 0u);
}

TEST(EmbeddingServiceContext, GpuMemoryIsActuallyFreed) {
  constexpr std::uint64_t kBytes = 24 << 20;
  FakeEngine engine({.gpu_bytes = {256 << 20}, .segment_bytes = 2 << 20, .async_writes = true});
  engine.add("m", kBytes);
  const std::uint64_t before = engine.gpu().sample().available_bytes;
  {
    const auto service = embedding_service_context(*engine, {.model_name = "m"});
    service->embed_texts(kTexts);
    EXPECT_EQ(service->get_model_info().device, "cuda:0");
    EXPECT_LE(engine.gpu().sample().available_bytes, before - kBytes);
  }
  EXPECT_EQ(engine.gpu().sample().available_bytes, before);

  const auto shared = embedding_service_context(*engine, {.model_name = "m"});
  const std::uint64_t with_one = engine.gpu().sample().available_bytes;
  {
    const auto temporary = ScopedEmbeddingService(*engine).temporary_model("m");
    EXPECT_LE(engine.gpu().sample().available_bytes, with_one - kBytes);
  }
  EXPECT_EQ(engine.gpu().sample().available_bytes, with_one);
}

// --- contexts

TEST(EmbeddingServiceContext, TheLastOneOutFreesOrKeepsWarm) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  {
    auto first = embedding_service_context(*engine, {.model_name = "m"});
    const auto second = embedding_service_context(*engine, {.model_name = "m"});
    first.close();
    EXPECT_EQ(second->embed_single("text").size(), 4u);
    EXPECT_EQ(script.alive(), 1u);
  }
  EXPECT_EQ(script.alive(), 0u);
  { const auto warm = embedding_service_context(*engine, {.model_name = "m", .keep_warm = true}); }
  EXPECT_EQ(script.alive(), 1u);
}

TEST(EmbeddingServiceContext, CloseIsIdempotentAndAfterItNothingWorks) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  auto context = embedding_service_context_async(*engine, {.model_name = "m"}).get();
  EXPECT_TRUE(context);
  EmbeddingServiceContext moved = std::move(context);
  EXPECT_FALSE(context);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(code_of([&] { context.get(); }), ErrorCode::NotLoaded);
  moved.close();
  moved.close();
  moved.close_async().get();
  EXPECT_FALSE(moved);
  EXPECT_EQ(code_of([&] { moved->embed_single("text"); }), ErrorCode::NotLoaded);
  EXPECT_EQ(script.count(FakeStep::Unload), 1u);
}

TEST(EmbeddingServiceContext, APendingAcquireThatIsCancelledCleansUp) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  script.gate(FakeStep::Load).shut();
  std::stop_source stop;
  auto entering = embedding_service_context_async(*engine, {.model_name = "m"}, stop.get_token());
  script.gate(FakeStep::Load).await_arrivals();
  stop.request_stop();
  EXPECT_EQ(code_of([&] { entering.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(script.alive(), 0u);
  script.gate(FakeStep::Load).open();
  EXPECT_TRUE(embedding_service_context(*engine, {.model_name = "m"}));
}

TEST(EmbeddingServiceContext, OutlivesTheEnginesClose) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  auto context = embedding_service_context(*engine, {.model_name = "m"});
  auto temporary = ScopedEmbeddingService(*engine).temporary_model("m");
  engine->close();
  EXPECT_EQ(script.alive(), 0u);
  EXPECT_EQ(code_of([&] { context->embed_single("text"); }), ErrorCode::EngineClosed);
  EXPECT_EQ(code_of([&] { temporary->embed_single("text"); }), ErrorCode::EngineClosed);
  context.close();
  temporary.close();
}

TEST(EmbeddingServiceContext, TakesAServiceOfOnesOwn) {
  class Constant final : public BaseEmbeddingService {
   public:
    void initialize(const std::string&, std::stop_token) override {}
    bool is_initialized() const override { return open; }
    EmbeddingServiceInfo get_model_info() const override { return {"constant", 1, "cpu", 0}; }
    void close() noexcept override { open = false; }
    bool open = true;

   private:
    std::vector<Vector> embed_batch(std::span<const std::string> texts, EmbeddingMode,
                                    std::stop_token) const override {
      return std::vector<Vector>(texts.size(), Vector{1});
    }
  };
  const auto service = std::make_shared<Constant>();
  int left = 0;
  {
    const EmbeddingServiceContext context(service, [&] { ++left; });
    EXPECT_EQ(context->embed_texts(kTexts, 2), std::vector<Vector>(5, Vector{1}));
    EXPECT_EQ(context->get_dimension(), 1u);
  }
  EXPECT_FALSE(service->open);
  EXPECT_EQ(left, 1);
  EXPECT_EQ(code_of([] { const EmbeddingServiceContext none(nullptr); }),
            ErrorCode::InvalidArgument);
}

// --- temporary models

TEST(ScopedEmbeddingService, LeavesTheEnginesShownStateAlone) {
  test::ManualClock clock;
  FakeEngine engine({}, &clock);
  FakeScript& m = engine.add("m");
  engine.add("other");
  engine->set_alias("fast", "other", true);
  const auto global = embedding_service_context(*engine, {.model_name = "m"});
  global->embed_texts(kTexts);
  { const auto other = embedding_service_context(*engine, {.model_name = "fast"}); }
  const auto expected = global->embed_texts(kTexts);
  const std::string before = engine.shown();
  clock.advance(std::chrono::seconds(1));
  {
    const auto temporary = ScopedEmbeddingService(*engine).temporary_model("m");
    EXPECT_EQ(temporary->embed_texts(kTexts), expected);
    EXPECT_EQ(m.alive(), 2u);
  }
  EXPECT_EQ(m.alive(), 1u);
  EXPECT_EQ(engine.shown(), before);
  { ScopedEmbeddingService(*engine).temporary_model_async("other").get()->embed_texts(kTexts); }
  EXPECT_EQ(engine.shown(), before);
  EXPECT_EQ(engine->resolve("fast"), "other");
  EXPECT_EQ(global->embed_single("one").size(), 4u);
}

// Temporary models come and go while others look, use and free the model of the same name.
TEST(ScopedEmbeddingService, DisturbsNobodyWhoLooksMeanwhile) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  {
    std::vector<std::jthread> threads;
    threads.reserve(6);
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (int round = 0; round < 30; ++round) {
          ScopedEmbeddingService(*engine).temporary_model("m")->embed_texts(kTexts);
        }
      });
      threads.emplace_back([&] {
        for (int round = 0; round < 30; ++round) {
          embedding_service_context(*engine, {.model_name = "m"})->embed_texts(kTexts);
          EXPECT_EQ(engine->models().size(), 2u);
          EXPECT_LE(engine->status().loaded, 4u);
        }
      });
    }
  }
  EXPECT_EQ(script.alive(), 0u);
  EXPECT_EQ(engine.host().live_bytes(), 0u);
}

TEST(ScopedEmbeddingService, IsFreedForCertainWhateverEndsTheScope) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  const auto use_and_fail = [&] {
    const auto temporary = ScopedEmbeddingService(*engine).temporary_model("m");
    throw std::logic_error("the user's own");
  };
  EXPECT_THROW(use_and_fail(), std::logic_error);
  EXPECT_EQ(script.alive(), 0u);
  EXPECT_EQ(engine.host().live_bytes(), 0u);

  script.fail(FakeStep::Load, 1, [] { throw std::runtime_error("the weights are torn"); });
  EXPECT_EQ(code_of([&] { ScopedEmbeddingService(*engine).temporary_model("m"); }),
            ErrorCode::LoadFailed);
  engine.await_no_host_bytes();
  EXPECT_TRUE(embedding_service_context(*engine, {.model_name = "m"}));
}

}  // namespace
}  // namespace roost

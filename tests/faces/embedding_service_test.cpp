#include "roost/embedding_service.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "faces/fake_engine.h"

namespace roost {
namespace {

using test::bad_names;
using test::code_of;
using test::FakeEngine;
using test::FakeScript;
using test::FakeStep;

const std::vector<std::string> kTexts = {"one", "two", "three", "four", "five"};

TEST(DenseEmbeddingService, EmbedsInBatchesOfTheSizeAsked) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  DenseEmbeddingService service(*engine);
  service.initialize("m");
  const std::vector<Vector> all = service.embed_texts(kTexts);
  EXPECT_EQ(script.count(FakeStep::Run), 1u);
  EXPECT_EQ(service.embed_texts(kTexts, 2), all);
  EXPECT_EQ(script.count(FakeStep::Run), 4u);
  EXPECT_EQ(service.embed_texts(kTexts, 32, EmbeddingMode::Document), all);
  EXPECT_EQ(service.embed_texts_async(kTexts).get(), all);
  EXPECT_EQ(service.embed_single("one"), all.front());
  EXPECT_EQ(service.embed_single_async("one").get(), all.front());
  EXPECT_TRUE(service.embed_texts(std::vector<std::string>{}).empty());
}

TEST(DenseEmbeddingService, TellsItsModel) {
  FakeEngine engine;
  engine.add("m");
  DenseEmbeddingService service(*engine);
  EXPECT_FALSE(service.is_initialized());
  service.initialize_async("m").get();
  EXPECT_TRUE(service.is_initialized());
  EXPECT_EQ(service.get_dimension(), 4u);
  EXPECT_EQ(service.get_model_info().model_name, "m");
  EXPECT_EQ(service.get_model_info().device, "cpu");
  service.close();
  EXPECT_FALSE(service.is_initialized());
  EXPECT_EQ(code_of([&] { service.get_dimension(); }), ErrorCode::NotLoaded);
  EXPECT_EQ(code_of([&] { service.embed_texts(kTexts); }), ErrorCode::NotLoaded);
}

TEST(DenseEmbeddingService, AFailedInitializeLeavesItAsIfNeverStartedAndUsable) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  script.fail(FakeStep::Load, 1, [] { throw std::runtime_error("the weights are torn"); });
  DenseEmbeddingService service(*engine);
  EXPECT_EQ(code_of([&] { service.initialize("m"); }), ErrorCode::LoadFailed);
  EXPECT_FALSE(service.is_initialized());
  EXPECT_EQ(code_of([&] { service.embed_single("text"); }), ErrorCode::NotLoaded);
  engine.await_no_host_bytes();
  service.close();
  service.initialize("m");
  EXPECT_EQ(service.embed_single("text").size(), 4u);
}

TEST(DenseEmbeddingService, AnotherModelIsLoadedAfterTheFirstWasClosed) {
  FakeEngine engine({.gpu_bytes = {64 << 20}});
  FakeScript& first = engine.add("first", 40 << 20);
  engine.add("second", 40 << 20);
  DenseEmbeddingService service(*engine);
  service.initialize("first");
  service.initialize("first");
  EXPECT_EQ(first.count(FakeStep::Load), 1u);
  EXPECT_EQ(code_of([&] { service.initialize("no-such-model"); }), ErrorCode::ModelNotFound);
  EXPECT_EQ(service.get_model_info().model_name, "first");  // a wrong name stops nothing
  service.initialize("second");
  EXPECT_EQ(first.alive(), 0u);
  EXPECT_EQ(service.get_model_info().model_name, "second");
}

TEST(DenseEmbeddingService, AFutureKeepsTheServiceOfAContext) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  script.gate(FakeStep::Run).shut();
  std::future<Vector> pending;
  {
    auto context = embedding_service_context(*engine, {.model_name = "m"});
    pending = context->embed_single_async("text");
    script.gate(FakeStep::Run).await_arrivals();
    script.gate(FakeStep::Run).open();
  }
  try {
    EXPECT_EQ(pending.get().size(), 4u);
  } catch (const RoostError& error) {
    const bool closed =
        error.code() == ErrorCode::NotLoaded || error.code() == ErrorCode::LeaseRevoked;
    EXPECT_TRUE(closed) << error.what();  // the context was quicker
  }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

TEST(DeprecatedWays, CleanupStillWorks) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  DenseEmbeddingService service(*engine);
  service.initialize("m");
  service.cleanup();
  service.cleanup();
  EXPECT_EQ(script.alive(), 0u);
  service.initialize("m");
  EXPECT_EQ(service.embed_single("text").size(), 4u);
}

TEST(DeprecatedWays, TheGlobalAccessorSharesAndCounts) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  const auto first = get_embedding_service(*engine, {.model_name = "m"});
  auto second = get_embedding_service(*engine, {.model_name = "m"});
  EXPECT_EQ(script.count(FakeStep::Load), 1u);
  first->cleanup();  // not under everyone else's feet
  EXPECT_EQ(second->embed_single("text").size(), 4u);
  const auto third = second;
  second.reset();
  EXPECT_EQ(third->embed_single("text").size(), 4u);
  EXPECT_EQ(script.alive(), 1u);
  third->cleanup();
  EXPECT_EQ(script.alive(), 0u);
}

#pragma GCC diagnostic pop

// --- bad input

TEST(EmbeddingServices, BadNamesAreRefusedAndChangeNothing) {
  test::ManualClock clock;
  FakeEngine engine({}, &clock);
  engine.add("m");
  DenseEmbeddingService running(*engine);
  running.initialize("m");
  const ScopedEmbeddingService scoped(*engine);
  const std::string before = engine.shown();
  for (const test::BadName& bad : bad_names()) {
    const auto initialize = [&] { running.initialize(bad.name); };
    const auto temporary = [&] { scoped.temporary_model(bad.name); };
    const auto enter = [&] { embedding_service_context(*engine, {.model_name = bad.name}); };
    EXPECT_EQ(code_of(initialize), bad.code);
    EXPECT_EQ(code_of(temporary), bad.code);
    if (bad.name.empty()) continue;  // "default", in options
    EXPECT_EQ(code_of(enter), bad.code);
  }
  EXPECT_EQ(engine.shown(), before);
  EXPECT_TRUE(running.is_initialized());
}

TEST(EmbeddingServices, BadOptionsAreRefusedAndChangeNothing) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  const std::string before = engine.shown();
  const auto enter = [&](const EmbeddingServiceOptions& options) {
    return code_of([&] { embedding_service_context(*engine, options); });
  };
  EXPECT_EQ(enter({.model_name = "m", .timeout = std::chrono::milliseconds(-1)}),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(enter({.model_name = "m", .backend = "rows"}), ErrorCode::InvalidArgument);
  EXPECT_EQ(enter({.model_name = "m", .keep_warm = true, .isolated = true}),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(enter({.model_name = "m", .device = "cuda:7"}), ErrorCode::DeviceNotFound);
  EXPECT_EQ(enter({.model_name = "m", .provider = ExecutionProvider::DirectML}),
            ErrorCode::ProviderUnavailable);
  EXPECT_EQ(code_of([&] {
              ScopedEmbeddingService(*engine).temporary_model("m", {.model_name = "other"});
            }),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(script.count(FakeStep::Load), 0u);
  EXPECT_EQ(engine.shown(), before);
}

TEST(EmbeddingServices, ABatchSizeOfZeroAndAnEmptyTextAreRefused) {
  FakeEngine engine;
  engine.add("m");
  const auto service = embedding_service_context(*engine, {.model_name = "m"});
  EXPECT_EQ(code_of([&] { service->embed_texts(kTexts, 0); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { service->embed_single(""); }), ErrorCode::InvalidArgument);
}

TEST(EmbeddingServices, CancelledBeforeTheStartChangesNothing) {
  FakeEngine engine;
  FakeScript& script = engine.add("m");
  std::stop_source stop;
  stop.request_stop();
  const std::string before = engine.shown();
  EXPECT_EQ(
      code_of([&] { embedding_service_context(*engine, {.model_name = "m"}, stop.get_token()); }),
      ErrorCode::Cancelled);
  EXPECT_EQ(
      code_of([&] { ScopedEmbeddingService(*engine).temporary_model("m", {}, stop.get_token()); }),
      ErrorCode::Cancelled);
  EXPECT_EQ(script.count(FakeStep::Load), 0u);
  EXPECT_EQ(engine.shown(), before);

  const auto service = embedding_service_context(*engine, {.model_name = "m"});
  EXPECT_EQ(
      code_of([&] { service->embed_texts(kTexts, 2, EmbeddingMode::Query, stop.get_token()); }),
      ErrorCode::Cancelled);
}

}  // namespace
}  // namespace roost

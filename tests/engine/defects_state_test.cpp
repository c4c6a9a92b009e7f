// The defect classes of what stays behind; the table of all is at the top of defects_test.cpp.
#include <filesystem>
#include <fstream>

#include "engine/fixture.h"
#include "support/raw_file_backend.h"

namespace roost::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class DefectsStateTest : public EngineTest {};

// --- options mutated

TEST_F(DefectsStateTest, OptionsMutated) {
  EngineOptions given;
  given.machine = simulated_machine();
  given.backends = {backend};
  { const Engine made(given); }
  EXPECT_FALSE(given.log);
  EXPECT_EQ(given.backends.size(), 1u);
  EXPECT_FALSE(given.host_budget_bytes);

  backend->add("a", {});
  ModelRegistration registration;
  registration.id = "a";
  registration.source = "fake:a";
  registration.options.backend["rows"] = 1;
  engine().register_model(registration);
  const Value before = engine().model_options("a").to_value();
  LoadOptions load;
  load.backend["rows"] = 2;
  load.backend["mode"] = "x";
  const Value asked = load.backend;
  const ModelHandle other = engine().model("a", load);
  EXPECT_EQ(load.backend, asked);
  EXPECT_EQ(engine().model_options("a").to_value(), before) << "those of one load are its own";
  engine().model("a");
  EXPECT_EQ(backend->script("a").count(FakeStep::Load), 2u) << "and another's load is another";

  Value patch;
  patch["backend"]["rows"] = nullptr;
  const Value patched = patch;
  engine().patch_options("a", patch);
  EXPECT_EQ(patch, patched);
  EXPECT_EQ(registration.options.backend.find("rows")->as_int(), 1);
  EXPECT_TRUE(engine().model_options("a").backend.as_object().empty());
}

// --- stale state after failed load / unload

TEST_F(DefectsStateTest, StaleStateAfterFailedLoad) {
  FakeScript& script = add("a", kMiB);
  script.set_health(Health::Degraded);
  ModelHandle first = engine().model("a");
  engine().check_health("a");
  first.close();
  engine().unload("a");
  script.fail(FakeStep::Load, 1, [] { throw std::runtime_error("no"); });
  EXPECT_EQ(code_of([&] { engine().model("a"); }), ErrorCode::LoadFailed);
  const ModelStatus failed = engine().status("a");
  EXPECT_EQ(failed.state, ModelState::Error);
  EXPECT_EQ(failed.tier, Tier::None);
  EXPECT_EQ(failed.footprint, MemoryVector());
  EXPECT_EQ(failed.health, Health::Unknown) << "that was the copy before";
  EXPECT_EQ(failed.latency.load_ms, 0);
  EXPECT_FALSE(failed.loaded_at);
  EXPECT_EQ(failed.waiters, 0u);
  EXPECT_NE(failed.last_failure.find("no"), std::string::npos);
  EXPECT_EQ(code_of([&] { engine().model("a"); }), ErrorCode::LoadBackoff)
      << "the fast door is shut";

  engine().model("a", {.retry_now = true});
  const ModelStatus loaded = engine().status("a");
  EXPECT_EQ(loaded.state, ModelState::Loaded);
  EXPECT_TRUE(loaded.last_failure.empty());
  EXPECT_EQ(loaded.failures_in_a_row, 0u);
  EXPECT_EQ(loaded.retry_after, std::chrono::milliseconds(0));
}

TEST_F(DefectsStateTest, StaleStateAfterFailedUnload) {
  FakeScript& script = add("a", kMiB);
  engine().model("a");
  script.fail(FakeStep::Unload, 1, [] { throw std::runtime_error("it would not go"); });
  EXPECT_NE(code_of([&] { engine().unload("a"); }), ErrorCode::InvalidArgument);
  EXPECT_NE(last_message().find("it would not go"), std::string::npos);
  const ModelStatus failed = engine().status("a");
  EXPECT_EQ(failed.state, ModelState::Error);
  EXPECT_EQ(failed.footprint, MemoryVector());
  EXPECT_EQ(failed.leases, 0u);
  EXPECT_EQ(script.alive(), 0u);
  EXPECT_EQ(live_on_host(), 0u);
  const ModelHandle fresh = engine().model("a");
  EXPECT_EQ(fresh.width(Task::Embed), 4u);
  EXPECT_EQ(script.count(FakeStep::Load), 2u);
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
}

// --- idle timestamps vs durations

// A time is a moment that stays where it was, a duration is what passes.
TEST_F(DefectsStateTest, IdleTimestampsAndDurations) {
  use_manual_clock();
  add("a", kMiB);
  EXPECT_FALSE(engine().status("a").last_used);
  const auto loaded_at = manual_clock.wall();
  engine().ready("a");
  EXPECT_FALSE(engine().status("a").last_used) << "loaded is not used";
  manual_clock.advance(minutes(5));
  const auto used_at = manual_clock.wall();
  engine().embedder("a").embed("text");
  const UsageReport usage = engine().usage("a");
  EXPECT_EQ(usage.last_used, used_at);
  manual_clock.advance(hours(3));
  EXPECT_EQ(engine().status("a").loaded_at, loaded_at);
  EXPECT_EQ(engine().status("a").last_used, used_at);
  EXPECT_EQ(engine().usage("a").last_used, used_at);
  EXPECT_EQ(engine().usage("a").total_ms, 0) << "three hours passed, but nothing ran in them";
}

// --- identifier collisions across folders

class TwoFoldersTest : public DefectsStateTest {
 protected:
  TwoFoldersTest() {
    std::string name = testing::TempDir() + "roost-folders-XXXXXX";
    root_ = ::mkdtemp(name.data());
    for (const char* folder : {"x", "y"}) std::filesystem::create_directory(root_ / folder);
    std::ofstream(root_ / "x/model.bin") << std::string(1'000, 'x');
    std::ofstream(root_ / "y/model.bin") << std::string(2'000, 'y');
    options.backends = {std::make_shared<RawFileBackend>()};
  }
  ~TwoFoldersTest() override { std::filesystem::remove_all(root_); }
  std::string file(const char* name) const { return (root_ / name).string(); }

  std::filesystem::path root_;
};

TEST_F(TwoFoldersTest, IdentifierCollisionsAcrossFolders) {
  const ModelHandle x = engine().model(file("x/model.bin"));
  const ModelHandle y = engine().model(file("y/model.bin"));
  EXPECT_NE(x.id(), y.id());
  EXPECT_EQ(x.info().estimated_memory_bytes, 1'000u);
  EXPECT_EQ(y.info().estimated_memory_bytes, 2'000u);
  EXPECT_EQ(engine().resolve(file("x/../y/model.bin")), y.id()) << "one file has one id";

  engine().register_model("model", "file:" + file("x/model.bin"));
  EXPECT_EQ(code_of([&] { engine().register_model("model", "file:" + file("y/model.bin")); }),
            ErrorCode::ModelExists);
  EXPECT_EQ(code_of([&] { engine().register_model("Model", "file:" + file("y/model.bin")); }),
            ErrorCode::ModelExists);
  EXPECT_EQ(engine().model("model").info().estimated_memory_bytes, 1'000u);
  engine().register_model("y/model", "file:" + file("y/model.bin"));
  EXPECT_EQ(engine().model("y/model").info().estimated_memory_bytes, 2'000u);
}

// --- CPU-only and zero-budget refusal

TEST_F(DefectsStateTest, CpuOnly) {
  add("a", kMiB);
  EXPECT_EQ(code_of([&] { engine().ready("a", {.device = "cuda:0"}); }), ErrorCode::DeviceNotFound);
  EXPECT_EQ(code_of([&] { engine().ready("a", {.provider = ExecutionProvider::Cuda}); }),
            ErrorCode::ProviderUnavailable);
  engine().ready("a");
  EXPECT_EQ(engine().status("a").device, "cpu");
  EXPECT_TRUE(events_of("a", EventKind::ProviderFallback).empty()) << "no better one was there";
}

TEST_F(DefectsStateTest, ZeroBudgetRefusal) {
  machine = simulated_machine({.gpu_bytes = {64 * kMiB}});
  options.host_budget_bytes = 0;
  options.device_budget_bytes["cuda:0"] = 0;
  add("a", kMiB);
  for (const auto& [device, memory] :
       {std::pair("cpu", MemoryId::Host), std::pair("cuda:0", device_memory(0))}) {
    try {
      engine().ready("a", {.device = device});
      ADD_FAILURE() << "taken on " << device;
    } catch (const BudgetExceededException& error) {
      EXPECT_EQ(error.short_by(), MemoryVector::on(memory, kMiB));
      EXPECT_EQ(error.free(), MemoryVector());
    }
    EXPECT_EQ(engine().plan("a", {.device = device}).verdict, Verdict::Refuse);
  }
  EXPECT_EQ(script("a").count(FakeStep::Load), 0u);
  engine().set_budget("cpu", kMiB);
  engine().ready("a", {.device = "cpu"});
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
}

}  // namespace
}  // namespace roost::test

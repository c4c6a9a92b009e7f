// What a program that loads and unloads for months must not do: grow. A thousand cycles of
// everything that can happen to a load, and what the process holds afterwards.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "backend/builtin/lexical_backend.h"
#include "leak/holdings.h"
#include "roost/engine.h"
#include "support/gate.h"
#include "support/hooked_backend.h"

namespace roost::test {
namespace {

constexpr std::size_t kFirst = 200, kLast = 1'000;  // cycles that are looked at
constexpr double kMostBytesPerCycle = 1'000;
constexpr std::size_t kEventRing = 1'000;
constexpr std::size_t kJobsKept = 1'000;

// An engine with one small model, whose loads can be held up and made to fail.
class LeakTest : public testing::Test {
 protected:
  LeakTest() {
    EngineOptions options;
    options.provider = ExecutionProvider::Cpu;
    options.host_budget_bytes = 64 << 20;
    options.event_ring = kEventRing;
    options.min_residency = std::chrono::milliseconds(0);
    options.log = [](LogLevel, std::string_view) {};
    options.backends = {
        std::make_shared<HookedBackend>(std::make_shared<backend::LexicalBackend>(),
                                        [this](std::string_view call) { hook(call); })};
    engine = std::make_unique<Engine>(options);
    add();
    fill_what_is_kept();
  }

  void add() {
    ModelRegistration model;
    model.id = "m";
    model.source = "builtin:lexical";
    model.options.backend["rows"] = 256;
    model.options.backend["dimensions"] = 64;
    engine->register_model(model);
  }

  void hook(std::string_view call) {
    if (call == "read") reading.pass();
    if (call != "read" && call != "load") return;
    if (call == failing.load()) throw ModelLoadException("m", "the test asked for it");
  }

  // Finished jobs and old events are kept up to a number, and the dispatcher stays from the first
  // listener on.
  void fill_what_is_kept() {
    use_with_a_listener();
    while (engine->events(std::nullopt, kEventRing).events.size() < kEventRing) use();
    engine->ready("m");
    std::vector<std::string> jobs;
    for (std::size_t i = 0; i < kJobsKept; ++i) jobs.push_back(engine->start_ready("m"));
    for (const std::string& job : jobs) await_job(job, "done");
    engine->unload("m");
  }

  void await_job(const std::string& job, std::string_view state) {
    while (engine->job(job)->state != state) std::this_thread::yield();
  }

  Growth cycles(std::size_t kept_each = 0) {
    static constexpr std::array kKinds = {
        &LeakTest::use,          &LeakTest::cancel_by_name, &LeakTest::last_waiter_leaves,
        &LeakTest::fail_to_read, &LeakTest::fail_to_place,  &LeakTest::register_anew,
        &LeakTest::demote,       &LeakTest::restore,        &LeakTest::use_with_a_listener,
        &LeakTest::cache,        &LeakTest::isolated,       &LeakTest::cancel_a_job,
        &LeakTest::warm_up};
    return growth(kFirst, kLast, [&, kept_each](std::size_t i) {
      (this->*kKinds[i % kKinds.size()])();
      if (kept_each != 0) planted.emplace_back(kept_each, 'x');
    });
  }

  // --- the cycles; each leaves nothing loaded

  void use() {
    engine->embedder("m").embed("some words of a text");
    engine->unload("m");
  }

  void cancel_by_name() {
    reading.shut();
    std::future<ModelHandle> load = engine->model_async("m");
    reading.await_arrivals();
    EXPECT_TRUE(engine->cancel_load("m"));
    reading.open();
    EXPECT_THROW(load.get(), CancelledException);
    engine->unload("m");  // returns when the load has stopped
  }

  void last_waiter_leaves() {
    std::stop_source stop;
    reading.shut();
    std::future<ModelHandle> load = engine->model_async("m", {}, stop.get_token());
    reading.await_arrivals();
    stop.request_stop();
    reading.open();
    EXPECT_THROW(load.get(), CancelledException);
    engine->unload("m");
  }

  void fail_at(const char* call) {
    failing = call;
    EXPECT_THROW(engine->model("m"), ModelLoadException);
    failing = "";
    engine->reset("m");
    use();
  }
  void fail_to_read() { fail_at("read"); }
  void fail_to_place() { fail_at("load"); }

  void register_anew() {
    use();
    engine->unregister_model("m");
    add();
  }

  void demote() {
    engine->ready("m");
    engine->demote("m");
    EXPECT_EQ(engine->cache_report().entries.size(), 1u);
    engine->clear_cache();
  }

  void restore() {
    engine->ready("m");
    engine->demote("m");
    use();
  }

  void use_with_a_listener() {
    std::atomic<std::size_t> heard = 0;
    const Subscription listening = engine->subscribe([&](const Event&) { ++heard; });
    use();
    engine->wait_for_listeners();
    EXPECT_GT(heard, 0u);
  }

  void cache() {
    engine->cache("m");
    use();
    engine->uncache("m");
  }

  void isolated() {
    LoadOptions own;
    own.isolated = true;
    ModelHandle instance = engine->model("m", own);
    instance.close_async().wait();
  }

  void use_by_a_new_name() {
    const std::string name = std::string(150, 'n') + std::to_string(names++);
    engine->set_alias(name, "m");
    engine->embedder(name).embed("some words of a text");
    engine->remove_alias(name);
  }

  void cancel_a_job() {
    reading.shut();
    const std::string job = engine->start_ready("m");
    reading.await_arrivals();
    EXPECT_TRUE(engine->cancel_job(job));
    await_job(job, "cancelled");
    reading.open();
    engine->unload("m");
  }

  void warm_up() {
    LoadOptions warm;
    warm.warm_up = true;
    engine->ready("m", warm);
    engine->unload("m");
  }

  Gate reading;
  std::atomic<const char*> failing = "";  // the call that is to fail
  std::size_t names = 0;
  std::vector<std::string> planted;
  std::unique_ptr<Engine> engine;
};

constexpr const char* kNotHere =
    ROOST_SANITIZED != 0 ? "a sanitizer keeps what is freed, and notes of it, in the same memory"
                         : "this kernel does not tell what a process has of its own";
bool tells_own_bytes() {
  return ROOST_SANITIZED == 0 && own_bytes().has_value();
}

TEST_F(LeakTest, ThreadsAndDescriptorsStay) {
  const Growth seen = cycles();
  EXPECT_EQ(seen.after.threads, seen.before.threads);
  EXPECT_EQ(seen.after.descriptors, seen.before.descriptors);
  EXPECT_EQ(engine->memory().memories.front().reserved, 0u);
}

TEST_F(LeakTest, MemoryStays) {
  if (!tells_own_bytes()) GTEST_SKIP() << "memory is not looked at: " << kNotHere;
  const Growth seen = cycles();
  RecordProperty("bytes_per_cycle", std::to_string(seen.bytes_per_cycle));
  EXPECT_LE(seen.bytes_per_cycle, kMostBytesPerCycle);
}

TEST_F(LeakTest, NamesThatCameAndWentAreForgotten) {
  if (!tells_own_bytes()) GTEST_SKIP() << "memory is not looked at: " << kNotHere;
  const Growth seen = growth(kFirst, kLast, [this](std::size_t) {
    for (int i = 0; i < 8; ++i) use_by_a_new_name();
  });
  EXPECT_LE(seen.bytes_per_cycle, kMostBytesPerCycle);
}

TEST_F(LeakTest, APlantedLeakIsCaught) {
  if (!tells_own_bytes()) GTEST_SKIP() << "memory is not looked at: " << kNotHere;
  EXPECT_GT(cycles(2 << 10).bytes_per_cycle, kMostBytesPerCycle);
}

}  // namespace
}  // namespace roost::test

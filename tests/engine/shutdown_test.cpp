// Closing in every state a model can be in: everyone who waits is answered, every byte comes back,
// and what ends the wait is the work in hand, never luck. This is the defect class "shutdown
// deadlock". Handles that outlive the engine: LifecycleTest.
#include <thread>

#include "engine/fixture.h"

namespace roost::test {
namespace {

class ShutdownTest : public EngineTest {
 protected:
  // Closes on another thread, which must wait for what is held at the gate, then lets that go.
  // `meanwhile` may wait for what the close has to tell before that.
  void close_while_held(FakeScript& script, FakeStep step,
                        const std::function<void()>& meanwhile = {}) {
    script.gate(step).await_arrivals();
    auto closing = std::async(std::launch::async, [&] { engine().close(); });
    while (!is_closed()) std::this_thread::yield();
    if (meanwhile) meanwhile();
    EXPECT_EQ(closing.wait_for(std::chrono::seconds(0)), std::future_status::timeout)
        << "work that does not stop is waited for";
    script.gate(step).open();
    closing.get();
    expect_all_gone();
  }
  bool is_closed() {
    try {
      engine().pin("nobody");
    } catch (const RoostError& error) {
      return error.code() == ErrorCode::EngineClosed;
    }
    return false;
  }
  void expect_all_gone() {
    EXPECT_EQ(live_on_host(), 0u);
    EXPECT_EQ(reserved(), 0u);
    for (const auto& script : scripts) EXPECT_EQ(script->alive(), 0u);
    const EngineStatus status = engine().status();
    EXPECT_EQ(status.loaded + status.loading + status.unloading, 0u);
    EXPECT_EQ(status.waiting + status.active_fetches, 0u);
  }
};

TEST_F(ShutdownTest, Idle) {
  add("a", kMiB);
  engine().close();
  engine().close();
  expect_all_gone();
}

TEST_F(ShutdownTest, LoadedAndCached) {
  add("a", fake_with_image(kMiB));
  engine().ready("a");
  engine().cache("a");
  engine().close();
  expect_all_gone();
}

TEST_F(ShutdownTest, Loading) {
  FakeScript& script = add("a", fake_with_image(kMiB));
  for (const FakeStep step : {FakeStep::Read, FakeStep::Load}) script.gate(step).shut();
  auto reading = engine().ready_async("a");
  script.gate(FakeStep::Read).await_arrivals();
  engine().close();  // the gate stays shut: the stop ends the load
  EXPECT_EQ(code_of(reading), ErrorCode::EngineClosed);
  expect_all_gone();
}

TEST_F(ShutdownTest, LoadingWhatDoesNotStop) {
  FakeScript& script = add("a", kMiB);
  script.gate(FakeStep::Load).shut();
  script.ignore_stop(FakeStep::Load);
  auto loading = engine().model_async("a");
  close_while_held(script, FakeStep::Load,
                   [&] { EXPECT_EQ(code_of(loading), ErrorCode::EngineClosed); });
}

TEST_F(ShutdownTest, Queued) {
  options.host_budget_bytes = kMiB;
  options.max_concurrent_loads = 1;
  add("leased", kMiB);
  add("waiting", kMiB);
  const ModelHandle lease = engine().model("leased");
  auto waiting = engine().model_async("waiting");
  const std::string job = engine().start_ready("waiting");
  while (engine().status("waiting").waiters < 2) std::this_thread::yield();
  engine().close();
  EXPECT_EQ(code_of(waiting), ErrorCode::EngineClosed);
  EXPECT_NE(engine().job(job).value().state, "running");
  EXPECT_EQ(script("waiting").count(FakeStep::Load), 0u);
  EXPECT_EQ(code_of([&] { lease.width(Task::Embed); }), ErrorCode::EngineClosed);
  expect_all_gone();
}

TEST_F(ShutdownTest, FetchingAndQueuedToFetch) {
  options.max_concurrent_downloads = 1;
  ScriptedSource& first = add_remote("first", kMiB);
  ScriptedSource& second = add_remote("second", kMiB);
  first.gate.shut();
  auto fetching = engine().fetch_async("first");
  auto loading = engine().model_async("first");
  first.gate.await_arrivals();
  auto queued = engine().model_async("second");
  engine().close();
  for (std::future<ModelHandle>* one : {&loading, &queued}) {
    EXPECT_EQ(code_of(*one), ErrorCode::EngineClosed);
  }
  EXPECT_EQ(code_of(fetching), ErrorCode::EngineClosed);
  EXPECT_EQ(second.fetches(), 0u);
  expect_all_gone();
}

TEST_F(ShutdownTest, Running) {
  FakeScript& script = add("a", kMiB);
  const Embedder embedder = engine().embedder("a");
  script.gate(FakeStep::Run).shut();
  auto running = embedder.embed_async("text");
  close_while_held(script, FakeStep::Run);
  EXPECT_EQ(running.get().size(), 4u) << "a call in flight is let end";
  EXPECT_EQ(code_of([&] { embedder.embed("late"); }), ErrorCode::EngineClosed);
}

TEST_F(ShutdownTest, Probing) {
  FakeScript& script = add("a", kMiB);
  engine().ready("a");
  script.gate(FakeStep::Probe).shut();
  auto probing = std::async(std::launch::async, [&] { return engine().check_health("a"); });
  close_while_held(script, FakeStep::Probe);
  probing.wait();
}

TEST_F(ShutdownTest, Draining) {
  add("a", kMiB);
  const ModelHandle lease = engine().model("a");
  auto draining = engine().unload_async("a");
  while (!engine().status("a").draining) std::this_thread::yield();
  engine().close();
  EXPECT_EQ(draining.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_FALSE(lease && engine().status("a").state == ModelState::Loaded);
  expect_all_gone();
}

TEST_F(ShutdownTest, Unloading) {
  FakeScript& script = add("a", kMiB);
  engine().ready("a");
  script.gate(FakeStep::Unload).shut();
  script.ignore_stop(FakeStep::Unload);
  auto unloading = engine().unload_async("a");
  close_while_held(script, FakeStep::Unload,
                   [&] { EXPECT_EQ(code_of(unloading), ErrorCode::EngineClosed); });
}

TEST_F(ShutdownTest, AllAtOnceAndByMany) {
  options.host_budget_bytes = 8 * kMiB;
  options.health_interval = std::chrono::milliseconds(1);
  add("leased", kMiB);
  add("loading", kMiB).gate(FakeStep::Load).shut();
  add("unloading", kMiB);
  add("waiting", 8 * kMiB);
  add_remote("remote", kMiB).gate.shut();
  const ModelHandle lease = engine().model("leased");
  const ModelHandle own = engine().model("leased", {.isolated = true});
  engine().ready("unloading");
  std::vector<std::future<ModelHandle>> waiting;
  for (const char* name : {"loading", "waiting", "remote"}) {
    waiting.push_back(engine().model_async(name));
  }
  auto unloading = engine().unload_async("unloading");
  script("loading").gate(FakeStep::Load).await_arrivals();
  sources.front()->gate.await_arrivals();
  {
    std::vector<std::jthread> closers;
    for (int i = 0; i < 4; ++i) closers.emplace_back([&] { engine().close(); });
  }
  for (auto& one : waiting) EXPECT_EQ(code_of(one), ErrorCode::EngineClosed);
  unloading.wait();
  expect_all_gone();
}

// --- afterwards

TEST_F(ShutdownTest, AfterwardsLooksStillAnswer) {
  add("a", kMiB);
  engine().embedder("a").embed("text");
  const std::string job = engine().start_ready("a");
  const std::string last = to_string(engine().events().next);
  engine().close();
  EXPECT_TRUE(engine().is_registered("a"));
  EXPECT_EQ(engine().registration("a")->source, "fake:a");
  EXPECT_EQ(engine().resolve("a"), "a");
  EXPECT_EQ(engine().status("a").state, ModelState::Idle);
  EXPECT_EQ(engine().models().size(), 2u);
  EXPECT_GE(engine().history("a").size(), 4u);
  EXPECT_EQ(engine().usage("a").successes, 1u);
  EXPECT_TRUE(engine().evictions().empty());
  EXPECT_TRUE(engine().cache_report().entries.empty());
  EXPECT_EQ(engine().memory().memories.size(), 1u);
  EXPECT_TRUE(engine().job(job));
  EXPECT_EQ(engine().jobs().size(), 1u);
  EXPECT_TRUE(engine().files_present("a"));
  EXPECT_FALSE(engine().events(parse_event_id(last), 10).gap);
  engine().wait_for_listeners();
  EXPECT_FALSE(engine().cancel_load("a"));
  EXPECT_FALSE(engine().cancel_fetch("a"));
  EXPECT_FALSE(engine().cancel_job(job));
}

using Call = std::function<void(Engine& engine, const std::string& model)>;

// All that is refused after close().
const std::vector<std::pair<const char*, Call>>& refused_calls() {
  using E = Engine;
  using S = const std::string;
  static const std::vector<std::pair<const char*, Call>> calls = {
      {"register_model", [](E& e, S&) { e.register_model("b", "fake:a"); }},
      {"unregister_model", [](E& e, S& m) { e.unregister_model(m); }},
      {"set_alias", [](E& e, S& m) { e.set_alias("x", m); }},
      {"remove_alias", [](E& e, S&) { e.remove_alias("x"); }},
      {"model", [](E& e, S& m) { e.model(m); }},
      {"model_async", [](E& e, S& m) { e.model_async(m).get(); }},
      {"embedder", [](E& e, S& m) { e.embedder(m); }},
      {"reranker", [](E& e, S& m) { e.reranker(m); }},
      {"classifier", [](E& e, S& m) { e.classifier(m); }},
      {"tensor_model", [](E& e, S& m) { e.tensor_model(m); }},
      {"ready", [](E& e, S& m) { e.ready(m); }},
      {"ready_async", [](E& e, S& m) { e.ready_async(m).get(); }},
      {"start_ready", [](E& e, S& m) { e.start_ready(m); }},
      {"preload", [](E& e, S& m) { e.preload({m}); }},
      {"unload", [](E& e, S& m) { e.unload(m); }},
      {"unload_async", [](E& e, S& m) { e.unload_async(m).get(); }},
      {"unload_all", [](E& e, S&) { e.unload_all(); }},
      {"ready_on_all_devices", [](E& e, S& m) { e.ready_on_all_devices(m); }},
      {"fetch", [](E& e, S& m) { e.fetch(m); }},
      {"fetch_async", [](E& e, S& m) { e.fetch_async(m).get(); }},
      {"cache", [](E& e, S& m) { e.cache(m); }},
      {"uncache", [](E& e, S& m) { e.uncache(m); }},
      {"clear_cache", [](E& e, S&) { e.clear_cache(); }},
      {"demote", [](E& e, S& m) { e.demote(m); }},
      {"plan", [](E& e, S& m) { e.plan(m); }},
      {"patch_options", [](E& e, S& m) { e.patch_options(m, Value::Object{}); }},
      {"pin", [](E& e, S& m) { e.pin(m); }},
      {"reset", [](E& e, S& m) { e.reset(m); }},
      {"defragment", [](E& e, S&) { e.defragment(); }},
      {"set_budget", [](E& e, S&) { e.set_budget("cpu", 1); }},
      {"check_health", [](E& e, S& m) { e.check_health(m); }},
      {"subscribe", [](E& e, S&) { const Subscription none = e.subscribe([](const Event&) {}); }},
  };
  return calls;
}

TEST_F(ShutdownTest, AfterwardsEverythingElseIsRefusedWhateverTheName) {
  add("a", kMiB);
  engine().close();
  for (const auto& [name, call] : refused_calls()) {
    for (const char* model : {"a", "unknown"}) {
      EXPECT_EQ(code_of([&, &call = call] { call(engine(), model); }), ErrorCode::EngineClosed)
          << name << " of " << model << ": " << last_message();
    }
  }
  EXPECT_EQ(code_of([&] { engine().unload_all({}, "unknown"); }), ErrorCode::EngineClosed);
}

// --- handles

TEST_F(ShutdownTest, HandlesCloseTwiceAndLater) {
  FakeScript& script = add("a", kMiB);
  ModelHandle shared = engine().model("a");
  shared.close_async().get();
  shared.close_async().get();
  EXPECT_FALSE(shared);
  Embedder embedder = engine().embedder("a");
  embedder.close_async().get();
  embedder.close();
  EXPECT_FALSE(embedder.is_open());
  Embedder empty = std::move(embedder);
  embedder.close_async().get();  // moved from

  ModelHandle own = engine().model("a", {.isolated = true});
  script.gate(FakeStep::Unload).shut();
  auto gone = own.close_async();
  script.gate(FakeStep::Unload).await_arrivals();
  EXPECT_EQ(gone.wait_for(std::chrono::seconds(0)), std::future_status::timeout)
      << "its memory is not back yet";
  script.gate(FakeStep::Unload).open();
  gone.get();
  EXPECT_EQ(script.alive(), 1u);
  auto last = engine().model("a", {.isolated = true});
  destroy_engine();
  last.close_async().get();
  EXPECT_EQ(script.alive(), 0u);
}

}  // namespace
}  // namespace roost::test

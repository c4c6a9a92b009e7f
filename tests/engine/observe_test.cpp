// Looking: probes, usage, latency, history, plans, events. A look changes nothing.
#include <malloc.h>

#include <atomic>
#include <thread>

#include "engine/bad_input_fixture.h"

namespace roost::test {
namespace {

using std::chrono::seconds;

class ObserveTest : public EngineTest {
 protected:
  // "unknown>healthy" for each change that was told.
  std::vector<std::string> health_changes(const std::string& model) {
    std::vector<std::string> told;
    for (const Event& event : events_of(model, EventKind::HealthChange)) {
      told.push_back(event.data.find("from")->as_string() + ">" +
                     event.data.find("to")->as_string());
    }
    return told;
  }
};

using Words = std::vector<std::string>;

// --- health

TEST_F(ObserveTest, AProbeRunsAndOnlyAChangeIsTold) {
  FakeScript& script = add("a", kMiB);
  EXPECT_EQ(engine().check_health("a"), Health::Unknown) << "there is nothing to probe";
  engine().ready("a");
  EXPECT_EQ(script.count(FakeStep::Probe), 0u);
  EXPECT_EQ(engine().status("a").health, Health::Unknown) << "nobody has looked";
  for (const Health health : {Health::Healthy, Health::Healthy, Health::Degraded, Health::Degraded,
                              Health::Unhealthy, Health::Healthy}) {
    script.set_health(health);
    EXPECT_EQ(engine().check_health("a"), health);
    EXPECT_EQ(engine().status("a").health, health);
  }
  EXPECT_EQ(script.count(FakeStep::Probe), 6u);
  EXPECT_EQ(health_changes("a"), (Words{"unknown>healthy", "healthy>degraded", "degraded>unhealthy",
                                        "unhealthy>healthy"}));
}

TEST_F(ObserveTest, AProbeThatThrowsOrFindsNonsenseIsUnhealthy) {
  FakeScript& script = add("a", kMiB);
  engine().ready("a");
  script.fail(FakeStep::Probe, 1, [] { throw std::runtime_error("the device is lost"); });
  EXPECT_EQ(engine().check_health("a"), Health::Unhealthy);
  EXPECT_EQ(engine().status("a").health_reason, "the device is lost");
  EXPECT_EQ(engine().check_health("a"), Health::Healthy);
  EXPECT_EQ(engine().status("a").health_reason, "");
  script.poison_outputs();
  EXPECT_EQ(engine().check_health("a"), Health::Unhealthy);
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded) << "a probe judges, it unloads nothing";
}

TEST_F(ObserveTest, WhyItIsNotHealthyIsTold) {
  FakeScript& script = add("a", kMiB);
  const Embedder embedder = engine().embedder("a");
  script.fail(FakeStep::Probe, 1, [] { throw std::runtime_error("the device is lost"); });
  engine().check_health("a");
  engine().check_health("a");
  script.fail(FakeStep::Run, 1, [] { throw std::runtime_error("no"); });
  EXPECT_EQ(code_of([&] { embedder.embed("text"); }), ErrorCode::InferenceFailed);
  engine().check_health("a");
  script.fail(FakeStep::Probe, 1, [] { throw 42; });
  engine().check_health("a");
  std::vector<std::string> reasons;
  for (const Event& event : events_of("a", EventKind::HealthChange)) {
    reasons.push_back(event.data.find("reason")->as_string());
  }
  EXPECT_EQ(reasons, (Words{"the device is lost", "", "10 % of its recent calls failed",
                            "something unknown was thrown"}));
}

TEST_F(ObserveTest, CallsThatFailAreSeenHoweverWellTheProbeGoes) {
  FakeScript& script = add("a", kMiB);
  const Embedder embedder = engine().embedder("a");
  const auto fail_calls = [&](int calls) {
    for (int i = 0; i < calls; ++i) {
      script.fail(FakeStep::Run, 1, [] { throw std::runtime_error("no"); });
      EXPECT_EQ(code_of([&] { embedder.embed("text"); }), ErrorCode::InferenceFailed);
    }
  };
  fail_calls(2);
  EXPECT_EQ(engine().check_health("a"), Health::Degraded);
  fail_calls(10);
  EXPECT_EQ(engine().check_health("a"), Health::Unhealthy);
  for (int i = 0; i < 50; ++i) embedder.embed("text");
  EXPECT_EQ(engine().check_health("a"), Health::Healthy) << "that was long ago";
}

TEST_F(ObserveTest, WatchedModelsAreProbedAgainAndAgain) {
  use_manual_clock();
  options.health_interval = seconds(30);
  FakeScript& script = add("a", kMiB);
  add("unloaded", kMiB);
  engine().ready("a");
  for (std::uint64_t round = 1; round <= 3; ++round) {
    while (script.count(FakeStep::Probe) < round) {
      manual_clock.advance(seconds(30));
      std::this_thread::yield();
    }
  }
  while (engine().status("a").health != Health::Healthy) std::this_thread::yield();
  destroy_engine();
  EXPECT_EQ(backend->script("unloaded").count(FakeStep::Load), 0u);
}

TEST_F(ObserveTest, AProbeOfWhatIsForcedOutMeanwhileIsUnknown) {
  add("a", kMiB);
  std::atomic<bool> over{false};
  std::jthread prober([&] {
    while (!over) {
      EXPECT_NO_THROW(engine().check_health("a"));
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  for (int i = 0; i < 50; ++i) {
    engine().ready("a");
    engine().unload("a", {.force = true});
  }
  over = true;
}

// --- usage and latency

TEST_F(ObserveTest, UsageCountsEveryCallButThoseOfIsolatedCopies) {
  FakeScript& script = add("a", kMiB);
  {
    const Embedder shared = engine().embedder("a");
    const Embedder own = engine().embedder("a", {.isolated = true});
    shared.embed("one"), own.embed("its own affair");
    engine().reranker("a").score("query", std::vector<std::string>{"two"});
    script.fail(FakeStep::Run, 1, [] { throw std::runtime_error("no"); });
    EXPECT_EQ(code_of([&] { shared.embed("three"); }), ErrorCode::InferenceFailed);
    own.warm_up();
    engine().check_health("a");
    EXPECT_EQ(engine().usage("a").requests, 3u) << "neither is a warm-up or a probe one";
  }
  while (script.alive() > 1) std::this_thread::yield();  // the isolated one goes by itself
  engine().unload("a");
  const UsageReport usage = engine().usage("a");
  EXPECT_EQ(usage.successes, 2u) << "counted though the copy has gone";
  EXPECT_EQ(usage.failures, 1u);
  EXPECT_EQ(usage.requests, usage.successes + usage.failures);
  EXPECT_TRUE(usage.last_used);
  EXPECT_EQ(engine().usage("builtin:lexical").requests, 0u);
}

TEST_F(ObserveTest, LoadsAreOfModelsNotOfTheirWeights) {
  engine().ready("builtin:lexical");
  EXPECT_EQ(engine().status().loads, 1u);
  EXPECT_EQ(engine().status().loaded, 1u);
}

TEST_F(ObserveTest, WarmUpIsMeasuredApart) {
  use_manual_clock();
  FakeScript& script = add("a", kMiB);
  script.gate(FakeStep::Run).shut();
  auto loading = engine().model_async("a", {.warm_up = true});
  script.gate(FakeStep::Run).await_arrivals();
  EXPECT_EQ(engine().status("a").state, ModelState::Loading) << "not ready before it is warm";
  manual_clock.advance(seconds(3));
  script.gate(FakeStep::Run).open();
  const ModelHandle lease = loading.get();
  lease.warm_up();
  EXPECT_EQ(script.count(FakeStep::Run), 1u) << "once is enough";
  EXPECT_EQ(lease.latency().warm_up_ms, 3'000);
  EXPECT_EQ(lease.latency().first_call_ms, 0);
  EXPECT_EQ(lease.latency().calls, 0u);
  const std::vector<Event> told = events_of("a", EventKind::LoadComplete);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told.front().data.find("warm_up_ms")->as_double(), 3'000);
}

// --- history

TEST_F(ObserveTest, HistoryObeysTheTableAndIsWhatWasTold) {
  FakeScript& script = add("a", fake_with_image(kMiB));
  engine().ready("a");
  engine().unload("a");
  script.fail(FakeStep::Load, 1, [] { throw std::runtime_error("no"); });
  EXPECT_EQ(code_of([&] { engine().ready("a"); }), ErrorCode::LoadFailed);
  engine().reset("a");
  script.gate(FakeStep::Load).shut();
  auto loading = engine().ready_async("a");
  script.gate(FakeStep::Load).await_arrivals();
  engine().cancel_load("a");
  loading.wait();
  while (engine().status("a").state != ModelState::Idle) std::this_thread::yield();
  const std::vector<HistoryEntry> history = engine().history("a");
  Words told;
  for (const Event& event : events_of("a", EventKind::StateChange)) {
    if (event.data.find("component") != nullptr) continue;  // its image's
    told.push_back(event.data.find("from")->as_string() + ">" + event.data.find("to")->as_string());
  }
  ASSERT_EQ(told.size(), history.size());
  EXPECT_EQ(history.size(), 9u);
  ModelState now = ModelState::Idle;
  for (std::size_t i = 0; i < history.size(); ++i) {
    const HistoryEntry& step = history[i];
    EXPECT_EQ(step.from, now);
    EXPECT_EQ(next_state(step.from, step.why), step.to);
    EXPECT_EQ(told[i], std::string(to_string(step.from)) + ">" + std::string(to_string(step.to)));
    EXPECT_GE(step.at, history[i == 0 ? 0 : i - 1].at);
    now = step.to;
  }
}

// --- plans

TEST_F(ObserveTest, APlanChangesNothingAndSaysWhoAndWhatItCosts) {
  use_manual_clock();
  options.host_budget_bytes = 10 * kMiB;
  options.eviction = EvictionPolicy::Lru;
  for (const char* name : {"old", "new", "wanted"}) add(name, 4 * kMiB);
  add("huge", 11 * kMiB);
  add_remote("remote", kMiB);
  engine().set_alias("swift", "wanted");
  engine().ready("old");
  manual_clock.advance(seconds(60));
  engine().ready("new");
  manual_clock.advance(seconds(60));
  const std::string before = shown(engine());
  const PlanReport plan = engine().plan("swift");
  EXPECT_EQ(plan.model, "wanted");
  EXPECT_EQ(plan.verdict, Verdict::Admit);
  EXPECT_EQ(plan.need, MemoryVector::host(4 * kMiB));
  EXPECT_EQ(plan.free, MemoryVector::host(2 * kMiB));
  ASSERT_EQ(plan.victims.size(), 1u);
  EXPECT_EQ(plan.victims.front().model, "old");
  EXPECT_EQ(plan.victims.front().frees, MemoryVector::host(4 * kMiB));
  EXPECT_NE(plan.victims.front().why.find("idle 120 s"), std::string::npos)
      << plan.victims.front().why;
  EXPECT_NE(plan.explanation.find("4.0 MiB"), std::string::npos) << plan.explanation;
  EXPECT_EQ(engine().plan("huge").short_by, MemoryVector::host(kMiB));
  EXPECT_TRUE(engine().plan("new").already_loaded);
  EXPECT_EQ(engine().plan("wanted", {.isolated = true}).victims.size(), 1u);
  EXPECT_EQ(engine().plan("remote").verdict, Verdict::Admit);
  EXPECT_EQ(shown(engine()), before);
  engine().ready("wanted");
  EXPECT_EQ(engine().evictions().back().model, "old") << "as planned";
  destroy_engine();
}

TEST_F(ObserveTest, APlanLeavesNothingBehind) {
  add("a", fake_with_image(kMiB));
  const auto plan_ten_thousand = [this](int seed) {
    for (int i = 0; i < 10'000; ++i) {
      LoadOptions other;
      other.backend["seed"] = seed + i;
      EXPECT_EQ(engine().plan("a", other).verdict, Verdict::Admit);
    }
  };
  plan_ten_thousand(0);
  const std::size_t before = ::mallinfo2().uordblks;
  plan_ten_thousand(10'000);
  EXPECT_LT(::mallinfo2().uordblks, before + 1'000'000);
}

// --- events

TEST_F(ObserveTest, EventsAreReadOnFromWhereOneLeft) {
  options.event_ring = 8;
  add("a", kMiB);
  const EventPage first = engine().events();
  EXPECT_FALSE(first.gap);
  engine().pin("a");
  const EventPage second = engine().events(first.next);
  ASSERT_EQ(second.events.size(), 1u);
  EXPECT_EQ(second.events.front().kind, EventKind::ConfigUpdate);
  for (int i = 0; i < 10; ++i) engine().pin("a", i % 2 == 0);
  const EventPage late = engine().events(second.next);
  EXPECT_TRUE(late.gap) << "three of the ten are no longer kept";
  EXPECT_EQ(late.events.size(), 8u);
  EXPECT_EQ(engine().events(late.next).events.size(), 0u);
}

TEST_F(ObserveTest, AListenerThatThrowsHarmsNobody) {
  add("a", kMiB);
  std::vector<std::uint64_t> heard;
  const Subscription bad =
      engine().subscribe([](const Event&) { throw std::runtime_error("its own trouble"); });
  const Subscription good =
      engine().subscribe([&](const Event& event) { heard.push_back(event.id.sequence); });
  engine().ready("a");
  engine().unload("a");
  engine().wait_for_listeners();
  EXPECT_GE(heard.size(), 6u);
  for (std::size_t i = 1; i < heard.size(); ++i) EXPECT_EQ(heard[i], heard[i - 1] + 1);
}

}  // namespace
}  // namespace roost::test

// Who stays and who goes, where policies meet. Each alone is proved by a script of its name in
// tests/scripts: lru, cost_aware, pinned, low_priority, ttl, one_of_a_group, min_residency.
#include <thread>

#include "engine/fixture.h"

namespace roost::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class PolicyTest : public EngineTest {
 protected:
  PolicyTest() {
    use_manual_clock();
    options.host_budget_bytes = 10 * kMiB;
    options.eviction = EvictionPolicy::Lru;
  }
  ~PolicyTest() override { destroy_engine(); }

  // Loaded one after the other, a second between them.
  void load(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      engine().model(name);
      manual_clock.advance(seconds(1));
    }
  }
  void option(const std::string& name, std::string_view key, Value value) {
    Value patch;
    patch[key] = std::move(value);
    engine().patch_options(name, patch);
  }
  std::vector<std::string> evicted() {
    std::vector<std::string> names;
    for (const EvictionReport& one : engine().evictions()) names.push_back(one.model);
    return names;
  }
  bool is_loaded(const std::string& name) {
    return engine().status(name).state == ModelState::Loaded;
  }
  void await_idle(const std::string& name) {
    while (engine().status(name).state != ModelState::Idle) std::this_thread::yield();
  }
};

using Names = std::vector<std::string>;

// The same requests under the two policies: one looks at the time alone, the other at what it
// costs to have the model back.
class TwoPoliciesTest : public PolicyTest, public testing::WithParamInterface<EvictionPolicy> {};

TEST_P(TwoPoliciesTest, SameRequestsOtherVictim) {
  options.eviction = GetParam();
  FakeScript& slow = add("slow_to_load", 4 * kMiB);
  slow.gate(FakeStep::Load).shut();
  auto loading = engine().ready_async("slow_to_load");
  slow.gate(FakeStep::Load).await_arrivals();
  manual_clock.advance(seconds(60));
  slow.gate(FakeStep::Load).open();
  loading.get();
  add("quick_to_load", 4 * kMiB);
  add("wanted", 4 * kMiB);
  load({"slow_to_load", "quick_to_load", "wanted"});
  const bool by_time = GetParam() == EvictionPolicy::Lru;
  EXPECT_EQ(evicted(), Names{by_time ? "slow_to_load" : "quick_to_load"});
}
INSTANTIATE_TEST_SUITE_P(Policies, TwoPoliciesTest,
                         testing::Values(EvictionPolicy::Lru, EvictionPolicy::CostAware),
                         [](const auto& tried) { return std::string(to_string(tried.param)); });

TEST_F(PolicyTest, OptionsOfTheRegistrationHold) {
  for (const auto& [name, pin, priority] :
       {std::tuple("pinned", true, LoadPriority::Low),
        std::tuple("critical", false, LoadPriority::Critical)}) {
    backend->add(name, {.components = {}, .placement_bytes = 3 * kMiB, .estimate = {}});
    ModelRegistration registration;
    registration.id = name;
    registration.source = std::string("fake:") + name;
    registration.options.pin = pin;
    registration.options.priority = priority;
    engine().register_model(registration);
  }
  add("wanted", 3 * kMiB);
  add("more", 3 * kMiB);
  load({"pinned", "critical", "wanted", "more"});
  EXPECT_EQ(evicted(), Names{"wanted"}) << "the others were idle longer";
  engine().set_budget("cpu", 3 * kMiB);
  await_idle("critical");
  EXPECT_TRUE(is_loaded("pinned"));
}

TEST_F(PolicyTest, PriorityGoesBeforeTime) {
  for (const char* name : {"high", "low", "wanted"}) add(name, 4 * kMiB);
  option("high", "priority", "high");
  option("low", "priority", "low");
  load({"high", "low"});
  load({"wanted"});
  EXPECT_EQ(evicted(), Names{"low"}) << "although it was used last";
}

TEST_F(PolicyTest, PreloadedIsPinnedAndSurvivesALoweredBudget) {
  for (const char* name : {"kept", "other"}) add(name, 4 * kMiB);
  for (const std::string& job : engine().preload({"kept"})) {
    while (engine().job(job)->state != "done") std::this_thread::yield();
  }
  load({"other"});
  ASSERT_TRUE(engine().model_options("kept").pin);
  engine().set_budget("cpu", 4 * kMiB);
  await_idle("other");
  EXPECT_TRUE(is_loaded("kept"));
  EXPECT_EQ(code_of([&] { engine().model("other"); }), ErrorCode::BudgetExceeded);
}

TEST_F(PolicyTest, ATimeToLiveCanBeGivenChangedAndTakenBack) {
  for (const char* name : {"a", "b"}) add(name, kMiB);
  load({"a", "b"});
  option("a", "ttl_ms", 10'000);
  option("b", "ttl_ms", 10'000);
  option("a", "ttl_ms", nullptr);
  manual_clock.advance(seconds(3600));
  await_idle("b");
  EXPECT_TRUE(is_loaded("a"));
  ModelHandle lease = engine().model("a");
  option("a", "ttl_ms", 5'000);
  manual_clock.advance(seconds(3600));
  load({"b"});
  EXPECT_TRUE(is_loaded("a")) << "in use";
  lease.close();
  manual_clock.advance(seconds(5));
  await_idle("a");
}

TEST_F(PolicyTest, AGroupTakesNoRoomFromOthersAndAPinHoldsIt) {
  for (const char* name : {"x", "y", "z"}) add(name, 3 * kMiB);
  for (const char* name : {"x", "y"}) option(name, "group", "vision");
  load({"z", "x"});
  EXPECT_EQ(engine().plan("y").victims.size(), 1u) << "though there is room for it";
  load({"y"});
  EXPECT_EQ(evicted(), Names{"x"}) << "not the one longest idle";
  engine().pin("y");
  EXPECT_EQ(code_of([&] { engine().model("x"); }), ErrorCode::BudgetExceeded);
  option("x", "group", nullptr);
  load({"x"});
  EXPECT_TRUE(is_loaded("x") && is_loaded("y") && is_loaded("z"));
}

TEST_F(PolicyTest, ANewcomerIsSparedForItsFirstMomentsWhateverItsPriority) {
  options.min_residency = milliseconds(500);
  for (const char* name : {"old", "fresh", "wanted"}) add(name, 5 * kMiB);
  option("fresh", "priority", "low");
  option("old", "priority", "critical");
  load({"old"});
  engine().model("fresh");
  const PlanReport plan = engine().plan("wanted");
  ASSERT_EQ(plan.victims.size(), 1u);
  EXPECT_EQ(plan.victims.front().model, "old");
  manual_clock.advance(milliseconds(500));
  EXPECT_EQ(engine().plan("wanted").victims.front().model, "fresh");
}

}  // namespace
}  // namespace roost::test

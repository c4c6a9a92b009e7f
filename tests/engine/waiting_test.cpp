// Calls that would wait for themselves, from within a load, a fetch or a run; and backends and
// sources that tell of progress when nobody listens any more.
#include <gmock/gmock.h>

#include <latch>
#include <thread>

#include "engine/fixture.h"

namespace roost::test {
namespace {

using testing::HasSubstr;

class WaitingTest : public EngineTest {
 protected:
  void expect_refused(const std::function<void()>& call, const std::string& way_out) {
    EXPECT_EQ(code_of(call), ErrorCode::InvalidArgument);
    EXPECT_THAT(last_message(), HasSubstr("wait for itself"));
    EXPECT_THAT(last_message(), HasSubstr(way_out));
    ++refused;
  }
  int refused = 0;
};

TEST_F(WaitingTest, AModelIsNotWaitedForFromItsOwnLoad) {
  add("a", fake_with_image(kMiB));
  std::future<void> later;
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    expect_refused([this] { engine().ready("a"); }, "ready_async");
    expect_refused([this] { engine().model("a"); }, "ready_async");
    if (progress.step == 1) later = engine().ready_async("a");
  };
  engine().ready("a", load);
  later.get();
  EXPECT_GE(refused, 16);
}

TEST_F(WaitingTest, ItsImagesAreNotEitherUntilTheyAreThere) {
  add("a", fake_with_image(kMiB));
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (progress.step == 4) expect_refused([this] { engine().cache("a"); }, "ready_async");
    if (progress.step == 7) engine().cache("a");
  };
  engine().ready("a", load);
  EXPECT_GE(refused, 1);
  EXPECT_TRUE(engine().cache_report().entries.at(0).kept);
}

TEST_F(WaitingTest, WhatIsRefusedIsNotKept) {
  add("a", fake_with_image(kMiB));
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (progress.step == 4) expect_refused([this] { engine().cache("a"); }, "ready_async");
  };
  engine().ready("a", load);
  EXPECT_FALSE(engine().cache_report().entries.at(0).kept);
}

TEST_F(WaitingTest, AModelIsNotWaitedForFromItsOwnUnload) {
  add("a", kMiB).fail(FakeStep::Unload, 1, [&] {
    expect_refused([this] { engine().unload("a"); }, "unload_async");
    expect_refused([this] { engine().ready("a"); }, "ready_async");
    expect_refused([this] { engine().unload_all(); }, "unload_async");
    expect_refused([this] { engine().unregister_model("a"); }, "unload_async");
  });
  engine().ready("a");
  engine().unload("a");
  EXPECT_EQ(refused, 4);
}

TEST_F(WaitingTest, AModelThatLeavesIsNotWaitedForInsideAUse) {
  std::future<UnloadReport> unload;
  add("a", kMiB).on_run([&](const Batch&) {
    engine().ready("a");
    unload = engine().unload_async("a");
    expect_refused([this] { engine().ready("a"); }, "ready_async");
    expect_refused([this] { engine().model("a"); }, "ready_async");
  });
  engine().embedder("a").embed("text");
  EXPECT_TRUE(unload.get().was_loaded);
  EXPECT_EQ(refused, 2);
}

// Each holds its own end back until the other's has begun, so one of them comes last.
TEST_F(WaitingTest, TwoModelsThatUnloadEachOtherDoNotBothWait) {
  std::latch both(2);
  std::atomic<int> circles = 0;
  for (const auto& [id, other] : {std::pair("a", "b"), std::pair("b", "a")}) {
    add(id, kMiB).fail(FakeStep::Unload, 1, [&, other = std::string(other)] {
      both.arrive_and_wait();
      try {
        engine().unload(other);
      } catch (const RoostError& error) {
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
        EXPECT_THAT(error.what(), HasSubstr("code of a model that it waits for"));
        ++circles;
      }
    });
    engine().ready(id);
  }
  std::future<UnloadReport> a = engine().unload_async("a"), b = engine().unload_async("b");
  a.get();
  b.get();
  EXPECT_EQ(circles, 1);
  engine().ready("a");
}

TEST_F(WaitingTest, ACircleOfThreeIsSeenByItsLast) {
  options.max_concurrent_loads = 3;
  const std::vector<std::string> ids{"a", "b", "c"};
  std::latch all(3);
  std::atomic<int> circles = 0;
  for (const std::string& id : ids) add(id, kMiB);
  std::vector<std::jthread> loads;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    loads.emplace_back([&, id = ids[i], next = ids[(i + 1) % 3]] {
      LoadOptions load;
      load.progress = [&](const LoadProgress& progress) {
        if (progress.step != 1) return;
        all.arrive_and_wait();
        try {
          engine().unload(next);
        } catch (const RoostError&) {
          ++circles;
        }
      };
      try {
        engine().ready(id, load);
      } catch (const RoostError& error) {
        EXPECT_EQ(error.code(), ErrorCode::Cancelled);
      }
    });
  }
  loads.clear();
  EXPECT_EQ(circles, 1);
}

TEST_F(WaitingTest, AnotherModelIsNotProbedInsideARun) {
  add("b", kMiB);
  engine().ready("b");
  add("a", kMiB).on_run([&](const Batch&) {
    expect_refused([this] { engine().check_health("b"); }, "before or after");
  });
  engine().embedder("a").embed("text");
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(engine().status("b").health, Health::Unknown);
}

// What the callback touches may go as soon as the call has returned.
TEST_F(WaitingTest, ACallThatItsProgressCancelsReturnsAfterIt) {
  add("a", fake_with_image(kMiB));
  for (int round = 0; round < 3; ++round) {
    std::stop_source stop;
    std::atomic<bool> returned = false;
    LoadOptions load;
    load.progress = [&](const LoadProgress& progress) {
      if (progress.step != 1) return;
      if (round == 0) stop.request_stop();
      if (round == 1) engine().cancel_load("a");
      if (round == 2) engine().unload_async("a");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      returned = true;
    };
    EXPECT_EQ(code_of([&] { engine().ready("a", load, stop.get_token()); }), ErrorCode::Cancelled);
    EXPECT_TRUE(returned) << round;
  }
}

TEST_F(WaitingTest, WhatNeedsThePlaceOfALoadIsNotWaitedForFromIt) {
  options.max_concurrent_loads = 1;
  options.host_budget_bytes = 3 * kMiB;
  add("a", 2 * kMiB);
  add("b", kMiB);
  add("c", 2 * kMiB);
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (progress.step != 1) return;
    expect_refused([this] { engine().ready("b"); }, "ready_async");  // the load slot
    LoadOptions brief;
    brief.timeout = std::chrono::milliseconds(5);
    EXPECT_EQ(code_of([&] { engine().ready("b", brief); }), ErrorCode::DeadlineExceeded);
  };
  engine().ready("a", load);
  EXPECT_EQ(refused, 1);
}

TEST_F(WaitingTest, WhatNeedsTheRoomOfALoadOrUseIsNotWaitedForFromIt) {
  options.host_budget_bytes = 3 * kMiB;
  add("b", kMiB);
  add("c", 2 * kMiB);
  const auto ask = [this] {
    engine().ready("b");
    expect_refused([this] { engine().ready("c"); }, "ready_async");
  };
  add("a", 2 * kMiB).on_run([&](const Batch&) { ask(); });
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (progress.step == 1) ask();
  };
  engine().ready("a", load);
  engine().embedder("a").embed("text");
  EXPECT_EQ(refused, 2);
  engine().ready("c");
}

TEST_F(WaitingTest, WhatSharesItsWeightsIsNotWaitedForFromALoad) {
  add("a", fake_with_image(kMiB));
  engine().register_model("b", "fake:a");
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (progress.step == 1) expect_refused([this] { engine().ready("b"); }, "ready_async");
  };
  engine().ready("a", load);
  EXPECT_EQ(refused, 1);
  engine().ready("b");
}

TEST_F(WaitingTest, OneOfItsGroupIsNotWaitedForFromALoad) {
  add("a", kMiB);
  add("b", kMiB);
  for (const char* id : {"a", "b"}) {
    engine().patch_options(id, Value::Object{{"group", "g"}});
  }
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (progress.step == 1) expect_refused([this] { engine().ready("b"); }, "ready_async");
  };
  engine().ready("a", load);
  EXPECT_EQ(refused, 1);
}

// An answer waits for the callback of its caller; nobody else does.
TEST_F(WaitingTest, ASlowProgressHoldsNobodyElseUp) {
  use_manual_clock();
  options.max_concurrent_loads = 3;
  add("a", kMiB);
  FakeScript& slow = add("b", kMiB);
  slow.gate(FakeStep::Load).shut();
  Gate inside;
  inside.shut();
  LoadOptions in_time;
  in_time.timeout = std::chrono::seconds(1);
  in_time.progress = [&](const LoadProgress& progress) {
    if (progress.step == 1) inside.pass();
  };
  auto a = engine().ready_async("a", in_time);
  inside.await_arrivals();
  in_time.progress = nullptr;
  auto b = engine().ready_async("b", in_time);
  slow.gate(FakeStep::Load).await_arrivals();
  manual_clock.advance(std::chrono::seconds(2));
  EXPECT_EQ(code_of(b), ErrorCode::DeadlineExceeded);
  inside.open();
  EXPECT_EQ(code_of(a), ErrorCode::DeadlineExceeded);
  slow.gate(FakeStep::Load).open();
}

TEST_F(WaitingTest, TwoLoadsWhoseProgressEndsTheOtherBothEnd) {
  std::latch both(2), ended(2);
  std::future<UnloadReport> ends[2];
  std::future<void> loads[2];
  for (const char* id : {"a", "b"}) add(id, kMiB);
  for (int i = 0; i < 2; ++i) {
    LoadOptions load;
    load.progress = [&, i](const LoadProgress& progress) {
      if (progress.step != 1) return;
      both.arrive_and_wait();
      ends[i] = engine().unload_async(i == 0 ? "b" : "a");
      ended.arrive_and_wait();
    };
    loads[i] = engine().ready_async(i == 0 ? "a" : "b", load);
  }
  for (auto& load : loads) EXPECT_EQ(code_of(load), ErrorCode::Cancelled);
  for (auto& end : ends) end.get();
}

TEST_F(WaitingTest, WhatNeedsTheRoomOfAUseIsNotCachedFromIt) {
  options.host_budget_bytes = 3 * kMiB;
  add("b", fake_with_image(2 * kMiB));
  add("a", 2 * kMiB).on_run([&](const Batch&) {
    expect_refused([this] { engine().cache("b"); }, "ready_async");
  });
  engine().ready("a");
  engine().embedder("a").embed("text");
  EXPECT_EQ(refused, 1);
  EXPECT_TRUE(engine().cache_report().entries.empty());
}

// The one that a deadline ends comes first or last: neither is refused.
TEST_F(WaitingTest, AWaitThatEndsByItselfMayBePartOfACircle) {
  options.max_concurrent_loads = 2;
  std::latch both(2);
  for (const char* id : {"a", "b"}) add(id, kMiB);
  const auto load = [&](const std::string& id, const std::function<void()>& meanwhile) {
    LoadOptions outer;
    outer.progress = [&both, meanwhile](const LoadProgress& progress) {
      if (progress.step != 1) return;
      both.arrive_and_wait();
      meanwhile();
    };
    return engine().ready_async(id, outer);
  };
  LoadOptions brief;
  brief.timeout = std::chrono::milliseconds(20);
  auto a = load("a", [&] { EXPECT_NO_THROW(engine().ready("b")); });
  auto b = load("b", [&] {
    EXPECT_EQ(code_of([&] { engine().ready("a", brief); }), ErrorCode::DeadlineExceeded);
  });
  EXPECT_NO_THROW(a.get());
  EXPECT_NO_THROW(b.get());
}

TEST_F(WaitingTest, AnEngineClosesOverALoadThatWaitsForAnother) {
  add("a", kMiB);
  FakeScript& b = add("b", kMiB);
  b.gate(FakeStep::Load).shut();
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (progress.step != 1) return;
    EXPECT_EQ(code_of([&] { engine().ready("b"); }), ErrorCode::EngineClosed);
  };
  auto loaded = engine().ready_async("a", load);
  b.gate(FakeStep::Load).await_arrivals();
  std::jthread closes([&] { engine().close(); });
  EXPECT_EQ(code_of(loaded), ErrorCode::EngineClosed);
  b.gate(FakeStep::Load).open();
}

TEST_F(WaitingTest, AnotherModelMayBeWaitedForFromALoad) {
  add("a", kMiB);
  add("b", kMiB);
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (progress.step == 1) engine().ready("b");
  };
  engine().ready("a", load);
  EXPECT_EQ(engine().status("b").state, ModelState::Loaded);
}

TEST_F(WaitingTest, AFetchIsNotWaitedForFromItsProgress) {
  add_remote("a", kMiB);
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (progress.phase != "download" || progress.message.find("50 B") == std::string::npos) return;
    expect_refused([this] { engine().ready("a"); }, "ready_async");
    expect_refused([this] { engine().fetch("a"); }, "fetch_async");
  };
  engine().ready("a", load);
  EXPECT_EQ(refused, 2);
}

TEST_F(WaitingTest, AWarmUpIsNotWaitedForFromARunOnTheSameDevice) {
  add("inner", kMiB);
  FakeScript& outer = add("outer", kMiB);
  LoadOptions warm;
  warm.warm_up = true;
  std::future<void> later;
  outer.on_run([&](const Batch&) {
    expect_refused([&] { engine().ready("inner", warm); }, "ready_async");
    engine().ready("inner");
    expect_refused([&] { engine().ready("inner", warm); }, "ready_async");
    later = engine().ready_async("inner", warm);
  });
  const Embedder embedder = engine().embedder("outer");
  embedder.embed("a text");
  later.get();
  EXPECT_EQ(refused, 2);
  outer.on_run([&](const Batch&) { engine().ready("inner", warm); });  // it is warm
  embedder.embed("a text");
}

// --- late progress

// Keeps what it is lent, and uses it after it returned: from info(), which the load asks for next.
class LateBackend final : public Backend {
 public:
  std::string_view name() const override { return "late"; }
  std::optional<std::string> why_not(const ModelDescription&) const override {
    return std::nullopt;
  }
  void check_options(const Value&) const override {}
  LoadEstimate estimate(const ModelDescription&, const Device&) const override { return {}; }
  std::unique_ptr<Model> load(const ModelDescription&, LoadContext& context,
                              std::stop_token) override {
    kept = context.progress;
    kept(0.25);
    return std::make_unique<LateModel>(kept);
  }
  std::function<void(double)> kept;

 private:
  class LateModel final : public Model {
   public:
    explicit LateModel(std::function<void(double)> kept) : kept_(std::move(kept)) {}
    ModelInfo info() const override {
      kept_(0.75);
      return {};
    }
    std::size_t width(Task) const override { return 1; }
    Sequence tokenize(Task, std::string_view, std::string_view) const override { return {}; }
    void run(const Batch&, std::stop_token) override {}
    Health probe_health(std::stop_token) override { return Health::Healthy; }

   private:
    const std::function<void(double)> kept_;
  };
};

TEST_F(WaitingTest, ABackendThatTellsOfProgressTooLateIsNotHeard) {
  const auto late = std::make_shared<LateBackend>();
  engine().register_model({.id = "a", .source = "late:a", .backend = late});
  std::vector<double> heard;
  LoadOptions load;
  load.progress = [&](const LoadProgress& progress) {
    if (progress.name == "move_to_device") heard.push_back(progress.fraction * 8 - 5);
  };
  engine().ready("a", load);
  late->kept(0.5);
  destroy_engine();
  late->kept(0.5);
  EXPECT_THAT(heard, testing::ElementsAre(0, 0.25, 1));
}

TEST_F(WaitingTest, ASourceThatTellsOfProgressTooLateIsNotHeard) {
  class LateSource final : public ModelSource {
   public:
    bool is_present() const override {
      if (kept) kept(75, 100);
      return kept != nullptr;
    }
    std::uint64_t estimate() const override { return 100; }
    void fetch(const Progress& progress, std::stop_token) override {
      kept = progress;
      kept(25, 100);
    }
    Progress kept;
  };
  const auto late = std::make_shared<LateSource>();
  backend->add("a", {});
  engine().register_model({.id = "a", .source = "fake:a", .files = late});
  std::vector<std::uint64_t> heard;
  engine().fetch("a", [&](const FetchProgress& progress) { heard.push_back(progress.done_bytes); });
  destroy_engine();
  late->kept(50, 100);
  EXPECT_THAT(heard, testing::ElementsAre(25u, 25u));
}

}  // namespace
}  // namespace roost::test

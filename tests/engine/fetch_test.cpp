// Downloads of a user's own source: told, joined, called off, failed, tried again.
#include <atomic>
#include <thread>

#include "engine/fixture.h"
#include "support/hooked_backend.h"

namespace roost::test {
namespace {

class FetchTest : public EngineTest {
 protected:
  FetchTest() { files.gate.shut(); }
  ~FetchTest() override { files.gate.open(); }

  ScriptedSource& files = add_remote("a", kMiB);
};

// --- progress

TEST_F(FetchTest, IsToldAndSeenWhileItRuns) {
  std::vector<double> told;
  EXPECT_EQ(engine().status("a").files, FetchState::Absent);
  auto fetching = engine().fetch_async("a", [&](const FetchProgress& progress) {
    EXPECT_EQ(progress.model, "a");
    EXPECT_EQ(progress.total_bytes, 100u);
    EXPECT_DOUBLE_EQ(progress.percent, progress.fraction * 100);
    told.push_back(progress.fraction);
  });
  files.gate.await_arrivals();
  EXPECT_EQ(engine().status("a").files, FetchState::Fetching);
  EXPECT_EQ(engine().status().active_fetches, 1u);
  EXPECT_EQ(engine().status("a").state, ModelState::Idle) << "that is memory's business";
  files.gate.open();
  fetching.get();
  EXPECT_EQ(told, (std::vector<double>{0.5, 1}));
  EXPECT_EQ(engine().status("a").files, FetchState::Present);
  EXPECT_EQ(engine().status().active_fetches, 0u);
  engine().fetch("a", [&](const FetchProgress&) { ADD_FAILURE() << "nothing was fetched"; });
  EXPECT_EQ(files.fetches(), 1u);
}

// A source that tells nonsense: more than all, less than before, nothing of nothing.
class LyingSource final : public ModelSource {
 public:
  bool is_present() const override { return there_; }
  std::uint64_t estimate() const override { return 100; }
  void fetch(const Progress& progress, std::stop_token) override {
    for (const auto& [done, total] : {std::pair(40, 100), std::pair(20, 100), std::pair(500, 100),
                                      std::pair(60, 100), std::pair(0, 0), std::pair(90, 100)}) {
      progress(static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(total));
    }
    there_ = true;
  }

 private:
  std::atomic<bool> there_{false};
};

TEST_F(FetchTest, ProgressNeverFallsAndIsWholeOnce) {
  backend->add("liar", {});
  ModelRegistration registration;
  registration.id = "liar";
  registration.source = "fake:liar";
  registration.files = std::make_shared<LyingSource>();
  engine().register_model(registration);
  std::vector<double> told;
  engine().fetch("liar", [&](const FetchProgress& progress) { told.push_back(progress.fraction); });
  EXPECT_EQ(told, (std::vector<double>{0.4, 0.6, 0.9, 1}));
}

// A source that `work`s as told, and whose files are there when it has.
class WorkingSource final : public ModelSource {
 public:
  using Work = std::function<void(const Progress&)>;
  WorkingSource(std::uint64_t bytes, Work work) : bytes_(bytes), work_(std::move(work)) {}
  bool is_present() const override { return there; }
  std::uint64_t estimate() const override { return bytes_; }
  void fetch(const Progress& progress, std::stop_token) override {
    work_(progress);
    there = true;
  }
  std::atomic<bool> there{false};

 private:
  const std::uint64_t bytes_;
  const Work work_;
};

TEST_F(FetchTest, TheMostThatWasToldByAnyThreadIsTheWhole) {
  const auto at_once = [](const ModelSource::Progress& progress) {
    std::atomic<bool> begun{false}, all_told{false};
    const std::jthread less([&] {
      for (; !all_told; begun = true) progress(1, 1);
    });
    while (!begun) std::this_thread::yield();
    progress(1'000, 1'000);
    all_told = true;
  };
  backend->add("busy", {});
  const auto source = std::make_shared<WorkingSource>(1'000, at_once);
  ModelRegistration registration;
  registration.id = "busy";
  registration.source = "fake:busy";
  registration.files = source;
  engine().register_model(registration);
  for (int i = 0; i < 1'000; ++i) {
    source->there = false;
    std::uint64_t told = 0;
    engine().fetch("busy", [&](const FetchProgress& progress) { told = progress.done_bytes; });
    ASSERT_EQ(told, 1'000u) << "fetch " << i;
  }
}

TEST_F(FetchTest, AnEstimateIsToldAsItIsHoweverLarge) {
  backend->add("endless", {});
  ModelRegistration registration;
  registration.id = "endless";
  registration.source = "fake:endless";
  registration.files = std::make_shared<WorkingSource>(UINT64_MAX, [](const auto&) {});
  engine().register_model(registration);
  FetchProgress told;
  engine().fetch("endless", [&](const FetchProgress& progress) { told = progress; });
  EXPECT_EQ(told.done_bytes, UINT64_MAX);
  EXPECT_EQ(told.total_bytes, UINT64_MAX);
}

TEST_F(FetchTest, ACallbackThatThrowsStopsNothing) {
  auto fetching = engine().fetch_async(
      "a", [](const FetchProgress&) { throw std::runtime_error("a listener's own trouble"); });
  files.gate.await_arrivals();
  files.gate.open();
  fetching.get();
  EXPECT_TRUE(engine().files_present("a"));
}

// --- single flight and cancel

TEST_F(FetchTest, HoweverManyAskThereIsOne) {
  std::vector<std::future<void>> fetches;
  std::vector<std::future<ModelHandle>> loads;
  for (int i = 0; i < 10; ++i) {
    fetches.push_back(engine().fetch_async("a"));
    loads.push_back(engine().model_async("a"));
  }
  files.gate.await_arrivals();
  files.gate.open();
  for (auto& one : fetches) one.get();
  for (auto& one : loads) EXPECT_TRUE(one.get());
  EXPECT_EQ(files.fetches(), 1u);
  EXPECT_EQ(script("a").count(FakeStep::Load), 1u);
}

TEST_F(FetchTest, OneWhoLeavesDoesNotEndTheOthers) {
  std::stop_source one, two;
  auto first = engine().fetch_async("a", {}, one.get_token());
  auto second = engine().model_async("a", {}, two.get_token());
  files.gate.await_arrivals();
  one.request_stop();
  EXPECT_EQ(code_of(first), ErrorCode::Cancelled);
  EXPECT_EQ(engine().status("a").files, FetchState::Fetching);
  two.request_stop();  // the last to leave: the gate is still shut, so only a stop ends it
  EXPECT_EQ(code_of(second), ErrorCode::Cancelled);
  EXPECT_EQ(engine().status("a").files, FetchState::Absent);
  EXPECT_EQ(events_of("a", EventKind::DownloadError).size(), 1u);
}

TEST_F(FetchTest, ByNameAllAreCalledOffOrOnlyThoseWhoLoad) {
  auto fetching = engine().fetch_async("a");
  auto loading = engine().ready_async("a");
  files.gate.await_arrivals();
  EXPECT_TRUE(engine().cancel_load("a"));
  EXPECT_EQ(code_of(loading), ErrorCode::Cancelled);
  EXPECT_EQ(engine().status("a").files, FetchState::Fetching);
  EXPECT_FALSE(engine().cancel_load("a"));
  EXPECT_TRUE(engine().cancel_fetch("a"));
  EXPECT_EQ(code_of(fetching), ErrorCode::Cancelled);
  EXPECT_FALSE(engine().cancel_fetch("a"));
}

TEST_F(FetchTest, AnUnloadCallsOffOnlyThoseWhoLoad) {
  auto fetching = engine().fetch_async("a");
  auto loading = engine().model_async("a");
  files.gate.await_arrivals();
  EXPECT_FALSE(engine().unload("a").was_loaded);
  EXPECT_EQ(code_of(loading), ErrorCode::Cancelled);
  files.gate.open();
  fetching.get();
}

TEST_F(FetchTest, WhoComesAfterACancelGetsAFetchOfHisOwn) {
  files.obeys = false;
  auto first = engine().fetch_async("a");
  files.gate.await_arrivals();
  EXPECT_TRUE(engine().cancel_fetch("a"));
  auto newcomer = engine().fetch_async("a");
  files.fail = [] { throw std::runtime_error("cut off"); };
  files.obeys = true;
  files.gate.let_one_through();
  EXPECT_EQ(code_of(first), ErrorCode::Cancelled);
  files.gate.await_arrivals();
  files.fail = nullptr;
  files.gate.open();
  newcomer.get();
  EXPECT_EQ(files.fetches(), 2u);
}

TEST_F(FetchTest, UnregisteringCallsItOff) {
  auto loading = engine().model_async("a");
  files.gate.await_arrivals();
  engine().unregister_model("a");
  EXPECT_EQ(code_of(loading), ErrorCode::Cancelled);
  EXPECT_FALSE(engine().is_registered("a"));
}

// --- limits

TEST_F(FetchTest, NoMoreAtATimeThanAllowed) {
  std::vector<ScriptedSource*> more;
  std::vector<std::future<void>> fetches;
  for (const char* name : {"b", "c", "d", "e"}) {
    more.push_back(&add_remote(name, kMiB));
    more.back()->gate.shut();
    fetches.push_back(engine().fetch_async(name));
  }
  for (std::size_t i = 0; i < 3; ++i) more[i]->gate.await_arrivals();  // the default limit
  EXPECT_EQ(more[3]->fetches(), 0u);
  EXPECT_EQ(engine().status("e").files, FetchState::Fetching) << "it waits for its turn";
  EXPECT_TRUE(engine().cancel_fetch("e"));
  EXPECT_EQ(code_of(fetches[3]), ErrorCode::Cancelled);
  for (ScriptedSource* each : more) each->gate.open();
  for (std::size_t i = 0; i < 3; ++i) fetches[i].get();
  EXPECT_EQ(more[3]->fetches(), 0u);
}

TEST_F(FetchTest, NothingIsFetchedInVain) {
  add_remote("huge", std::uint64_t{1} << 40);
  EXPECT_EQ(code_of([&] { engine().model("huge"); }), ErrorCode::BudgetExceeded);
  EXPECT_EQ(code_of([&] { engine().model("a", {.auto_download = false}); }),
            ErrorCode::ModelNotFound);
  EXPECT_NE(last_message().find("fetching is turned off"), std::string::npos);
  for (const auto& source : sources) EXPECT_EQ(source->fetches(), 0u);
}

// Nothing here gets such a source, and no backend brings what it needs itself.
TEST_F(FetchTest, WhatNothingCanFetchIsRefused) {
  engine().register_model("strange", "strange:x");
  EXPECT_EQ(code_of([&] { engine().fetch("strange"); }), ErrorCode::Unsupported);
  EXPECT_EQ(last_message(),
            "fetching 'strange': nothing here can fetch or run 'strange:x'; register it with a "
            "source of your own");
  engine().register_model("far", "hf:owner/far");
  EXPECT_EQ(code_of([&] { engine().fetch("far"); }), ErrorCode::Unsupported);
  EXPECT_EQ(last_message(),
            "fetching 'far': this version cannot fetch 'hf:owner/far' from its hub; register it with "
            "a source of your own");
  add("brings", kMiB);
  engine().fetch("brings");
}

// --- failure and retry

TEST_F(FetchTest, AFailureIsTyped) {
  files.gate.open();
  files.fail = [] { throw std::runtime_error("the line went dead"); };
  EXPECT_EQ(code_of([&] { engine().model("a"); }), ErrorCode::DownloadFailed);
  EXPECT_NE(last_message().find("the line went dead"), std::string::npos);
  EXPECT_EQ(script("a").count(FakeStep::Load), 0u);
  EXPECT_EQ(engine().status("a").state, ModelState::Idle) << "no load failed";
  engine().reset("a");
  files.fail = [] { throw RoostError(ErrorCode::IoError, "the disk is full"); };
  EXPECT_EQ(code_of([&] { engine().fetch("a"); }), ErrorCode::IoError) << "one's own is kept";
  engine().reset("a");
  files.fail = [] { throw 7; };
  EXPECT_EQ(code_of([&] { engine().fetch("a"); }), ErrorCode::DownloadFailed);
  EXPECT_EQ(events_of("a", EventKind::DownloadError).size(), 3u);
  engine().reset("a");
  files.fail = nullptr;
  EXPECT_TRUE(engine().model("a"));
  EXPECT_EQ(files.fetches(), 4u);
}

// As a failed load: twice as long each time, told, and with a way round it.
class FetchBackOffTest : public EngineTest {
 protected:
  FetchBackOffTest() {
    use_manual_clock();
    files = &add_remote("a", kMiB);
    files->fail = [] { throw std::runtime_error("the line went dead"); };
  }
  ~FetchBackOffTest() override { destroy_engine(); }

  ErrorCode fetched() {
    return code_of([&] { engine().fetch("a"); });
  }
  ErrorCode loaded(bool retry_now = false) {
    return code_of([&] { engine().model("a", {.retry_now = retry_now}); });
  }

  ScriptedSource* files;
};

TEST_F(FetchTest, ANewRegistrationHasAFetchOfItsOwn) {
  ScriptedSource& one = add_remote("x", kMiB);
  one.gate.shut();
  one.obeys = false;
  auto of_one = engine().fetch_async("x");
  one.gate.await_arrivals();
  engine().unregister_model("x");
  ScriptedSource& two = add_remote("x", kMiB);
  engine().fetch("x");
  EXPECT_EQ(two.fetches(), 1u);
  EXPECT_TRUE(engine().files_present("x"));
  one.gate.open();
  EXPECT_EQ(code_of(of_one), ErrorCode::Cancelled);
}

TEST_F(FetchBackOffTest, HoldsBackFetchesAndLoads) {
  EXPECT_EQ(loaded(), ErrorCode::DownloadFailed);
  EXPECT_EQ(loaded(), ErrorCode::LoadBackoff);
  EXPECT_EQ(last_message(),
            "'a' failed to be fetched (the line went dead); the next try is allowed in 1 s (a call "
            "with LoadOptions may set retry_now)");
  EXPECT_EQ(fetched(), ErrorCode::LoadBackoff);
  EXPECT_EQ(last_message(),
            "'a' failed to be fetched (the line went dead); the next try is allowed in 1 s (reset() "
            "allows it at once, unload_model() of a manager too)");
  EXPECT_EQ(files->fetches(), 1u);
  manual_clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(fetched(), ErrorCode::DownloadFailed);
  manual_clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(fetched(), ErrorCode::LoadBackoff);
  EXPECT_EQ(engine().status("a").retry_after, std::chrono::seconds(1));
  EXPECT_EQ(engine().status("a").failures_in_a_row, 2u);
  EXPECT_EQ(engine().status("a").last_failure, "the line went dead");
  manual_clock.advance(std::chrono::seconds(1));
  files->fail = nullptr;
  EXPECT_TRUE(engine().model("a"));
  EXPECT_EQ(engine().status("a").failures_in_a_row, 0u);
  EXPECT_EQ(files->fetches(), 3u);
}

TEST_F(FetchBackOffTest, WhoInsistsTriesAtOnceAndTheOthersJoin) {
  EXPECT_EQ(fetched(), ErrorCode::DownloadFailed);
  files->gate.shut();
  auto insists = engine().model_async("a", {.retry_now = true});
  files->gate.await_arrivals();
  auto joins = engine().fetch_async("a");
  files->fail = nullptr;
  files->gate.open();
  EXPECT_TRUE(insists.get());
  joins.get();
  EXPECT_EQ(files->fetches(), 2u);
}

TEST_F(FetchBackOffTest, AResetOrANewRegistrationForgets) {
  EXPECT_EQ(fetched(), ErrorCode::DownloadFailed);
  engine().reset("a");
  EXPECT_EQ(engine().status("a").last_failure, "");
  EXPECT_EQ(fetched(), ErrorCode::DownloadFailed);
  EXPECT_EQ(loaded(), ErrorCode::LoadBackoff);
  const ModelRegistration again = *engine().registration("a");
  engine().unregister_model("a");
  engine().register_model(again);
  EXPECT_EQ(loaded(), ErrorCode::DownloadFailed);
}

TEST_F(FetchBackOffTest, ACancelIsNoFailure) {
  files->gate.shut();
  files->fail = nullptr;
  auto first = engine().fetch_async("a");
  files->gate.await_arrivals();
  EXPECT_TRUE(engine().cancel_fetch("a"));
  EXPECT_EQ(code_of(first), ErrorCode::Cancelled);
  EXPECT_EQ(engine().status("a").failures_in_a_row, 0u);
  files->fail = [] { throw CancelledException("its own user stopped it"); };
  files->gate.open();
  EXPECT_EQ(fetched(), ErrorCode::Cancelled);
  files->fail = nullptr;
  engine().fetch("a");
}

TEST_F(FetchBackOffTest, FilesThatCameMeanwhileAreLoaded) {
  EXPECT_EQ(fetched(), ErrorCode::DownloadFailed);
  files->present = true;
  engine().fetch("a");
  EXPECT_TRUE(engine().model("a"));
  EXPECT_EQ(engine().status("a").failures_in_a_row, 0u);
}

class SlowFetchTest : public EngineTest {
 protected:
  SlowFetchTest() {
    use_manual_clock();
    options.download_timeout = std::chrono::seconds(5);
  }
  ~SlowFetchTest() override { destroy_engine(); }
};

TEST_F(SlowFetchTest, AFetchThatTookTooLongHasFailed) {
  ScriptedSource& slow = add_remote("a", kMiB);
  slow.obeys = false;
  slow.gate.shut();
  auto first = engine().fetch_async("a");
  slow.gate.await_arrivals();
  manual_clock.advance(std::chrono::seconds(5));
  EXPECT_EQ(code_of(first), ErrorCode::DeadlineExceeded);
  EXPECT_EQ(code_of([&] { engine().fetch("a"); }), ErrorCode::LoadBackoff) << "it still runs";
  EXPECT_NE(last_message().find("raise download_timeout"), std::string::npos);
  slow.gate.open();
}

// A model of one's own backend is fetched by its source and made by its backend, by no other.
TEST_F(FetchTest, ABackendOfOnesOwnGetsWhatItsSourceFetched) {
  auto inner = std::make_shared<FakeBackend>();
  inner->add("own", {});
  std::vector<std::string> calls;
  ModelRegistration registration;
  registration.id = "own";
  registration.source = "fake:own";
  auto source = std::make_shared<ScriptedSource>();
  registration.files = source;
  registration.backend = std::make_shared<HookedBackend>(inner, [&](std::string_view call) {
    if (call == "load") calls.push_back(source->present ? "load, fetched" : "load");
  });
  engine().register_model(registration);
  engine().ready("own");
  EXPECT_EQ(calls, std::vector<std::string>{"load, fetched"});
  EXPECT_EQ(inner->script("own").count(FakeStep::Load), 1u);
}

}  // namespace
}  // namespace roost::test

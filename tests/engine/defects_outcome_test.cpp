// The defect classes of what calls answer; the table of all is at the top of defects_test.cpp.
#include <filesystem>
#include <fstream>
#include <thread>

#include "backend/file_source.h"
#include "engine/fixture.h"

namespace roost::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class DefectsOutcomeTest : public EngineTest {
 protected:
  JobView ended(const std::string& job_id) {
    for (;;) {
      const JobView job = engine().job(job_id).value();
      if (job.state != "queued" && job.state != "running") return job;
      std::this_thread::yield();
    }
  }
  // Begins `work`, lets `time` pass while it is held at the gate, and lets it go.
  template <class F>
  void takes(seconds time, Gate& gate, F work) {
    gate.shut();
    auto running = std::async(std::launch::async, work);
    gate.await_arrivals();
    manual_clock.advance(time);
    gate.open();
    running.get();
  }
};

// --- constants reported as measurements

TEST_F(DefectsOutcomeTest, ConstantsReportedAsMeasurements) {
  use_manual_clock();
  FakeSpec spec;
  spec.placement_bytes = 3 * kMiB;
  spec.estimate = LoadEstimate{{}, 8 * kMiB, false};
  FakeScript& script = add("a", spec);
  takes(seconds(20), script.gate(FakeStep::Load), [&] { engine().ready("a"); });
  const LatencyReport loaded = engine().status("a").latency;
  EXPECT_EQ(loaded.load_ms, 20'000);
  EXPECT_EQ(loaded.warm_up_ms, 0) << "there was none";
  EXPECT_EQ(loaded.first_call_ms, 0) << "nor a call";
  {
    const Embedder embedder = engine().embedder("a");
    takes(seconds(7), script.gate(FakeStep::Run), [&] { embedder.embed("first"); });
    takes(seconds(2), script.gate(FakeStep::Run), [&] { embedder.embed("second"); });
    EXPECT_EQ(embedder.latency().first_call_ms, 7'000);
    EXPECT_EQ(embedder.latency().steady_call_ms, 2'000);
    EXPECT_EQ(engine().usage("a").total_ms, 9'000);
  }
  simulated_host(machine).set_use_by_others(5 * kMiB);
  const MemoryLine line = engine().memory().memories.front();
  EXPECT_EQ(line.available, line.total - (3 + 5) * kMiB);
  script.keep_memory();
  const UnloadReport kept = engine().unload("a");
  EXPECT_EQ(kept.freed, MemoryVector()) << "the model kept its memory";
  EXPECT_EQ(kept.lost, MemoryVector::host(3 * kMiB));
}

// --- success envelope over failed data

TEST_F(DefectsOutcomeTest, SuccessEnvelopeOverFailedData) {
  FakeScript& script = add("a", kMiB);
  script.poison_outputs();
  EXPECT_EQ(code_of([&] { engine().embedder("a").embed("text"); }), ErrorCode::InferenceFailed);
  EXPECT_EQ(engine().usage("a").failures, 1u);
  engine().unload("a");
  EXPECT_EQ(code_of([&] { engine().ready("a", {.warm_up = true}); }), ErrorCode::InferenceFailed);
  EXPECT_EQ(engine().status("a").state, ModelState::Error) << "what cannot warm up is not ready";

  add("torn", kMiB).fail(FakeStep::Load, 1, [] { throw std::runtime_error("torn"); });
  const JobView failed = ended(engine().start_ready("torn"));
  EXPECT_EQ(failed.state, "failed");
  EXPECT_EQ(failed.error, ErrorCode::LoadFailed);
  EXPECT_TRUE(failed.result.is_null());
  EXPECT_LT(failed.fraction, 1);

  add_remote("empty", kMiB).delivers = false;
  EXPECT_EQ(code_of([&] { engine().fetch("empty"); }), ErrorCode::DownloadFailed);
  EXPECT_TRUE(events_of("empty", EventKind::DownloadComplete).empty());
}

// --- cancel flag on a copy

// A stop that comes after the work has begun reaches the user's code that does it.
TEST_F(DefectsOutcomeTest, CancelFlagOnACopy) {
  FakeScript& script = add("a", kMiB);
  ScriptedSource& files = add_remote("remote", kMiB);
  const auto stops = [&](Gate& gate, auto&& begin) {
    std::stop_source stop;
    gate.shut();
    auto running = begin(stop.get_token());
    gate.await_arrivals();
    stop.request_stop();  // the gate stays shut: only the stop ends it
    EXPECT_EQ(code_of(running), ErrorCode::Cancelled);
  };
  stops(script.gate(FakeStep::Load),
        [&](std::stop_token stop) { return engine().model_async("a", {}, stop); });
  stops(script.gate(FakeStep::Load),
        [&](std::stop_token stop) { return engine().model_async("a", {.isolated = true}, stop); });
  stops(files.gate, [&](std::stop_token stop) { return engine().fetch_async("remote", {}, stop); });

  script.gate(FakeStep::Load).shut();
  const std::string job = engine().start_ready("a");
  script.gate(FakeStep::Load).await_arrivals();
  EXPECT_TRUE(engine().cancel_job(job));
  EXPECT_EQ(ended(job).state, "cancelled");
  script.gate(FakeStep::Load).open();
  EXPECT_EQ(script.alive(), 0u);

  const Embedder embedder = engine().embedder("a");
  stops(script.gate(FakeStep::Run),
        [&](std::stop_token stop) { return embedder.embed_async("text", stop); });
  script.gate(FakeStep::Run).open();
  EXPECT_EQ(embedder.embed("another").size(), 4u);
}

// --- timeouts stored but unused; see also a_load_has_a_time_limit.life,
// --- waiting_ends_at_the_deadline.life and a_drain_gives_up_at_its_deadline.life

TEST_F(DefectsOutcomeTest, TimeoutsStoredButUnused) {
  use_manual_clock();
  options.download_timeout = seconds(30);
  FakeScript& script = add("a", kMiB);
  ScriptedSource& files = add_remote("remote", kMiB);
  const auto ends_after = [&](seconds time, Gate& gate, auto running) {
    gate.await_arrivals();
    manual_clock.advance(time - milliseconds(1));
    EXPECT_EQ(running.wait_for(seconds(0)), std::future_status::timeout);
    manual_clock.advance(milliseconds(1));
    EXPECT_EQ(code_of(running), ErrorCode::DeadlineExceeded);
    while (engine().status().active_fetches != 0) std::this_thread::yield();
  };
  script.gate(FakeStep::Load).shut();
  files.gate.shut();
  const LoadOptions patience{.timeout = seconds(10)};
  ends_after(seconds(10), script.gate(FakeStep::Load), engine().model_async("a", patience));
  ends_after(seconds(10), files.gate, engine().ready_async("remote", patience));
  ends_after(seconds(30), files.gate, engine().fetch_async("remote"));
  EXPECT_NE(last_message().find("30000 ms"), std::string::npos) << last_message();
}

// --- id known only after the load

TEST_F(DefectsOutcomeTest, IdKnownOnlyAfterTheLoad) {
  FakeScript& script = add("a", kMiB);
  engine().set_alias("swift", "a");
  script.gate(FakeStep::Load).shut();
  const std::string id = engine().start_ready("swift");
  script.gate(FakeStep::Load).await_arrivals();
  const JobView job = engine().job(id).value();
  EXPECT_EQ(job.state, "running");
  EXPECT_EQ(job.subject, "swift");
  EXPECT_EQ(engine().status("swift").id, "a");
  EXPECT_EQ(engine().status("a").state, ModelState::Loading);
  EXPECT_EQ(events_of("a", EventKind::LoadStart).size(), 1u);
  EXPECT_TRUE(engine().cancel_load("swift")) << "what is known can be cancelled";
  EXPECT_EQ(ended(id).state, "cancelled");
  script.gate(FakeStep::Load).open();
}

// --- truncated file accepted

// A read that comes short is an error, however much of it came. Of what a fetch left behind, the
// source decides: SuccessEnvelopeOverFailedData.
TEST_F(DefectsOutcomeTest, TruncatedFileAccepted) {
  const std::string path = testing::TempDir() + "roost_truncated_" + std::to_string(::getpid());
  std::ofstream(path) << std::string(kMiB, 'w');
  FakeScript& script = add("a", fake_with_image(kMiB));
  std::vector<std::byte> bytes(kMiB);
  const auto read_it = [&] { backend::read_file(path, 0, bytes, {}); };
  script.fail(FakeStep::Read, 1, read_it);
  engine().ready("a");
  engine().unload("a");
  std::filesystem::resize_file(path, kMiB - 1);
  script.fail(FakeStep::Read, 1, read_it);
  EXPECT_EQ(code_of([&] { engine().ready("a"); }), ErrorCode::IoError);
  EXPECT_EQ(engine().status("a").state, ModelState::Error);
  EXPECT_EQ(live_on_host(), 0u);
  EXPECT_EQ(script.count(FakeStep::Load), 1u) << "nothing was made of the torn bytes";
  std::filesystem::remove(path);
}

// --- silent CPU fallback

TEST_F(DefectsOutcomeTest, SilentCpuFallback) {
  std::vector<std::string> warnings;
  Mutex mutex;
  options.log = [&](LogLevel level, std::string_view text) {
    MutexLock lock(mutex);
    if (level == LogLevel::Warning) warnings.emplace_back(text);
  };
  machine.notes = {"cuda: its driver is too old"};
  add("a", kMiB);
  EXPECT_EQ(code_of([&] { engine().model("a", {.provider = ExecutionProvider::Cuda}); }),
            ErrorCode::ProviderUnavailable);
  EXPECT_NE(last_message().find("its driver is too old"), std::string::npos);
  EXPECT_EQ(script("a").count(FakeStep::Load), 0u);

  const ModelHandle lease = engine().model("a");
  EXPECT_FALSE(lease.info().is_gpu_active);
  EXPECT_EQ(lease.info().active_providers, std::vector{ExecutionProvider::Cpu});
  const std::vector<Event> told = events_of("a", EventKind::ProviderFallback);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told.front().data.find("to")->as_string(), "cpu");
  EXPECT_NE(told.front().data.find("why")->as_string().find("too old"), std::string::npos);
  MutexLock lock(mutex);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings.front().find("its driver is too old"), std::string::npos);
}

// --- progress not forwarded

TEST_F(DefectsOutcomeTest, ProgressNotForwarded) {
  add_remote("a", kMiB);
  const std::vector<std::function<void(const LoadOptions&)>> doors = {
      [&](const LoadOptions& load) { engine().model("a", load); },
      [&](const LoadOptions& load) { engine().model_async("a", load).get(); },
      [&](const LoadOptions& load) { engine().embedder("a", load); },
      [&](const LoadOptions& load) { engine().reranker("a", load); },
      [&](const LoadOptions& load) { engine().tensor_model("a", load); },
      [&](const LoadOptions& load) { engine().ready("a", load); },
      [&](const LoadOptions& load) { engine().ready_async("a", load).get(); },
      [&](const LoadOptions& load) { engine().ready_on_all_devices("a", load); },
      [&](const LoadOptions& load) {
        EXPECT_EQ(ended(engine().start_ready("a", load)).fraction, 1);
      },
  };
  for (const auto& door : doors) {
    sources.front()->present = false;
    std::vector<LoadProgress> told;
    LoadOptions load;
    load.progress = [&](const LoadProgress& progress) { told.push_back(progress); };
    door(load);
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.front().phase, "download");
    EXPECT_EQ(told.back().fraction, 1);
    EXPECT_EQ(told.back().step, told.back().total);
    engine().unload("a");
  }
}

// --- duplicated completion events

TEST_F(DefectsOutcomeTest, DuplicatedCompletionEvents) {
  ScriptedSource& files = add_remote("a", kMiB);
  files.gate.shut();
  std::vector<std::atomic<int>> whole(10);
  std::vector<std::future<ModelHandle>> asked;
  for (auto& count : whole) {
    LoadOptions load;
    load.progress = [&](const LoadProgress& progress) { count += progress.fraction >= 1 ? 1 : 0; };
    asked.push_back(engine().model_async("a", load));
  }
  files.gate.await_arrivals();
  files.gate.open();
  for (auto& one : asked) one.get();
  auto first = engine().unload_async("a");
  auto second = engine().unload_async("a");
  first.get(), second.get();
  engine().unload("a");
  for (const EventKind kind : {EventKind::DownloadStart, EventKind::DownloadComplete,
                               EventKind::LoadStart, EventKind::LoadComplete, EventKind::Unload}) {
    EXPECT_EQ(events_of("a", kind).size(), 1u) << to_string(kind);
  }
  EXPECT_EQ(events_of("a", EventKind::StateChange).size(), engine().history("a").size());
  for (const auto& count : whole) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace roost::test

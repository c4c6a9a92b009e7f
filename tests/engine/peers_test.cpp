// What two trusted systems test of a model's life, told of ours. The pool's core proves the
// decision under the peer's own name (tests/pool/core); here the engine proves what only threads
// and real memory can show.
//
// TensorFlow Serving              decided                                   done
//   ConcurrentLoadsOnlyOneSucceeds  Requests.ConcurrentLoadsOnlyOneSucceeds   here
//   RetryOnLoadErrorCancelledLoad   Requests.RetryOnLoadErrorCancelledLoad    here
//   ResourcesReleasedIfLoadFails    Requests.ResourcesReleasedIfLoadFails     here
//   UnaspireThenImmediatelyReaspire Unloads.UnaspireThenImmediatelyReaspire   here
//   ManagerPrefersUnloadOverLoad    Unloads.ManagerPrefersUnloadOverLoad      here
//   DestructOnNonServingThread      -                                         here
// ModelMesh
//   Evictions                       Admission.Evictions                       here
//   LoadFailure                     Requests.LoadFailureIsToldToAllWho...     here
//   FailureExpiry                   Requests.FailureExpiry           a_failure_backs_off.life
//   LoadPriority                    Queue.LoadPriority               the_urgent_go_first.life
//   RefreshMissingModel             Requests.RefreshMissingModel              here
//   TearDown                        Requests.CloseRefusesAllAndStopsLoads     here
//   EtcdFailFast                    -        here: what cannot start says so and leaves nothing
#include <barrier>
#include <filesystem>
#include <thread>

#include "engine/fixture.h"

namespace roost::test {
namespace {

std::size_t threads_of_this_process() {
  std::thread([] {}).join();  // a sanitizer starts a thread of its own with the first
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}
// A thread that was joined leaves the list a moment later.
void await_threads(std::size_t wanted) {
  while (threads_of_this_process() > wanted) std::this_thread::yield();
}

const Model* object_of(const ModelHandle& lease) {
  const Model* found = nullptr;
  lease.with([&](const Model& model) { found = &model; });
  return found;
}

class PeersTest : public EngineTest {};

// --- TensorFlow Serving

TEST_F(PeersTest, ConcurrentLoadsOnlyOneSucceeds) {
  constexpr std::ptrdiff_t kAskers = 16;
  FakeScript& script = add("a", kMiB);
  Engine& shared = engine();
  std::vector<ModelHandle> leases(kAskers);
  {
    std::barrier start(kAskers);
    std::vector<std::jthread> askers;
    for (ModelHandle& lease : leases) {
      askers.emplace_back([&] {
        start.arrive_and_wait();
        lease = shared.model("a");
      });
    }
  }
  EXPECT_EQ(script.count(FakeStep::Load), 1u);
  for (const ModelHandle& lease : leases) EXPECT_EQ(object_of(lease), object_of(leases.front()));
  EXPECT_EQ(live_on_host(), kMiB);
}

// A load that was called off fails in whatever way: that is no failure to remember, and who came
// meanwhile gets a load of its own.
TEST_F(PeersTest, RetryOnLoadErrorCancelledLoad) {
  FakeScript& script = add("a", kMiB);
  script.gate(FakeStep::Load).shut();
  script.ignore_stop(FakeStep::Load);
  script.fail(FakeStep::Load, 1, [] { throw RoostError(ErrorCode::IoError, "the disk went"); });
  auto first = engine().ready_async("a");
  script.gate(FakeStep::Load).await_arrivals();
  EXPECT_TRUE(engine().cancel_load("a"));
  EXPECT_EQ(code_of(first), ErrorCode::Cancelled);
  auto newcomer = engine().ready_async("a");
  EXPECT_EQ(script.count(FakeStep::Load), 1u);
  script.gate(FakeStep::Load).open();
  newcomer.get();
  EXPECT_EQ(script.count(FakeStep::Load), 2u);
  EXPECT_EQ(engine().status("a").failures_in_a_row, 0u);
  EXPECT_TRUE(events_of("a", EventKind::LoadError).empty());
}

TEST_F(PeersTest, ResourcesReleasedIfLoadFails) {
  options.host_budget_bytes = 8 * kMiB;
  add("a", fake_with_image(3 * kMiB));
  add("whole", 8 * kMiB);
  for (const std::uint64_t nth : {1u, 2u}) {  // its image finds no memory, or what is made of it
    simulated_host(machine).fail_allocation(nth);
    EXPECT_EQ(code_of([&] { engine().ready("a", {.retry_now = true}); }), ErrorCode::OutOfMemory);
    EXPECT_EQ(script("a").alive(), 0u);
    engine().ready("whole");  // fits only if every byte came back
    EXPECT_EQ(engine().unload("whole").freed, MemoryVector::host(8 * kMiB));
    EXPECT_EQ(live_on_host(), 0u);
    EXPECT_EQ(reserved(), 0u);
  }
}

TEST_F(PeersTest, UnaspireThenImmediatelyReaspire) {
  FakeScript& script = add("a", kMiB);
  engine().ready("a");
  script.gate(FakeStep::Unload).shut();
  auto down = engine().unload_async("a");
  script.gate(FakeStep::Unload).await_arrivals();
  auto up = engine().model_async("a");
  EXPECT_EQ(engine().status("a").state, ModelState::Unloading);
  EXPECT_EQ(script.count(FakeStep::Load), 1u) << "the old copy is still there";
  script.gate(FakeStep::Unload).open();
  EXPECT_EQ(down.get().freed, MemoryVector::host(kMiB));
  EXPECT_EQ(up.get().width(Task::Embed), 4u);
  EXPECT_EQ(script.count(FakeStep::Load), 2u);
  EXPECT_EQ(script.alive(), 1u);
}

// Room is made first: the machine sees the old bytes come back before it is asked for new ones.
TEST_F(PeersTest, ManagerPrefersUnloadOverLoad) {
  options.host_budget_bytes = 10 * kMiB;
  add("old", 6 * kMiB);
  add("new", 5 * kMiB);
  engine().ready("old");
  simulated_host(machine).clear_calls();
  script("old").gate(FakeStep::Unload).shut();
  auto loading = engine().ready_async("new");
  script("old").gate(FakeStep::Unload).await_arrivals();
  EXPECT_EQ(script("new").count(FakeStep::Load), 0u);
  script("old").gate(FakeStep::Unload).open();
  loading.get();
  const std::vector<std::string> calls = simulated_host(machine).calls();
  const auto place_of = [&](const std::string& call) {
    return std::find(calls.begin(), calls.end(), call) - calls.begin();
  };
  EXPECT_LT(place_of("release " + std::to_string(6 * kMiB)),
            place_of("allocate " + std::to_string(5 * kMiB)));
  EXPECT_LT(place_of("allocate " + std::to_string(5 * kMiB)), std::ssize(calls));
}

// Whoever gives the last lease back does not pay for the unload.
TEST_F(PeersTest, DestructOnNonServingThread) {
  FakeScript& script = add("a", kMiB);
  std::vector<std::thread::id> unloaded_on(2);
  for (std::size_t i : {0u, 1u}) {
    script.fail(FakeStep::Unload, i + 1, [&, i] { unloaded_on[i] = std::this_thread::get_id(); });
  }
  ModelHandle drained = engine().model("a");
  auto down = engine().unload_async("a");
  while (!engine().status("a").draining) std::this_thread::yield();
  drained.close();
  down.get();
  ModelHandle own = engine().model("a", {.isolated = true});
  own.close_async().get();
  for (const std::thread::id id : unloaded_on) {
    EXPECT_NE(id, std::thread::id());
    EXPECT_NE(id, std::this_thread::get_id());
  }
}

// --- ModelMesh

TEST_F(PeersTest, Evictions) {
  constexpr std::size_t kModels = 12, kRoom = 4;
  options.host_budget_bytes = kRoom * kMiB;
  options.eviction = EvictionPolicy::Lru;
  use_manual_clock();
  const auto name = [](std::size_t i) { return "m" + std::to_string(i); };
  for (std::size_t i = 0; i < kModels; ++i) add(name(i), kMiB);
  for (std::size_t round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < kModels; ++i) {
      engine().model(name(i));
      manual_clock.advance(std::chrono::seconds(1));
      EXPECT_LE(engine().status().loaded, kRoom);
      EXPECT_LE(live_on_host(), kRoom * kMiB);
    }
    for (std::size_t i = 0; i < kModels; ++i) {
      const bool stays = i >= kModels - kRoom;
      EXPECT_EQ(engine().status(name(i)).state, stays ? ModelState::Loaded : ModelState::Idle);
    }
  }
  EXPECT_EQ(engine().status().evictions, 2 * kModels - kRoom);
  EXPECT_EQ(engine().status().loads, 2 * kModels);
  destroy_engine();
}

TEST_F(PeersTest, LoadFailure) {
  FakeScript& script = add("a", kMiB);
  script.gate(FakeStep::Load).shut();
  script.fail(FakeStep::Load, 1, [] { throw std::runtime_error("the weights are torn"); });
  std::vector<std::future<ModelHandle>> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(engine().model_async("a"));
  script.gate(FakeStep::Load).open();
  for (auto& one : waiting) {
    EXPECT_EQ(code_of(one), ErrorCode::LoadFailed);
    EXPECT_NE(last_message().find("the weights are torn"), std::string::npos);
  }
  EXPECT_EQ(script.count(FakeStep::Load), 1u) << "one failure for all, no storm of tries";
  EXPECT_EQ(engine().status("a").failures_in_a_row, 1u);
  EXPECT_EQ(events_of("a", EventKind::LoadError).size(), 1u);
}

// What was there and has gone is got again, by itself, when it is next asked for.
TEST_F(PeersTest, RefreshMissingModel) {
  ScriptedSource& files = add_remote("a", kMiB);
  engine().ready("a");
  files.present = false;  // somebody deleted them
  EXPECT_TRUE(engine().model("a")) << "what is loaded needs no files";
  engine().unload("a");
  EXPECT_EQ(engine().status("a").files, FetchState::Absent);
  EXPECT_TRUE(engine().model("a"));
  EXPECT_EQ(files.fetches(), 2u);
}

TEST_F(PeersTest, TearDown) {
  const std::size_t threads_before = threads_of_this_process();
  add("leased", kMiB);
  add("image", fake_with_image(kMiB));
  add("loading", kMiB).gate(FakeStep::Load).shut();
  const ModelHandle lease = engine().model("leased");
  engine().ready("image");
  auto loading = engine().ready_async("loading");
  script("loading").gate(FakeStep::Load).await_arrivals();
  std::atomic<int> heard{0};
  const Subscription listener = engine().subscribe([&](const Event&) { ++heard; });
  destroy_engine();
  EXPECT_EQ(code_of(loading), ErrorCode::EngineClosed);
  EXPECT_EQ(live_on_host(), 0u);
  for (const auto& script : scripts) EXPECT_EQ(script->alive(), 0u);
  await_threads(threads_before);
}

TEST_F(PeersTest, EtcdFailFast) {
  const std::size_t threads_before = threads_of_this_process();
  options.machine = machine;
  options.health_interval = std::chrono::hours(1);
  options.device_budget_bytes["cuda:7"] = kMiB;
  EXPECT_EQ(code_of([&] { Engine made(options); }), ErrorCode::DeviceNotFound);
  await_threads(threads_before);
}

}  // namespace
}  // namespace roost::test

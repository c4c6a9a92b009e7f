#include "roost/embedding_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "faces/fake_engine.h"

namespace roost {

// Found by the matchers, so that failures can be read.
bool operator==(const PooledModel& a, const PooledModel& b) {
  return a.model == b.model && a.users == b.users;
}
void PrintTo(const PooledModel& pooled, std::ostream* out) {
  *out << pooled.model << " with " << pooled.users << " users";
}

namespace {

using test::bad_names;
using test::code_of;
using test::FakeEngine;
using test::FakeScript;
using test::FakeStep;
using Models = std::vector<PooledModel>;

class EmbeddingServicePoolTest : public testing::Test {
 protected:
  EmbeddingServicePoolTest() {
    for (const char* id : {"a", "b", "c", "d"}) scripts_.push_back(&engine_.add(id));
  }
  void use(EmbeddingServicePool& pool, const std::string& id) {
    EXPECT_EQ(pool.get_service(id)->embed_single("text").size(), 4u);
  }
  std::size_t alive() const {
    std::size_t sum = 0;
    for (const FakeScript* script : scripts_) sum += script->alive();
    return sum;
  }
  static void await_waiting(const EmbeddingServicePool& pool, std::size_t callers) {
    while (pool.waiting() != callers) std::this_thread::yield();
  }

  FakeEngine engine_;
  std::vector<FakeScript*> scripts_;
};

TEST_F(EmbeddingServicePoolTest, ResourcePoolEviction) {
  EmbeddingServicePool pool(*engine_, {.max_models = 3});
  for (const char* id : {"a", "b", "c"}) use(pool, id);
  use(pool, "a");  // a hit makes it the latest
  EXPECT_EQ(pool.models(), (Models{{"b", 0}, {"c", 0}, {"a", 0}}));
  EXPECT_EQ(scripts_[0]->count(FakeStep::Load), 1u);

  use(pool, "d");
  EXPECT_EQ(pool.models(), (Models{{"c", 0}, {"a", 0}, {"d", 0}}));
  EXPECT_EQ(scripts_[1]->alive(), 0u);
  EXPECT_EQ(alive(), 3u);
}

TEST_F(EmbeddingServicePoolTest, NeverEvictsWhatIsInUse) {
  EmbeddingServicePool pool(*engine_, {.max_models = 2});
  const auto a = pool.get_service("a");
  use(pool, "b");
  use(pool, "c");
  EXPECT_EQ(pool.models(), (Models{{"a", 1}, {"c", 0}}));
  EXPECT_EQ(a->embed_single("text").size(), 4u);
  EXPECT_EQ(scripts_[0]->count(FakeStep::Load), 1u);
}

TEST_F(EmbeddingServicePoolTest, TheVictimIsFreedBeforeTheNewcomerLoads) {
  EmbeddingServicePool pool(*engine_, {.max_models = 1});
  use(pool, "a");
  scripts_[0]->gate(FakeStep::Unload).shut();
  auto first = pool.get_service_async("b");
  scripts_[0]->gate(FakeStep::Unload).await_arrivals();
  auto second = pool.get_service_async("b");
  await_waiting(pool, 1);
  EXPECT_EQ(scripts_[1]->count(FakeStep::Load), 0u);
  scripts_[0]->gate(FakeStep::Unload).open();
  const auto one = first.get();
  const auto two = second.get();
  EXPECT_EQ(scripts_[1]->count(FakeStep::Load), 1u);
  EXPECT_EQ(alive(), 1u);
}

TEST_F(EmbeddingServicePoolTest, AllInUseWaitsUntilOneIsLeft) {
  EmbeddingServicePool pool(*engine_, {.max_models = 1});
  auto a = pool.get_service("a");
  auto waiting = pool.get_service_async("b");
  await_waiting(pool, 1);
  EXPECT_EQ(scripts_[1]->count(FakeStep::Load), 0u);
  a.close();
  EXPECT_EQ(waiting.get()->embed_single("text").size(), 4u);
  EXPECT_EQ(scripts_[0]->alive(), 0u);
}

TEST_F(EmbeddingServicePoolTest, AllInUseTimesOutOrFailsFastNamingThem) {
  EmbeddingServicePool patient(*engine_,
                               {.max_models = 1, .timeout = std::chrono::milliseconds(1)});
  const auto a = patient.get_service("a");
  try {
    patient.get_service("b");
    FAIL();
  } catch (const DeadlineExceededException& error) {
    EXPECT_NE(std::string(error.what()).find("(a)"), std::string::npos) << error.what();
  }
  EXPECT_EQ(patient.models(), (Models{{"a", 1}}));

  EmbeddingServicePool hasty(*engine_, {.max_models = 1, .fail_fast = true});
  const auto c = hasty.get_service("c");
  EXPECT_EQ(code_of([&] { hasty.get_service("d"); }), ErrorCode::InUse);
  EXPECT_TRUE(hasty.get_service("c"));
}

TEST_F(EmbeddingServicePoolTest, APendingAcquireThatIsCancelledCleansUp) {
  EmbeddingServicePool pool(*engine_, {.max_models = 1});
  auto a = pool.get_service("a");
  std::stop_source stop;
  auto waiting = pool.get_service_async("b", {}, stop.get_token());
  await_waiting(pool, 1);
  stop.request_stop();
  EXPECT_EQ(code_of([&] { waiting.get(); }), ErrorCode::Cancelled);
  EXPECT_EQ(pool.waiting(), 0u);
  EXPECT_EQ(pool.models(), (Models{{"a", 1}}));
  a.close();
  use(pool, "b");
}

TEST_F(EmbeddingServicePoolTest, ALoadThatIsCancelledOrFailsGivesItsPlaceBack) {
  EmbeddingServicePool pool(*engine_, {.max_models = 1});
  scripts_[0]->gate(FakeStep::Load).shut();
  std::stop_source stop;
  auto loading = pool.get_service_async("a", {}, stop.get_token());
  scripts_[0]->gate(FakeStep::Load).await_arrivals();
  EXPECT_EQ(pool.models(), (Models{{"a", 1}}));
  stop.request_stop();
  EXPECT_EQ(code_of([&] { loading.get(); }), ErrorCode::Cancelled);
  EXPECT_TRUE(pool.models().empty());

  scripts_[1]->fail(FakeStep::Load, 1, [] { throw std::runtime_error("torn"); });
  EXPECT_EQ(code_of([&] { pool.get_service("b"); }), ErrorCode::LoadFailed);
  EXPECT_TRUE(pool.models().empty());
  use(pool, "c");
}

// A load holds no lock: others come and go meanwhile, and those who want the same one join.
TEST_F(EmbeddingServicePoolTest, ALoadHoldsUpNobodyElse) {
  EmbeddingServicePool pool(*engine_, {.max_models = 2});
  scripts_[0]->gate(FakeStep::Load).shut();
  auto slow = pool.get_service_async("a");
  scripts_[0]->gate(FakeStep::Load).await_arrivals();
  auto joined = pool.get_service_async("a");
  use(pool, "b");
  use(pool, "b");
  scripts_[0]->gate(FakeStep::Load).open();
  EXPECT_EQ(slow.get()->embed_single("text"), joined.get()->embed_single("text"));
  EXPECT_EQ(scripts_[0]->count(FakeStep::Load), 1u);
}

TEST_F(EmbeddingServicePoolTest, OptionsMakeAnotherModel) {
  EmbeddingServicePool pool(*engine_, {.max_models = 3});
  EmbeddingServiceOptions small;
  small.backend["rows"] = 256;
  const auto plain = pool.get_service("a");
  const auto other = pool.get_service("a", small);
  const auto again = pool.get_service("a", small);
  EXPECT_EQ(pool.models(), (Models{{"a", 1}, {"a", 2}}));
  EXPECT_EQ(scripts_[0]->alive(), 2u);
}

TEST_F(EmbeddingServicePoolTest, AnAliasIsTheModelItMeans) {
  engine_->set_alias("mine", "a");
  EmbeddingServicePool pool(*engine_);
  const auto by_alias = pool.get_service("mine");
  const auto by_id = pool.get_service("a");
  EXPECT_EQ(pool.models(), (Models{{"a", 2}}));
}

TEST_F(EmbeddingServicePoolTest, ExceptionsAndEarlyReturnsGivePlacesBack) {
  EmbeddingServicePool pool(*engine_, {.max_models = 1, .fail_fast = true});
  const auto use_and_fail = [&] {
    const auto service = pool.get_service("a");
    throw std::logic_error("the user's own");
  };
  EXPECT_THROW(use_and_fail(), std::logic_error);
  EXPECT_EQ(pool.models(), (Models{{"a", 0}}));
  use(pool, "b");
}

TEST_F(EmbeddingServicePoolTest, CloseFreesTheIdleNowAndTheRestWhenLeft) {
  auto pool = std::make_unique<EmbeddingServicePool>(*engine_, EmbeddingServicePoolOptions{2});
  auto a = pool->get_service("a");
  use(*pool, "b");
  pool->close();
  pool->close_async().get();
  EXPECT_EQ(scripts_[1]->alive(), 0u);
  EXPECT_EQ(code_of([&] { pool->get_service("a"); }), ErrorCode::EngineClosed);
  pool.reset();
  EXPECT_EQ(a->embed_single("text").size(), 4u);
  a.close();
  EXPECT_EQ(alive(), 0u);
  EXPECT_EQ(engine_.host().live_bytes(), 0u);
}

TEST_F(EmbeddingServicePoolTest, ClosingSendsThoseWhoWaitAway) {
  EmbeddingServicePool pool(*engine_, {.max_models = 1});
  const auto a = pool.get_service("a");
  auto waiting = pool.get_service_async("b");
  await_waiting(pool, 1);
  pool.close();
  EXPECT_EQ(code_of([&] { waiting.get(); }), ErrorCode::EngineClosed);
}

TEST_F(EmbeddingServicePoolTest, ManyThreadsNeverExceedTheCapacity) {
  EmbeddingServicePool pool(*engine_, {.max_models = 2});
  std::atomic<std::size_t> most = 0;
  for (FakeScript* script : scripts_) {
    script->on_run([&](const Batch&) {
      const std::size_t now = alive();
      std::size_t seen = most;
      while (seen < now && !most.compare_exchange_weak(seen, now)) {
      }
    });
  }
  {
    std::vector<std::jthread> threads;
    threads.reserve(6);
    for (unsigned t = 0; t < 6; ++t) {
      threads.emplace_back([&, t] {
        for (unsigned round = 0; round < 20; ++round) {
          const std::string id(1, static_cast<char>('a' + (t + round) % 4));
          const auto service = pool.get_service(id);
          EXPECT_EQ(service->embed_single("text").size(), 4u);
        }
      });
    }
  }
  EXPECT_LE(most, 2u);
  EXPECT_LE(pool.models().size(), 2u);
  pool.close();
  EXPECT_EQ(alive(), 0u);
}

TEST_F(EmbeddingServicePoolTest, BadInputIsRefusedAndChangesNothing) {
  EmbeddingServicePool pool(*engine_);
  std::stop_source stop;
  stop.request_stop();
  const std::string before = engine_.shown();
  for (const test::BadName& bad : bad_names()) {
    const auto get = [&] { pool.get_service(bad.name); };
    EXPECT_EQ(code_of(get), bad.code);
  }
  EXPECT_EQ(code_of([&] { pool.get_service("no-such-model"); }), ErrorCode::ModelNotFound);
  EXPECT_EQ(code_of([&] { pool.get_service("a", {}, stop.get_token()); }), ErrorCode::Cancelled);
  EXPECT_EQ(code_of([&] { pool.get_service("a", {.model_name = "b"}); }),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { pool.get_service("a", {.isolated = true}); }),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { EmbeddingServicePool none(*engine_, {.max_models = 0}); }),
            ErrorCode::InvalidArgument);
  const std::chrono::milliseconds negative(-1);
  EXPECT_EQ(code_of([&] { EmbeddingServicePool bad(*engine_, {.timeout = negative}); }),
            ErrorCode::InvalidArgument);
  EXPECT_TRUE(pool.models().empty());
  EXPECT_EQ(engine_.shown(), before);
}

}  // namespace
}  // namespace roost

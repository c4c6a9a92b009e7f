// What is known changes while others look at it: instances of their own end, models are
// unregistered.
#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "roost/engine.h"
#include "stress/crowd.h"
#include "stress/rounds.h"
#include "support/fake_backend.h"
#include "support/simulated_machine.h"

namespace roost::test {
namespace {

constexpr unsigned kHalf = 4;

class StressComeAndGo : public testing::Test {
 protected:
  StressComeAndGo() {
    EngineOptions options;
    options.machine = machine;
    options.backends = {backend};
    options.min_residency = std::chrono::milliseconds(0);
    options.log = [](LogLevel, std::string_view) {};
    engine = std::make_unique<Engine>(options);
    backend->add("a", fake_with_image(4096));
    engine->register_model("a", "fake:a");
  }

  void expect_everything_back() {
    engine->unload_all();
    engine->clear_cache();
    EXPECT_EQ(engine->memory().memories.front().reserved, 0u);
    EXPECT_EQ(simulated_host(machine).live_bytes(), 0u);
    EXPECT_EQ(complaints.count(), 0u) << complaints.text();
  }

  const Machine machine = simulated_machine();
  const std::shared_ptr<FakeBackend> backend = std::make_shared<FakeBackend>();
  std::unique_ptr<Engine> engine;
  Complaints complaints;
};

TEST_F(StressComeAndGo, IsolatedInstancesWhileOthersLook) {
  in_a_crowd(2 * kHalf, complaints, [&](unsigned thread) {
    for (unsigned round = 0; round < rounds(); ++round) {
      if (thread < kHalf) {
        LoadOptions own;
        own.isolated = true;
        engine->embedder("a", own).embed("a text");
      } else {
        engine->models();
        engine->history("a");
        engine->cache_report();
        engine->check_health("a");
        engine->usage("a");
        engine->status();
      }
    }
  });
  expect_everything_back();
}

// A model that is gone is not found; one that is leased stays; a load whose model is unregistered
// is cancelled.
TEST_F(StressComeAndGo, ModelsWhileOthersUseThem) {
  const auto explained = [](ErrorCode code) {
    return code == ErrorCode::ModelNotFound || code == ErrorCode::InUse ||
           code == ErrorCode::Cancelled;
  };
  in_a_crowd(2 * kHalf, complaints, [&](unsigned thread) {
    std::mt19937 random(thread);
    for (unsigned round = 0; round < rounds(); ++round) {
      try {
        switch (random() % 6) {
          case 0: engine->register_model("a", "fake:a"); break;
          case 1: engine->unregister_model("a"); break;
          case 2: engine->unload("a"); break;
          case 3: engine->pin("a", random() % 2 == 0); break;
          case 4: engine->plan("a"); break;
          default: engine->embedder("a").embed("a text");
        }
      } catch (const RoostError& error) {
        if (!explained(error.code())) complaints.add(error.what());
      }
    }
  });
  expect_everything_back();
}

}  // namespace
}  // namespace roost::test

// Many threads load, use and unload at once. Every wait is one that ends by itself, so the only
// error there can be is Cancelled: unload() cancels the load of whoever waits for the model at
// that moment, who then asks again.
#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "roost/engine.h"
#include "stress/crowd.h"
#include "stress/rounds.h"
#include "support/simulated_machine.h"

namespace roost::test {
namespace {

constexpr unsigned kModels = 64;
constexpr unsigned kFitting = 8;

class Stress : public testing::Test {
 protected:
  Stress() {
    EngineOptions options;
    options.machine = machine;
    options.min_residency = std::chrono::milliseconds(0);
    options.load_threads = 1;
    options.log = [](LogLevel, std::string_view) {};
    engine = std::make_unique<Engine>(options);
  }

  // A small model of its own; the seed keeps it from sharing its weights with others.
  std::string add(unsigned number) {
    ModelRegistration model;
    model.id = "m" + std::to_string(number);
    model.source = "builtin:lexical";
    model.options.backend["rows"] = 64;
    model.options.backend["dimensions"] = 8;
    model.options.backend["seed"] = number;
    engine->register_model(model);
    return model.id;
  }

  Embedder embedder(const std::string& id) {
    for (;;) {
      try {
        return engine->embedder(id);
      } catch (const CancelledException&) {
        ++cancelled;
      }
    }
  }

  std::uint64_t reserved() const { return engine->memory().memories.front().reserved; }
  std::uint64_t budget() const { return engine->memory().memories.front().budget; }

  void expect_everything_back() {
    engine->unload_all();
    for (const ModelStatus& model : engine->models()) {
      EXPECT_EQ(model.state, ModelState::Idle) << model.id;
      EXPECT_EQ(model.leases, 0u) << model.id;
      EXPECT_EQ(model.waiters, 0u) << model.id;
    }
    EXPECT_EQ(reserved(), 0u);
    EXPECT_EQ(simulated_host(machine).live_bytes(), 0u);
    EXPECT_EQ(complaints.count(), 0u) << complaints.text();
    RecordProperty("cancelled", std::to_string(cancelled.load()));
  }

  void one_model(unsigned threads) {
    const std::string id = add(0);
    const Vector expected = embedder(id).embed("the same text");
    in_a_crowd(threads, complaints, [&](unsigned) {
      for (unsigned round = 0; round < rounds(); ++round) {
        Embedder mine = embedder(id);
        if (mine.embed("the same text") != expected) complaints.add("another vector");
        mine.close();
        engine->unload(id);
      }
    });
    expect_everything_back();
  }

  void many_models(unsigned threads) {
    std::vector<std::string> ids;
    for (unsigned i = 0; i < kModels; ++i) ids.push_back(add(i));
    engine->ready(ids.front());
    engine->set_budget("cpu", kFitting * reserved());
    in_a_crowd(threads, complaints, [&](unsigned thread) {
      std::mt19937 random(thread);
      for (unsigned round = 0; round < rounds(); ++round) {
        const std::string& id = ids[random() % kModels];
        {
          const Embedder mine = embedder(id);
          if (mine.id() != id) complaints.add(mine.id() + " was given for " + id);
          if (mine.embed("a text").size() != 8) complaints.add("a vector of another length");
        }
        if (random() % 4 == 0) engine->unload(id);
        if (random() % 16 == 0 && reserved() > budget()) complaints.add("over the budget");
      }
    });
    EXPECT_LE(reserved(), budget());
    EXPECT_GT(engine->status().evictions, 0u);
    expect_everything_back();
  }

  const Machine machine = simulated_machine();
  std::unique_ptr<Engine> engine;
  Complaints complaints;
  std::atomic<std::size_t> cancelled = 0;
};

TEST_F(Stress, OneModelLoadUseUnloadAlone) { one_model(1); }
TEST_F(Stress, OneModelLoadUseUnload) { one_model(kThreads); }
TEST_F(Stress, SixtyFourModelsUnderABudgetForEightAlone) { many_models(1); }
TEST_F(Stress, SixtyFourModelsUnderABudgetForEight) { many_models(kThreads); }

}  // namespace
}  // namespace roost::test

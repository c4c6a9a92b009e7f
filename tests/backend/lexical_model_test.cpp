#include "backend/builtin/lexical_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <thread>

#include "backend/batcher.h"
#include "backend/builtin/features.h"
#include "backend/lexical_fixture.h"
#include "roost/error.h"

namespace roost::backend {
namespace {

using test::embed;
using test::LexicalHost;
using test::run_all;
using testing::HasSubstr;

const std::vector<std::string> kTexts = {"hello world",
                                         "",
                                         "...",
                                         "a",
                                         "Das Haus am See",
                                         "погода в Москве",
                                         "東京の天気",
                                         "na\xEFve \xFF\xFE",
                                         "the the",
                                         std::string(5000, 'x')};

double length(std::span<const float> v) {
  return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
}

TEST(LexicalModel, SaysWhatItIs) {
  LexicalHost host;
  const ModelInfo info = host.load(test::small_rows())->info();
  EXPECT_EQ(info.model_id, "lex");
  EXPECT_EQ(info.backend, "builtin");
  EXPECT_EQ(info.family, "lexical");
  EXPECT_THAT(info.description, HasSubstr("lexical, not trained"));
  EXPECT_EQ(info.dimensions, 64u);
  EXPECT_EQ(info.device_id, "cpu");
  EXPECT_FALSE(info.is_gpu_active);
  EXPECT_EQ(info.estimated_memory_bytes, 1024u * 64 * 4 + 4096);
  const ModelInfo gpu = host.load(test::small_rows(), "cuda:0")->info();
  EXPECT_EQ(gpu.device_id, "cuda:0");
  EXPECT_TRUE(gpu.is_gpu_active);
  EXPECT_EQ(gpu.active_providers, std::vector{ExecutionProvider::Cuda});
}

TEST(LexicalModel, EveryTextIsAUnitVector) {
  LexicalHost host;
  const auto model = host.load(test::small_rows());
  for (const std::string& text : kTexts) EXPECT_NEAR(length(embed(*model, text)), 1, 1e-5) << text;
}

TEST(LexicalModel, TheSmallestTableWorksToo) {
  LexicalHost host;
  const auto model = host.load(Value::Object{{"rows", 64}, {"dimensions", 8}});
  for (const std::string& text : kTexts) EXPECT_NEAR(length(embed(*model, text)), 1, 1e-5) << text;
}

TEST(LexicalModel, PackedEqualsSinglesBitForBit) {
  LexicalHost host;
  for (const char* device : {"cpu", "cuda:0"}) {
    const auto model = host.load(test::small_rows(), device);
    for (const Task task : {Task::Embed, Task::Rerank}) {
      std::vector<Sequence> all;
      std::vector<float> singles;
      for (const std::string& text : kTexts) {
        all.push_back(model->tokenize(task, text, "hello Moskau"));
        const std::vector<float> one = run_all(*model, task, {all.back()});
        singles.insert(singles.end(), one.begin(), one.end());
      }
      EXPECT_EQ(run_all(*model, task, all), singles) << device;
    }
  }
}

TEST(LexicalModel, ADeviceGivesTheSameNumbersAsTheHost) {
  LexicalHost host;
  const auto on_host = host.load(test::small_rows());
  const auto on_gpu = host.load(test::small_rows(), "cuda:0");
  for (const std::string& text : kTexts) {
    EXPECT_EQ(embed(*on_gpu, text), embed(*on_host, text)) << text;
  }
}

TEST(LexicalModel, ThreadsTimesCallsEqualSerialResults) {
  LexicalHost host;
  const auto model = host.load(test::small_rows());
  std::vector<std::vector<float>> serial;
  for (const std::string& text : kTexts) serial.push_back(embed(*model, text));

  Executor executor("cpu");
  Lane lane(executor, *model, "lex");
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t call = 0; call < 50; ++call) {
        const std::size_t which = (t + call) % kTexts.size();
        const Sequence sequence = model->tokenize(Task::Embed, kTexts[which], {});
        std::vector<float> output(64);
        lane.submit(Task::Embed, {&sequence, 1}, output);
        EXPECT_EQ(output, serial[which]);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(lane.stats().sequences, 400u);
}

TEST(LexicalModel, ScoresAreCosinesOfTheEmbeddingsFromZeroToOne) {
  LexicalHost host;
  const auto model = host.load(test::small_rows());
  const std::string query = "reset my password";
  for (const std::string& text : kTexts) {
    const Sequence pair = model->tokenize(Task::Rerank, query, text);
    const float score = run_all(*model, Task::Rerank, {pair}).front();
    const auto a = embed(*model, query);
    const auto b = embed(*model, text);
    const double cosine = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    EXPECT_NEAR(score, (1 + cosine) / 2, 1e-5) << text;
    EXPECT_GE(score, 0.0f);
    EXPECT_LE(score, 1.0f);
  }
  const Sequence same = model->tokenize(Task::Rerank, query, query);
  EXPECT_NEAR(run_all(*model, Task::Rerank, {same}).front(), 1.0f, 1e-6);
}

TEST(LexicalModel, OtherTasksAreUnsupported) {
  LexicalHost host;
  const auto model = host.load(test::small_rows());
  for (const Task task : {Task::Classify, Task::TokenClassify, Task::Tensor}) {
    try {
      model->width(task);
      FAIL() << to_string(task);
    } catch (const RoostError& error) {
      EXPECT_EQ(error.code(), ErrorCode::Unsupported);
      EXPECT_THAT(error.what(), HasSubstr(std::string(to_string(task))));
    }
    EXPECT_THROW(model->tokenize(task, "x", {}), RoostError);
  }
}

TEST(LexicalModel, ATextOverAMebibyteIsTooLong) {
  LexicalHost host;
  const auto model = host.load(test::small_rows());
  const std::string most(kMaxTextBytes, 'a');
  EXPECT_NO_THROW(model->tokenize(Task::Embed, most, {}));
  try {
    model->tokenize(Task::Rerank, "short", most + "a");
    FAIL() << "tokenized";
  } catch (const InferenceException& error) {
    EXPECT_EQ(error.code(), ErrorCode::ContextTooLong);
    EXPECT_THAT(error.what(), HasSubstr("1048577"));
  }
}

TEST(LexicalModel, ARunObeysItsStopToken) {
  LexicalHost host;
  const auto model = host.load(test::small_rows());
  const Sequence sequence = model->tokenize(Task::Embed, "hello", {});
  const Sequence* one = &sequence;
  std::vector<float> output(64);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(model->run({Task::Embed, {&one, 1}, output}, stop.get_token()), CancelledException);
}

TEST(LexicalModel, BadSequencesAndOutputsAreRefused) {
  LexicalHost host;
  const auto model = host.load(test::small_rows());
  EXPECT_THROW(run_all(*model, Task::Embed, {{{1024}, {}}}), InferenceException);
  EXPECT_THROW(run_all(*model, Task::Embed, {{{1, 2}, {0}}}), InferenceException);
  EXPECT_THROW(run_all(*model, Task::Embed, {{}}), InferenceException);
  const Sequence sequence{{1}, {}};
  const Sequence* one = &sequence;
  std::vector<float> output(63);
  EXPECT_THROW(model->run({Task::Embed, {&one, 1}, output}, {}), InferenceException);
}

// A model whose table is what the test makes of a good one.
std::unique_ptr<Model> damaged(LexicalHost& host, const std::function<void(float*)>& damage) {
  const TableShape shape{.rows = 1024, .dimensions = 64};
  LoadContext context = host.context();
  Region region = context.memory->allocate(context.host, shape.bytes());
  auto* table = reinterpret_cast<float*>(region.data());
  generate_table(shape, {table, shape.floats()}, 1, {}, {});
  damage(table);
  return std::make_unique<LexicalModel>(
      "lex", std::make_shared<LexicalImage>(shape, std::move(region)), context, std::stop_token());
}

TEST(LexicalModel, AHealthyModelProbesHealthy) {
  LexicalHost host;
  for (const char* device : {"cpu", "cuda:0"}) {
    const auto model = host.load(test::small_rows(), device);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(model->probe_health({}), Health::Healthy);
  }
}

TEST(LexicalModel, OnePoisonedWeightAnywhereIsFound) {
  LexicalHost host;
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), 1e30f}) {
    const auto model = damaged(host, [&](float* table) { table[777 * 64 + 5] = poison; });
    EXPECT_THROW(model->probe_health({}), InferenceException);
    EXPECT_THROW(run_all(*model, Task::Embed, {{{3, 777}, {}}}), InferenceException);
    EXPECT_NO_THROW(run_all(*model, Task::Embed, {{{3, 776}, {}}}));
  }
}

TEST(LexicalModel, AZeroedTableIsFound) {
  LexicalHost host;
  const auto model =
      damaged(host, [](float* table) { std::memset(table, 0, 1024 * 64 * sizeof(float)); });
  EXPECT_THROW(model->probe_health({}), InferenceException);
}

TEST(LexicalModel, FlippingOneBitChangesTheChecksum) {
  LexicalHost host;
  const auto good = damaged(host, [](float*) {});
  const auto bad =
      damaged(host, [](float* table) { reinterpret_cast<unsigned char*>(table)[100'001] ^= 1; });
  LoadContext context = host.context();
  EXPECT_NE(good->save_images(context, {})[0]->checksum(),
            bad->save_images(context, {})[0]->checksum());
}

}  // namespace
}  // namespace roost::backend

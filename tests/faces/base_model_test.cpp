#include "roost/base_model.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/fixture.h"
#include "faces/management/snapshot.h"
#include "faces/scripted_model.h"

namespace roost::test {
namespace {

using mm::ModelHealth;
using mm::ModelStatus;

ErrorCode code_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const RoostError& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::Internal;
}

TEST(BaseModelTest, StartsWithWhatItWasGiven) {
  const ScriptedModel model("my-caption-model", Value::Object{{"threshold", 0.2}});
  EXPECT_EQ(model.model_id(), "my-caption-model");
  EXPECT_EQ(model.model_type(), ModelType::CaptionGenerator);
  EXPECT_EQ(model.status(), ModelStatus::NotDownloaded);
  EXPECT_EQ(model.health(), ModelHealth::Unknown);
  EXPECT_EQ(model.config(), Value(Value::Object{{"threshold", 0.2}}));
  EXPECT_FALSE(model.loaded_at());
  EXPECT_FALSE(model.last_used());
  EXPECT_TRUE(model.error().empty());
}

TEST(BaseModelTest, CamelCaseKeysOfTheDocumentBecomeOurs) {
  const ScriptedModel model("a", Value::Object{{"forceCpu", true}, {"batchSize", 8}});
  EXPECT_EQ(model.get_config_value("force_cpu"), Value(true));
  EXPECT_EQ(model.get_config_value("batch_size"), Value(8));
  EXPECT_TRUE(model.get_config_value("forceCpu").is_null());
}

struct BadConfig {
  const char* name;
  Value config;
};
class BadConfigTest : public testing::TestWithParam<BadConfig> {};
TEST_P(BadConfigTest, IsRefused) {
  EXPECT_EQ(code_of([] { ScriptedModel("a", GetParam().config); }), ErrorCode::InvalidArgument);
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, BadConfigTest,
    testing::Values(BadConfig{"NoObject", Value(3)},
                    BadConfig{"ThresholdAboveOne", Value(Value::Object{{"threshold", 1.5}})},
                    BadConfig{"ThresholdText", Value(Value::Object{{"threshold", "high"}})},
                    BadConfig{"BatchZero", Value(Value::Object{{"batch_size", 0}})},
                    BadConfig{"BatchNegative", Value(Value::Object{{"batchSize", -1}})},
                    BadConfig{"ForceCpuNumber", Value(Value::Object{{"force_cpu", 1}})},
                    BadConfig{"PriorityUnknown", Value(Value::Object{{"priority", "urgent"}})},
                    BadConfig{"EmptyKey", Value(Value::Object{{"", 1}})},
                    BadConfig{"TwoNames",
                              Value(Value::Object{{"forceCpu", true}, {"force_cpu", true}})}),
    [](const auto& test) { return test.param.name; });

TEST(BaseModelTest, BadIdsAreRefused) {
  for (const std::string& id : {std::string(), std::string(10'000, 'a'), std::string("a\nb"),
                                std::string("../a"), std::string("a b")}) {
    EXPECT_EQ(code_of([&] { const ScriptedModel model(id); }), ErrorCode::InvalidModelId);
  }
}

TEST(BaseModelTest, InitializeAndDestroyByHand) {
  ScriptedModel model("a");
  model.initialize();
  EXPECT_TRUE(model.is_initialized());
  EXPECT_EQ(model.status(), ModelStatus::Loaded);
  EXPECT_EQ(model.health(), ModelHealth::Healthy);
  EXPECT_TRUE(model.loaded_at());
  model.initialize();
  EXPECT_EQ(model.loads, 1);
  model.destroy();
  model.destroy();
  EXPECT_EQ(model.unloads, 1);
  EXPECT_EQ(model.status(), ModelStatus::Downloaded);
  EXPECT_EQ(model.health(), ModelHealth::Unknown);
}

TEST(BaseModelTest, WithoutFilesItDoesNotInitialize) {
  ScriptedModel model("a");
  model.available = false;
  EXPECT_EQ(code_of([&] { model.initialize(); }), ErrorCode::LoadFailed);
  EXPECT_EQ(model.loads, 0);
}

TEST(BaseModelTest, WhatItThrowsIsContainedAndRemembered) {
  ScriptedModel model("a");
  model.on_load = [] { throw 42; };
  EXPECT_EQ(code_of([&] { model.initialize(); }), ErrorCode::LoadFailed);
  EXPECT_EQ(model.status(), ModelStatus::Error);
  EXPECT_NE(model.error().find("no std::exception"), std::string::npos);
  EXPECT_EQ(model.unloads, 1) << "a load that failed half-way is given back";

  model.on_load = nullptr;
  model.initialize();
  EXPECT_TRUE(model.error().empty());
}

TEST(BaseModelTest, MemoryIsOnlyToBeHadFromAManager) {
  ScriptedModel model("a");
  model.bytes = 100;
  EXPECT_EQ(code_of([&] { model.initialize(); }), ErrorCode::NotLoaded);
}

TEST(BaseModelTest, ConfigValuesAreSetAndValidated) {
  ScriptedModel model("a", Value::Object{{"threshold", 0.2}});
  model.set_config_value("threshold", 0.5);
  EXPECT_EQ(model.get_config_value("threshold"), Value(0.5));
  EXPECT_EQ(code_of([&] { model.set_config_value("threshold", 2); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { model.set_config_value("", 2); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(model.get_config_value("threshold"), Value(0.5));
  model.set_config_value("threshold", Value());
  EXPECT_TRUE(model.get_config_value("threshold").is_null());
}

TEST(BaseModelTest, MarkUsedIsSeen) {
  ScriptedModel model("a");
  model.mark_used();
  EXPECT_TRUE(model.last_used());
}

TEST(BaseModelTest, AnInstanceIsACopyOfTheProperties) {
  ScriptedModel model("a", Value::Object{{"threshold", 0.2}});
  const mm::ModelInstance before = model.instance();
  model.initialize();
  EXPECT_EQ(before.status, ModelStatus::NotDownloaded);
  EXPECT_EQ(model.instance().status, ModelStatus::Loaded);
  EXPECT_EQ(model.instance().config, model.config());
}

TEST(SnapshotTest, ReadersSeeWholeValuesWhileItIsReplaced) {
  faces::Snapshot<std::vector<int>> snapshot(std::vector<int>(64, 0));
  std::atomic<bool> stop = false;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      int last = 0;
      while (!stop) {
        const auto seen = snapshot.get();
        for (const int number : *seen) ASSERT_EQ(number, seen->front());
        ASSERT_GE(seen->front(), last);
        last = seen->front();
      }
    });
  }
  for (int value = 1; value <= 2'000; ++value) snapshot.set(std::vector<int>(64, value));
  stop = true;
  readers.clear();
  EXPECT_EQ(snapshot.get()->front(), 2'000);
}

}  // namespace
}  // namespace roost::test

// Document 1's registry: what is registered, found, refused, exported.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "faces/manager_fixture.h"

namespace roost::test {
namespace {

using mm::ModelInfo;
using mm::ModelStatus;

class ModelRegistryTest : public ManagerTest {};

TEST_F(ModelRegistryTest, WhatIsRegisteredComesBackAsACopy) {
  ModelInfo info = caption_info("a");
  info.version = "2.1";
  info.tags = {"fast", "english"};
  info.metadata = Value::Object{{"author", "me"}};
  info.hash = "sha256:00";
  info.requirements = Value::Object{{"ram_gb", 2}};
  info.unknown = Value::Object{{"x_vendor", true}};
  manager().register_model(info);

  auto found = manager().get_model_info("a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->repo_id, "my-org/a");
  EXPECT_EQ(found->tags, info.tags);
  EXPECT_EQ(found->metadata, info.metadata);
  EXPECT_EQ(found->hash, info.hash);
  EXPECT_EQ(found->requirements, info.requirements);
  EXPECT_EQ(found->unknown, info.unknown);
  found->description = "changed";
  EXPECT_EQ(manager().get_model_info("a")->description, info.description);
}

TEST_F(ModelRegistryTest, EveryBadFieldIsNamed) {
  ModelInfo info;
  info.model_id = "../a";
  const auto errors = manager().get_registry().validate_model_info(info);
  std::vector<std::string> fields;
  for (const auto& error : errors) fields.push_back(error.field);
  EXPECT_THAT(fields, testing::ElementsAre("model_id", "model_type", "repo_id", "description",
                                           "total_size_estimate", "file_count_estimate"));
  EXPECT_EQ(code_of([&] { manager().register_model(info); }), ErrorCode::InvalidModelId);
  info.model_id = "a";
  EXPECT_EQ(code_of([&] { manager().register_model(info); }), ErrorCode::InvalidArgument);
  EXPECT_NE(last_message().find("total_size_estimate"), std::string::npos);
  EXPECT_TRUE(manager().get_all_models().empty());
}

TEST_F(ModelRegistryTest, AnObjectSaysItselfWhatItsInfoLeavesOut) {
  ModelInfo info;
  info.model_id = "a";
  const auto model = std::make_shared<ScriptedModel>("a");
  EXPECT_EQ(code_of([&] { manager().register_model(info, model); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(last_message(), "registering 'a': total_size_estimate: is 0, must be above 0");
  model->bytes = kMiB;
  manager().register_model(info, model);
  const auto found = manager().get_model_info("a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->model_type, ModelType::CaptionGenerator);
  EXPECT_EQ(found->repo_id, "own:a");
  EXPECT_EQ(found->total_size_estimate, kMiB);
  EXPECT_TRUE(manager().get_registry().validate_model_info(*found).empty());
  manager().register_model(info, model);  // the same again
  manager().load_model("a");
  EXPECT_EQ(host_bytes(), kMiB);
}

TEST_F(ModelRegistryTest, HostileTextIsRefused) {
  ModelInfo info = caption_info("a");
  info.repo_id = "my-org/../../etc";
  EXPECT_EQ(code_of([&] { manager().register_model(info); }), ErrorCode::InvalidArgument);
  info = caption_info("a");
  info.tags = {std::string("a\x01", 2)};
  EXPECT_EQ(code_of([&] { manager().register_model(info); }), ErrorCode::InvalidArgument);
  info = caption_info("a");
  info.metadata = Value::Object{{"model_info", 1}};
  EXPECT_EQ(code_of([&] { manager().register_model(info); }), ErrorCode::InvalidArgument);
  EXPECT_FALSE(manager().get_registry().is_model_registered("a"));
}

TEST_F(ModelRegistryTest, TheSameAgainIsNothingAnotherOneIsAWarning) {
  manager().register_model(caption_info("a"));
  manager().register_model(caption_info("a"));
  EXPECT_FALSE(logged("replaced"));
  ModelInfo other = caption_info("a");
  other.repo_id = "my-org/other";
  manager().register_model(other);
  EXPECT_TRUE(logged("replaced"));
  EXPECT_EQ(manager().get_model_info("a")->repo_id, "my-org/other");
}

TEST_F(ModelRegistryTest, AModelInUseIsNotReplacedOrDeleted) {
  const auto model = add_own("a");
  const ModelHandle lease = manager().engine().model("a");
  ModelInfo other = caption_info("a");
  other.description = "another";
  EXPECT_EQ(code_of([&] { manager().register_model(other); }), ErrorCode::InUse);
  EXPECT_EQ(code_of([&] { manager().delete_model("a"); }), ErrorCode::InUse);
  EXPECT_EQ(manager().get_model_info("a")->description, caption_info("a").description);
  EXPECT_TRUE(manager().is_model_loaded("a"));
}

TEST_F(ModelRegistryTest, DeleteUnloadsAndForgets) {
  const auto model = add_own("a");
  manager().load_model("a");
  manager().delete_model("a");
  EXPECT_EQ(model->unloads, 1);
  EXPECT_FALSE(manager().get_model_info("a"));
  EXPECT_EQ(code_of([&] { manager().delete_model("a"); }), ErrorCode::ModelNotFound);
  manager().register_model(caption_info("a"), model);  // the object is free again
}

TEST_F(ModelRegistryTest, Queries) {
  ModelInfo small = caption_info("small");
  small.tags = {"fast"};
  manager().register_model(small);
  ModelInfo big = caption_info("big");
  big.model_type = ModelType::DetectionModel;
  big.total_size_estimate = 9'000;
  big.description = "Finds Cats";
  manager().register_model(big);

  auto& registry = manager().get_registry();
  const auto ids = [](const std::vector<ModelInfo>& infos) {
    std::vector<std::string> result;
    for (const ModelInfo& info : infos) result.push_back(info.model_id);
    return result;
  };
  using testing::ElementsAre;
  EXPECT_THAT(ids(registry.get_all_models()), ElementsAre("big", "small"));
  EXPECT_THAT(ids(registry.get_models_by_type(ModelType::DetectionModel)), ElementsAre("big"));
  EXPECT_THAT(ids(registry.get_models_by_tag("fast")), ElementsAre("small"));
  EXPECT_THAT(ids(registry.get_models_by_size(0, 1'000)), ElementsAre("small"));
  EXPECT_THAT(ids(registry.search_models("cats")), ElementsAre("big"));
  EXPECT_THAT(ids(registry.search_models("MY-ORG")), ElementsAre("big", "small"));
  EXPECT_THAT(ids(registry.search_models("FAST")), ElementsAre("small"));
  EXPECT_EQ(registry.model_count(), 2u);
  EXPECT_EQ(registry.model_counts_by_type().at(ModelType::DetectionModel), 1u);
  EXPECT_EQ(code_of([&] { registry.get_models_by_size(2, 1); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { registry.search_models(""); }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] { registry.get_models_by_tag("\x01"); }), ErrorCode::InvalidArgument);
}

TEST_F(ModelRegistryTest, BulkIsAllOrNone) {
  ModelInfo bad = caption_info("b");
  bad.file_count_estimate = 0;
  auto& registry = manager().get_registry();
  EXPECT_EQ(code_of([&] { registry.register_models({caption_info("a"), bad}); }),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(registry.model_count(), 0u);
  registry.register_models({caption_info("a"), caption_info("b")});
  EXPECT_EQ(code_of([&] { registry.unregister_models({"a", "c"}); }), ErrorCode::ModelNotFound);
  EXPECT_EQ(registry.model_count(), 2u);
  registry.unregister_models({"a", "b"});
  EXPECT_EQ(registry.model_count(), 0u);
}

TEST_F(ModelRegistryTest, ExportAndImportAreByteEqual) {
  ModelInfo info = caption_info("a");
  info.tags = {"x"};
  info.metadata = Value::Object{{"k", Value::Array{1, 2}}};
  info.components = {"unet", "vae"};
  info.unknown = Value::Object{{"later", "kept"}};
  auto& registry = manager().get_registry();
  registry.register_models({info, caption_info("b")});
  const Value exported = registry.export_registry();
  registry.clear();
  EXPECT_EQ(registry.model_count(), 0u);
  EXPECT_EQ(registry.import_registry(exported), 2u);
  EXPECT_EQ(registry.export_registry().to_json(), exported.to_json());

  ModelInfo changed = caption_info("b");
  changed.description = "mine";
  manager().register_model(changed);
  EXPECT_EQ(registry.import_registry(exported, false), 0u);
  EXPECT_EQ(manager().get_model_info("b")->description, "mine");
  EXPECT_EQ(registry.import_registry(exported, true), 2u);
  EXPECT_EQ(registry.export_registry().to_json(), exported.to_json());
}

TEST_F(ModelRegistryTest, ABadImportChangesNothing) {
  auto& registry = manager().get_registry();
  EXPECT_EQ(code_of([&] { registry.import_registry(Value("no array")); }),
            ErrorCode::InvalidArgument);
  Value exported = Value::Array{caption_info("a").to_value(), Value::Object{{"model_id", 3}}};
  EXPECT_EQ(code_of([&] { registry.import_registry(exported); }), ErrorCode::InvalidArgument);
  EXPECT_NE(last_message().find("model_id"), std::string::npos);
  EXPECT_EQ(registry.model_count(), 0u);
}

TEST_F(ModelRegistryTest, InfoGoesToJsonAndBackInBothSpellings) {
  ModelInfo info = caption_info("a");
  info.status = ModelStatus::Loaded;
  info.loaded_on_devices = {"cpu"};
  info.last_updated = mm::WallTime(std::chrono::milliseconds(1'700'000'000'000));
  info.unknown = Value::Object{{"future", 1}};
  EXPECT_EQ(ModelInfo::from_value(info.to_value()).to_value().to_json(), info.to_value().to_json());

  const Value camel = Value::Object{{"modelId", "a"},
                                    {"modelType", "caption_generator"},
                                    {"repoId", "my-org/a"},
                                    {"totalSizeEstimate", 5},
                                    {"fileCountEstimate", 1}};
  const ModelInfo parsed = ModelInfo::from_value(camel);
  EXPECT_EQ(parsed.model_id, "a");
  EXPECT_EQ(parsed.model_type, ModelType::CaptionGenerator);
  EXPECT_EQ(parsed.total_size_estimate, 5u);
}

TEST_F(ModelRegistryTest, AClassMakesTheModelsOfItsType) {
  std::vector<std::shared_ptr<ScriptedModel>> made;
  manager().register_model_class(ModelType::CaptionGenerator, [&](const ModelInfo& info) {
    made.push_back(std::make_shared<ScriptedModel>(info.model_id));
    return made.back();
  });
  manager().register_model(caption_info("a"));
  manager().register_model(caption_info("b"));
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(manager().get_base_model("b"), made[1]);
  manager().load_model("b");
  EXPECT_EQ(made[0]->loads, 0);
  EXPECT_EQ(made[1]->loads, 1);
}

TEST_F(ModelRegistryTest, ABadClassIsATypedError) {
  EXPECT_EQ(code_of([&] { manager().register_model_class(ModelType::CaptionGenerator, {}); }),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of([&] {
              manager().register_model_class(ModelType::Unknown,
                                             [](const ModelInfo&) { return nullptr; });
            }),
            ErrorCode::InvalidArgument);
  for (const auto& factory : std::vector<mm::ModelFactory>{
           [](const ModelInfo&) { return nullptr; },
           [](const ModelInfo&) -> std::shared_ptr<BaseModel> { throw std::runtime_error("no"); },
           [](const ModelInfo&) { return std::make_shared<ScriptedModel>("another-id"); },
           [](const ModelInfo& info) {
             return std::make_shared<ScriptedModel>(info.model_id, Value(),
                                                    ModelType::DetectionModel);
           }}) {
    manager().register_model_class(ModelType::CaptionGenerator, factory);
    EXPECT_EQ(code_of([&] { manager().register_model(caption_info("a")); }),
              ErrorCode::InvalidArgument);
  }
  EXPECT_EQ(manager().get_registry().model_count(), 0u);
}

TEST_F(ModelRegistryTest, OneObjectHasOneManager) {
  const auto model = add_own("a");
  mm::ModelManagerConfig second_config;
  second_config.engine = config.engine;
  mm::ModelManager second(second_config);
  EXPECT_EQ(code_of([&] { second.register_model(caption_info("a"), model); }),
            ErrorCode::InvalidTransition);
  destroy_manager();
  second.register_model(caption_info("a"), model);
  second.load_model("a");
  EXPECT_EQ(model->loads, 1);
}

TEST_F(ModelRegistryTest, ReadingAndRegisteringAtOnceIsFine) {
  mm::ModelManager& one = manager();
  std::atomic<bool> stop = false;
  std::jthread reader([&] {
    while (!stop) {
      one.get_all_models();
      one.get_statistics();
    }
  });
  for (int i = 0; i < 50; ++i) one.register_model(caption_info("m" + std::to_string(i)));
  stop = true;
  reader.join();
  EXPECT_EQ(manager().get_registry().model_count(), 50u);
}

}  // namespace
}  // namespace roost::test

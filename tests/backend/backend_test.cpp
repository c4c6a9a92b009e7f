#include "roost/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/backends.h"
#include "roost/error.h"
#include "support/fake_backend.h"
#include "support/simulated_machine.h"

namespace roost {
namespace {

using testing::HasSubstr;

// The least a backend of one's own must do.
class PlainBackend final : public Backend {
 public:
  std::string_view name() const override { return "plain"; }
  std::optional<std::string> why_not(const ModelDescription&) const override { return {}; }
  void check_options(const Value&) const override {}
  LoadEstimate estimate(const ModelDescription&, const Device&) const override { return {}; }
  std::unique_ptr<Model> load(const ModelDescription&, LoadContext&, std::stop_token) override {
    return nullptr;
  }
};

TEST(Backend, WithoutComponentsReadingOneIsUnsupportedAndSaysSo) {
  PlainBackend backend;
  LoadContext context;
  try {
    backend.read({"a/b", "x", "1", "", {}}, "unet\n", context, {});
    FAIL() << "read";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::Unsupported);
    for (const char* part : {"a/b", "plain", "unet\\"}) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
  EXPECT_EQ(backend.providers(), std::vector{ExecutionProvider::Cpu});
}

TEST(Model, WithoutComponentsSavingImagesIsUnsupported) {
  const Machine machine = test::simulated_machine();
  test::FakeBackend backend;
  backend.add("bare");
  LoadContext context;
  context.device = context.host = machine.find("cpu");
  context.memory = MemoryAccount::create();
  const auto model = backend.load({"m", "fake:bare", "1", "", {}}, context, {});
  try {
    model->save_images(context, {});
    FAIL() << "saved";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::Unsupported);
  }
}

TEST(Names, OfTasksAndHealth) {
  EXPECT_EQ(to_string(Task::Embed), "embed");
  EXPECT_EQ(to_string(Task::Rerank), "rerank");
  EXPECT_EQ(to_string(Task::Classify), "classify");
  EXPECT_EQ(to_string(Task::TokenClassify), "token_classify");
  EXPECT_EQ(to_string(Task::Tensor), "tensor");
  EXPECT_EQ(to_string(Health::Unknown), "unknown");
  EXPECT_EQ(to_string(Health::Healthy), "healthy");
  EXPECT_EQ(to_string(Health::Degraded), "degraded");
  EXPECT_EQ(to_string(Health::Unhealthy), "unhealthy");
}

TEST(DefaultBackends, RunOnTheProcessorOnly) {
  const auto backends = default_backends();
  ASSERT_EQ(backends.size(), 2u);
  EXPECT_EQ(backends[0]->name(), "builtin");
  EXPECT_EQ(backends[1]->name(), "native");
  for (const auto& backend : backends) {
    EXPECT_EQ(backend->providers(), std::vector{ExecutionProvider::Cpu});
  }
  EXPECT_FALSE(backends[0]->why_not({"x", "builtin:lexical", "1", "", {}}));
  EXPECT_TRUE(backends[1]->why_not({"x", "builtin:lexical", "1", "", {}}));
}

}  // namespace
}  // namespace roost

// What a user's own code throws, and what it must not wait for.
#include <gmock/gmock.h>

#include <stdexcept>

#include "engine/fixture.h"

namespace roost::test {
namespace {

using testing::HasSubstr;

enum class At { Nothing, WhyNot, Check, Estimate, Width, Tokenize };

class RudeModel final : public Model {
 public:
  explicit RudeModel(const At& throws) : throws_(throws) {}
  ModelInfo info() const override {
    ModelInfo info;
    info.tasks = {Task::Embed};
    return info;
  }
  std::size_t width(Task) const override {
    if (throws_ == At::Width) throw std::runtime_error("rude width");
    return 1;
  }
  Sequence tokenize(Task, std::string_view, std::string_view) const override {
    if (throws_ == At::Tokenize) throw 7;
    return {{1}, {}};
  }
  void run(const Batch& batch, std::stop_token) override { batch.outputs[0] = 1; }
  Health probe_health(std::stop_token) override { return Health::Healthy; }

 private:
  const At& throws_;
};

class RudeBackend final : public Backend {
 public:
  std::string_view name() const override { return "rude"; }
  std::optional<std::string> why_not(const ModelDescription&) const override {
    if (throws == At::WhyNot) throw std::runtime_error("rude why_not");
    return std::nullopt;
  }
  void check_options(const Value& options) const override {
    if (throws == At::Check) throw std::runtime_error("rude check");
    if (options.find("bad") != nullptr) {
      throw RoostError(ErrorCode::UnknownOption, "rude takes no 'bad'");
    }
  }
  LoadEstimate estimate(const ModelDescription&, const Device&) const override {
    if (throws == At::Estimate) throw std::runtime_error("rude estimate");
    return {};
  }
  std::unique_ptr<Model> load(const ModelDescription&, LoadContext&, std::stop_token) override {
    return std::make_unique<RudeModel>(throws);
  }
  At throws = At::Nothing;
};

class ForeignCodeTest : public EngineTest {
 protected:
  ModelRegistration rude_model() {
    ModelRegistration registration;
    registration.id = "rude";
    registration.source = "user:rude";
    registration.backend = rude;
    return registration;
  }
  void expect(At at, ErrorCode code, const std::string& part, const std::function<void()>& call) {
    rude->throws = at;
    EXPECT_EQ(code_of(call), code);
    EXPECT_THAT(last_message(), HasSubstr("rude"));
    EXPECT_THAT(last_message(), HasSubstr(part));
    rude->throws = At::Nothing;
  }
  std::shared_ptr<RudeBackend> rude = std::make_shared<RudeBackend>();
};

TEST_F(ForeignCodeTest, WhatABackendThrowsIsATypedError) {
  engine().register_model(rude_model());
  const auto load = [this] { engine().ready("rude"); };
  expect(At::WhyNot, ErrorCode::LoadFailed, "rude why_not", load);
  expect(At::Check, ErrorCode::LoadFailed, "rude check", load);
  expect(At::Estimate, ErrorCode::LoadFailed, "rude estimate", load);
  engine().ready("rude");
}

TEST_F(ForeignCodeTest, WhatAModelThrowsIsATypedError) {
  engine().register_model(rude_model());
  const Embedder embedder = engine().embedder("rude");
  expect(At::Width, ErrorCode::InferenceFailed, "rude width", [&] { embedder.dimensions(); });
  expect(At::Tokenize, ErrorCode::InferenceFailed, "something unknown",
         [&] { embedder.embed("a text"); });
  const ModelHandle handle = engine().model("rude");
  expect(At::Tokenize, ErrorCode::InferenceFailed, "something unknown", [&] { handle.warm_up(); });
  EXPECT_EQ(embedder.embed("a text").size(), 1u);
}

TEST_F(ForeignCodeTest, WhatASourceThrowsIsATypedError) {
  class RudeSource final : public ModelSource {
    bool is_present() const override { throw std::runtime_error("rude is_present"); }
    std::uint64_t estimate() const override { return 0; }
    void fetch(const Progress&, std::stop_token) override {}
  };
  ModelRegistration registration = rude_model();
  registration.files = std::make_shared<RudeSource>();
  engine().register_model(registration);
  for (const auto& call : std::vector<std::function<void()>>{
           [this] { engine().ready("rude"); }, [this] { engine().fetch("rude"); },
           [this] { (void)engine().files_present("rude"); }}) {
    expect(At::Nothing, ErrorCode::IoError, "rude is_present", call);
  }
  EXPECT_EQ(engine().status("rude").files, FetchState::Absent);
  EXPECT_EQ(engine().models().size(), 2u);
}

TEST_F(ForeignCodeTest, AModelThatRunsAnotherOnItsOwnDeviceIsRefused) {
  add("inner", kMiB);
  FakeScript& outer = add("outer", kMiB);
  const Embedder inner = engine().embedder("inner");
  ErrorCode code = ErrorCode::Internal;
  outer.on_run([&](const Batch&) { code = code_of([&] { inner.embed("a text"); }); });
  engine().embedder("outer").embed("a text");
  EXPECT_EQ(code, ErrorCode::InvalidArgument);
  outer.on_run({});
  EXPECT_FALSE(inner.embed("a text").empty());
}

TEST_F(ForeignCodeTest, AModelUsedWithoutItsDeviceMayRunAnother) {
  add("inner", kMiB);
  add("outer", kMiB);
  const Embedder inner = engine().embedder("inner");
  engine().model("outer").with([&](Model&) { EXPECT_FALSE(inner.embed("a text").empty()); });
}

TEST_F(ForeignCodeTest, AnUnloadThatWouldWaitForItselfIsRefused) {
  FakeScript& script = add("a", kMiB);
  const auto refused = [](const std::function<void()>& call) {
    EXPECT_EQ(code_of(call), ErrorCode::InvalidArgument);
    EXPECT_THAT(last_message(), HasSubstr("unload_async"));
  };
  int asked = 0;
  const auto ask = [&] {
    refused([this] { engine().unload("a"); });
    refused([this] { engine().unload("a", {.force = true}); });
    refused([this] { engine().unload_all(); });
    ++asked;
  };
  script.on_run([&](const Batch&) { ask(); });
  engine().embedder("a").embed("a text");
  engine().model("a").with([&](Model&) { ask(); });
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
}

TEST_F(ForeignCodeTest, AnUnloadFromTheModelsOwnLoadIsRefused) {
  add("a", fake_with_image(kMiB));
  int asked = 0;
  LoadOptions load;
  load.progress = [&](const LoadProgress&) {
    EXPECT_EQ(code_of([this] { engine().unload("a"); }), ErrorCode::InvalidArgument);
    EXPECT_EQ(code_of([this] { engine().unload("a", {.wait_for_leases = false}); }),
              ErrorCode::InvalidArgument);
    EXPECT_EQ(code_of([this] { engine().unregister_model("a"); }), ErrorCode::InvalidArgument);
    ++asked;
  };
  engine().ready("a", load);
  EXPECT_GE(asked, 8);
}

TEST_F(ForeignCodeTest, AnUnloadThatDoesNotWaitMayBeAskedForFromAUse) {
  add("a", kMiB);
  std::future<UnloadReport> unload;
  engine().model("a").with(
      [&](Model&) { unload = engine().unload_async("a", {.force = true}); });
  EXPECT_TRUE(unload.get().was_loaded);
  EXPECT_EQ(live_on_host(), 0u);
}

TEST_F(ForeignCodeTest, RegistrationChecksTheBackendsOptions) {
  ModelRegistration registration = rude_model();
  registration.options.backend["bad"] = 1;
  EXPECT_EQ(code_of([&] { engine().register_model(registration); }), ErrorCode::UnknownOption);
  EXPECT_FALSE(engine().is_registered("rude"));
}

// By whichever backend will load it, when that is known: then its files are there, or it has none.
TEST_F(ForeignCodeTest, RegistrationAsksTheBackendThatWillLoadIt) {
  options.backends.push_back(rude);
  ModelRegistration registration;
  registration.id = "new";
  registration.source = "rude:new";
  registration.options.backend["bad"] = 1;
  EXPECT_EQ(code_of([&] { engine().register_model(registration); }), ErrorCode::UnknownOption);
  EXPECT_NE(last_message().find("'bad'"), std::string::npos) << last_message();
  EXPECT_FALSE(engine().is_registered("new"));
  const auto files = std::make_shared<ScriptedSource>();
  files->present = true;
  registration.files = files;
  EXPECT_EQ(code_of([&] { engine().register_model(registration); }), ErrorCode::UnknownOption);
  files->present = false;
  engine().register_model(registration);
  EXPECT_EQ(code_of([&] { engine().ready("new"); }), ErrorCode::UnknownOption) << "at the latest";
}

TEST_F(ForeignCodeTest, RegisteringAgainLeavesTheOptions) {
  ModelRegistration registration = rude_model();
  engine().register_model(registration);
  engine().patch_options("rude", Value::Object{{"backend", Value::Object{{"good", 1}}}});
  engine().register_model(registration);
  EXPECT_EQ(engine().model_options("rude").backend["good"].as_int(), 1);
}

// A backend of the user's that runs what a hub has, once it is told where.
TEST_F(ForeignCodeTest, ABackendThatClaimsAHubModelBringsItsFiles) {
  class Endpoint final : public Backend {
   public:
    std::string_view name() const override { return "endpoint"; }
    std::optional<std::string> why_not(const ModelDescription& description) const override {
      if (description.options.find("endpoint") != nullptr) return std::nullopt;
      return "no endpoint is set";
    }
    void check_options(const Value&) const override {}
    LoadEstimate estimate(const ModelDescription&, const Device&) const override { return {}; }
    std::unique_ptr<Model> load(const ModelDescription&, LoadContext&, std::stop_token) override {
      return std::make_unique<RudeModel>(nothing_);
    }

   private:
    At nothing_ = At::Nothing;
  };
  options.backends.push_back(std::make_shared<Endpoint>());
  engine().register_model("far", "hf:someone/something");
  EXPECT_EQ(code_of([&] { engine().ready("far"); }), ErrorCode::Unsupported);
  LoadOptions load;
  load.backend["endpoint"] = "here";
  engine().ready("far", load);
  engine().patch_options("far", Value::Object{{"backend", Value::Object{{"endpoint", "here"}}}});
  EXPECT_TRUE(engine().files_present("far"));
  engine().fetch("far");
}

TEST_F(ForeignCodeTest, WhatNeverWaitsMayBeAskedForFromAUse) {
  add("a", kMiB);
  add("b", kMiB);
  engine().ready("b");
  engine().model("a").with([&](Model&) {
    EXPECT_EQ(engine().unload("a", {.only_if_unused = true}).freed.total(), 0u);
    engine().unload_all({.only_if_unused = true});
  });
  EXPECT_EQ(engine().status("a").state, ModelState::Loaded);
  EXPECT_EQ(engine().status("b").state, ModelState::Idle);
}

TEST_F(ForeignCodeTest, AVariantThatIsNotThereIsNotTakenForTheModel) {
  add("a", kMiB);
  EXPECT_EQ(code_of([&] { engine().ready("a:fp16"); }), ErrorCode::Unsupported);
  EXPECT_THAT(last_message(), HasSubstr("'a' has no variant 'fp16'"));
}

TEST_F(ForeignCodeTest, WhatOnlyAHubHasIsNotThereAndCannotBeFetched) {
  engine().register_model("far", "hf:someone/something");
  EXPECT_FALSE(engine().files_present("far"));
  EXPECT_EQ(engine().status("far").files, FetchState::Absent);
  EXPECT_EQ(code_of([&] { engine().fetch("far"); }), ErrorCode::Unsupported);
  EXPECT_EQ(code_of([&] { engine().ready("far"); }), ErrorCode::Unsupported);
}

}  // namespace
}  // namespace roost::test

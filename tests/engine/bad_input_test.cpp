// Every public call with a bad name, or cancelled before it started; and every handle with input
// it cannot take. Bad options, registrations and aliases: bad_options_test.cpp.
#include "engine/bad_input_fixture.h"

namespace roost::test {
namespace {

using testing::HasSubstr;
using testing::ValuesIn;

std::stop_token fired() {
  std::stop_source source;
  source.request_stop();
  return source.get_token();
}

// --- names: whatever takes a model's name

struct Door {
  const char* name;
  std::function<void(Engine&, const std::string&)> ask;
};
void PrintTo(const Door& door, std::ostream* out) {
  *out << door.name;
}

const std::vector<Door> kDoors = {
    {"resolve", [](Engine& e, const std::string& n) { e.resolve(n); }},
    {"resolve_for_task", [](Engine& e, const std::string& n) { e.resolve(n, Task::Rerank); }},
    {"model", [](Engine& e, const std::string& n) { e.model(n); }},
    {"model_async", [](Engine& e, const std::string& n) { e.model_async(n).get(); }},
    {"embedder", [](Engine& e, const std::string& n) { e.embedder(n); }},
    {"reranker", [](Engine& e, const std::string& n) { e.reranker(n); }},
    {"classifier", [](Engine& e, const std::string& n) { e.classifier(n); }},
    {"tensor_model", [](Engine& e, const std::string& n) { e.tensor_model(n); }},
    {"ready", [](Engine& e, const std::string& n) { e.ready(n); }},
    {"ready_async", [](Engine& e, const std::string& n) { e.ready_async(n).get(); }},
    {"start_ready", [](Engine& e, const std::string& n) { e.start_ready(n); }},
    {"preload_after_a_good_one",
     [](Engine& e, const std::string& n) {
       e.preload({"b", n});
     }},
    {"ready_on_all_devices", [](Engine& e, const std::string& n) { e.ready_on_all_devices(n); }},
    {"cancel_load", [](Engine& e, const std::string& n) { e.cancel_load(n); }},
    {"unload", [](Engine& e, const std::string& n) { e.unload(n, {.force = true}); }},
    {"unload_async", [](Engine& e, const std::string& n) { e.unload_async(n).get(); }},
    {"fetch", [](Engine& e, const std::string& n) { e.fetch(n); }},
    {"fetch_async", [](Engine& e, const std::string& n) { e.fetch_async(n).get(); }},
    {"cancel_fetch", [](Engine& e, const std::string& n) { e.cancel_fetch(n); }},
    {"files_present", [](Engine& e, const std::string& n) { e.files_present(n); }},
    {"cache", [](Engine& e, const std::string& n) { e.cache(n); }},
    {"uncache", [](Engine& e, const std::string& n) { e.uncache(n); }},
    {"demote", [](Engine& e, const std::string& n) { e.demote(n); }},
    {"plan", [](Engine& e, const std::string& n) { e.plan(n); }},
    {"model_options", [](Engine& e, const std::string& n) { e.model_options(n); }},
    {"patch_options", [](Engine& e, const std::string& n) { e.patch_options(n, Value::Object{}); }},
    {"pin", [](Engine& e, const std::string& n) { e.pin(n); }},
    {"reset", [](Engine& e, const std::string& n) { e.reset(n); }},
    {"status", [](Engine& e, const std::string& n) { e.status(n); }},
    {"history", [](Engine& e, const std::string& n) { e.history(n); }},
    {"usage", [](Engine& e, const std::string& n) { e.usage(n); }},
    {"check_health", [](Engine& e, const std::string& n) { e.check_health(n); }},
    {"alias_target", [](Engine& e, const std::string& n) { e.set_alias("another", n); }},
};

class BadNameTest : public BadInputTest, public testing::WithParamInterface<Door> {};

TEST_P(BadNameTest, IsNamedAndChangesNothing) {
  const auto ask = [&](const std::string& name) {
    return [&, name](Engine& engine) { GetParam().ask(engine, name); };
  };
  expect_refused(ask(""), ErrorCode::InvalidArgument, "is empty");
  expect_refused(ask(std::string(10'000, 'x')), ErrorCode::InvalidArgument, "has 10000 bytes");
  expect_refused(ask("a\x01"), ErrorCode::InvalidArgument, "a\\x01' has a control byte at 1");
  expect_refused(ask(std::string("a\0b", 3)), ErrorCode::InvalidArgument, "control byte at 1");
}
// What is no model but well said.
TEST_P(BadNameTest, ThatNobodyHasIsNotFound) {
  const auto ask = [&](const std::string& name) {
    return [&, name](Engine& engine) { GetParam().ask(engine, name); };
  };
  expect_refused(ask("nobody"), ErrorCode::ModelNotFound, "'nobody'");
  expect_refused(ask("../no/such/folder"), ErrorCode::ModelNotFound, "../no/such/folder");
}
INSTANTIATE_TEST_SUITE_P(Doors, BadNameTest, ValuesIn(kDoors),
                         [](const auto& tried) { return tried.param.name; });

// --- ids: whatever names a model, an alias or a job that is to be made or forgotten

const std::vector<Door> kIdDoors = {
    {"register_model", [](Engine& e, const std::string& id) { e.register_model(id, "fake:b"); }},
    {"unregister_model", [](Engine& e, const std::string& id) { e.unregister_model(id); }},
    {"set_alias", [](Engine& e, const std::string& id) { e.set_alias(id, "b"); }},
    {"remove_alias", [](Engine& e, const std::string& id) { e.remove_alias(id); }},
};

class BadIdTest : public BadInputTest, public testing::WithParamInterface<Door> {};

TEST_P(BadIdTest, IsNamedAndChangesNothing) {
  const auto refuse = [&](const std::string& id, const char* words) {
    expect_refused([&](Engine& engine) { GetParam().ask(engine, id); }, ErrorCode::InvalidModelId,
                   words);
  };
  refuse("", "empty");
  refuse(std::string(10'000, 'x'), "10000 bytes, at most 256");
  refuse("a\x7f", "byte 1 ('\\x7f')");
  refuse(std::string("a\0b", 3), "byte 1 ('\\x00')");
  refuse("../b", "must start with");
  refuse("b/../../etc", "'..' part");
  refuse("b//c", "empty");
  refuse("a b", "byte 1 (' ')");
}
INSTANTIATE_TEST_SUITE_P(Doors, BadIdTest, ValuesIn(kIdDoors),
                         [](const auto& tried) { return tried.param.name; });

// Whether something is there may be asked of anything.
TEST_F(BadInputTest, AQuestionIsAnsweredNo) {
  const std::string before = shown(engine());
  for (const std::string& id :
       {std::string(), std::string(10'000, 'x'), std::string("a\x01"), std::string("../a")}) {
    EXPECT_FALSE(engine().is_registered(id));
    EXPECT_FALSE(engine().registration(id));
    EXPECT_FALSE(engine().job(id));
    EXPECT_FALSE(engine().cancel_job(id));
    EXPECT_TRUE(engine().events(EventId{id, 5}, 10).gap);
  }
  EXPECT_TRUE(engine().events(std::nullopt, 0).events.empty());
  EXPECT_EQ(shown(engine()), before);
}

// --- cancelled before it started

const std::vector<Door> kCancellable = {
    {"model", [](Engine& e, const std::string& n) { e.model(n, {}, fired()); }},
    {"model_async", [](Engine& e, const std::string& n) { e.model_async(n, {}, fired()).get(); }},
    {"embedder", [](Engine& e, const std::string& n) { e.embedder(n, {}, fired()); }},
    {"reranker", [](Engine& e, const std::string& n) { e.reranker(n, {}, fired()); }},
    {"classifier", [](Engine& e, const std::string& n) { e.classifier(n, {}, fired()); }},
    {"tensor_model", [](Engine& e, const std::string& n) { e.tensor_model(n, {}, fired()); }},
    {"ready", [](Engine& e, const std::string& n) { e.ready(n, {}, fired()); }},
    {"ready_async", [](Engine& e, const std::string& n) { e.ready_async(n, {}, fired()).get(); }},
    {"ready_on_all_devices",
     [](Engine& e, const std::string& n) { e.ready_on_all_devices(n, {}, fired()); }},
    {"fetch", [](Engine& e, const std::string& n) { e.fetch(n, {}, fired()); }},
    {"fetch_async", [](Engine& e, const std::string& n) { e.fetch_async(n, {}, fired()).get(); }},
    {"unload", [](Engine& e, const std::string& n) { e.unload(n, {.force = true}, fired()); }},
    {"unload_async",
     [](Engine& e, const std::string& n) { e.unload_async(n, {.force = true}, fired()).get(); }},
    {"unload_all",
     [](Engine& e, const std::string&) { e.unload_all({.force = true}, std::nullopt, fired()); }},
    {"check_health", [](Engine& e, const std::string& n) { e.check_health(n, fired()); }},
};

class CancelledBeforeTest : public BadInputTest, public testing::WithParamInterface<Door> {};

TEST_P(CancelledBeforeTest, ChangesNothing) {
  for (const char* name : {"a", "b", "remote", "swift"}) {
    if (std::string_view(GetParam().name) == "check_health" && engine().status(name).leases == 0) {
      continue;  // there is nothing to probe
    }
    expect_refused([&](Engine& engine) { GetParam().ask(engine, name); }, ErrorCode::Cancelled,
                   "cancelled");
  }
  EXPECT_EQ(lease.width(Task::Embed), 4u);
  EXPECT_EQ(sources.front()->fetches(), 0u);
  EXPECT_EQ(script("b").count(FakeStep::Load), 0u);
}
INSTANTIATE_TEST_SUITE_P(Doors, CancelledBeforeTest, ValuesIn(kCancellable),
                         [](const auto& tried) { return tried.param.name; });

TEST_F(BadInputTest, CancelledBeforeItWasCachedOrDemoted) {
  add("other", fake_with_image(kMiB));
  expect_refused([](Engine& engine) { engine.cache("other", {}, fired()); }, ErrorCode::Cancelled,
                 "cancelled");
  expect_refused([](Engine& engine) { engine.demote("image", fired()); }, ErrorCode::Cancelled,
                 "cancelled");
  EXPECT_EQ(script("other").count(FakeStep::Read), 0u);
}

// What is wrong with a call that gives a future is told by the future.
TEST_F(BadInputTest, AnAsynchronousCallDoesNotThrow) {
  auto model = engine().model_async("nobody");
  auto ready = engine().ready_async("nobody");
  auto fetched = engine().fetch_async("nobody");
  auto cancelled = engine().fetch_async("remote", {}, fired());
  auto unloaded = engine().unload_async("nobody");
  EXPECT_EQ(code_of(model), ErrorCode::ModelNotFound);
  EXPECT_EQ(code_of(ready), ErrorCode::ModelNotFound);
  EXPECT_EQ(code_of(fetched), ErrorCode::ModelNotFound);
  EXPECT_EQ(code_of(cancelled), ErrorCode::Cancelled);
  EXPECT_EQ(code_of(unloaded), ErrorCode::ModelNotFound);
}

// --- the handles

struct BadUse {
  const char* name;
  std::function<void(Engine&, const ModelHandle&)> use;  // the handle is one on "a"
  ErrorCode code;
  const char* words;
};
void PrintTo(const BadUse& bad, std::ostream* out) {
  *out << bad.name;
}

const std::string kLong(10'000'000, 'x');
const std::vector<std::string> kNone;
const std::vector<std::string> kOneEmpty = {"bread", ""};
const std::vector<std::string> kOneLong = {"bread", kLong};
const Sequence kTokens{{1, 2, 3}, {}};

const std::vector<BadUse> kBadUses = {
    {"a_task_it_cannot_do", [](Engine&, const ModelHandle& h) { h.width(Task::Classify); },
     ErrorCode::Unsupported, "cannot classify"},
    {"tokens_for_a_task_it_cannot_do",
     [](Engine&, const ModelHandle& h) { h.tokenize(Task::Classify, "text"); },
     ErrorCode::Unsupported, "cannot classify"},
    {"too_little_room_for_outputs",
     [](Engine&, const ModelHandle& h) {
       std::vector<float> row(3);
       h.run(Task::Embed, {&kTokens, 1}, row);
     },
     ErrorCode::InvalidArgument, "3 output floats given, 4 are needed"},
    {"room_but_no_sequences",
     [](Engine&, const ModelHandle& h) {
       std::vector<float> row(4);
       h.run(Task::Embed, {}, row);
     },
     ErrorCode::InvalidArgument, "4 output floats given, 0 are needed"},
    {"a_run_cancelled_before",
     [](Engine&, const ModelHandle& h) {
       std::vector<float> row(4);
       h.run(Task::Embed, {&kTokens, 1}, row, fired());
     },
     ErrorCode::Cancelled, "cancelled"},
    {"a_warm_up_cancelled_before", [](Engine&, const ModelHandle& h) { h.warm_up(fired()); },
     ErrorCode::Cancelled, "cancelled"},
    {"no_function", [](Engine&, const ModelHandle& h) { h.with(nullptr); },
     ErrorCode::InvalidArgument, "function"},
    {"no_text", [](Engine& e, const ModelHandle&) { e.embedder("a").embed(""); },
     ErrorCode::InvalidArgument, "the text is empty"},
    {"one_text_of_two_is_empty",
     [](Engine& e, const ModelHandle&) { e.embedder("a").embed(kOneEmpty); },
     ErrorCode::InvalidArgument, "the text is empty"},
    {"a_text_of_ten_megabytes",
     [](Engine& e, const ModelHandle&) { e.embedder("a").embed_async(kLong).get(); },
     ErrorCode::ContextTooLong, "has 10000000 bytes"},
    {"an_embed_cancelled_before",
     [](Engine& e, const ModelHandle&) { e.embedder("a").embed("text", fired()); },
     ErrorCode::Cancelled, "cancelled"},
    {"no_query", [](Engine& e, const ModelHandle&) { e.reranker("a").rerank("", kOneLong); },
     ErrorCode::InvalidArgument, "the query is empty"},
    {"an_empty_document",
     [](Engine& e, const ModelHandle&) { e.reranker("a").rerank("q", kOneEmpty); },
     ErrorCode::InvalidArgument, "the document is empty"},
    {"a_document_of_ten_megabytes",
     [](Engine& e, const ModelHandle&) { e.reranker("a").rerank_async("q", kOneLong).get(); },
     ErrorCode::ContextTooLong, "the document has 10000000 bytes"},
    {"a_rerank_cancelled_before",
     [](Engine& e, const ModelHandle&) { e.reranker("a").score("q", {{"bread"}}, fired()); },
     ErrorCode::Cancelled, "cancelled"},
    {"a_classifier_that_cannot", [](Engine& e, const ModelHandle&) { e.classifier("a"); },
     ErrorCode::Unsupported, "'a': it cannot classify"},
    {"tensors_it_cannot_take",
     [](Engine& e, const ModelHandle&) { e.tensor_model("builtin:lexical"); },
     ErrorCode::Unsupported, "it takes no tensors"},
    {"vectors_of_two_lengths",
     [](Engine&, const ModelHandle&) {
       cosine_similarity(std::vector<float>{1, 2}, std::vector<float>{1});
     },
     ErrorCode::InvalidArgument, "2 and 1 dimensions"},
};

class BadUseTest : public BadInputTest, public testing::WithParamInterface<BadUse> {};

TEST_P(BadUseTest, IsNamedAndNotCountedAgainstTheModel) {
  engine().check_health("a");
  EXPECT_EQ(code_of([&] { GetParam().use(engine(), lease); }), GetParam().code);
  EXPECT_THAT(last_message(), HasSubstr(GetParam().words));
  EXPECT_EQ(engine().usage("a").failures, 0u);
  EXPECT_EQ(engine().usage("a").successes, 1u);
  EXPECT_EQ(engine().status("a").leases, 1u) << "the one that was there before";
  EXPECT_EQ(engine().check_health("a"), Health::Healthy);
  EXPECT_EQ(Embedder(engine().model("a")).embed("fine").size(), 4u);
}
INSTANTIATE_TEST_SUITE_P(Uses, BadUseTest, ValuesIn(kBadUses),
                         [](const auto& tried) { return tried.param.name; });

TEST_F(BadInputTest, NothingIsAnsweredWithNothing) {
  EXPECT_TRUE(engine().embedder("a").embed(kNone).empty());
  EXPECT_TRUE(engine().reranker("a").rerank("query", kNone).empty());
  EXPECT_TRUE(engine().tensor_model("a").run({}).empty());
  EXPECT_EQ(engine().usage("a").requests, 1u);
}

}  // namespace
}  // namespace roost::test

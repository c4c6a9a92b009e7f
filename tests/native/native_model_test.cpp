// Native models through the engine: a folder in, vectors and ranks out.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "backend/backends.h"
#include "roost/engine.h"
#include "roost/error.h"

namespace roost::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class NativeModelTest : public testing::Test {
 protected:
  NativeModelTest() : folder(fs::temp_directory_path() / ("roost-native-" + unique())) {
    fs::copy(fs::path(ROOST_FIXTURES) / "bert", folder);
    engine.register_model("m", "file:" + folder.string());
  }
  ~NativeModelTest() override {
    engine.close();
    fs::remove_all(folder);
  }

  static std::string unique() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    return std::string(test->name()) + "-" + std::to_string(::getpid());
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name, std::ios::binary) << text;
  }

  template <class Call>
  ErrorCode code_of(const Call& call) {
    try {
      call();
    } catch (const RoostError& error) {
      message = error.what();
      return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::Internal;
  }

  const fs::path folder;
  Engine engine;
  std::string message;
};

double length(const Vector& vector) {
  return std::sqrt(dot_product(vector, vector));
}

TEST_F(NativeModelTest, EmbedsAndSaysWhatItIs) {
  const Embedder embedder = engine.embedder("m");
  EXPECT_EQ(embedder.dimensions(), 24u);
  EXPECT_THAT(embedder.embed("hello, world"), SizeIs(24));
  const ModelInfo info = embedder.info();
  EXPECT_EQ(info.backend, "native");
  EXPECT_EQ(info.family, "bert");
  EXPECT_EQ(info.max_tokens, 80u);
  EXPECT_EQ(info.path, folder.string());
  EXPECT_EQ(info.extra.find("pooling")->as_string(), "mean");
  EXPECT_THAT(info.active_providers, ElementsAre(ExecutionProvider::Cpu));
}

TEST_F(NativeModelTest, ABatchIsItsSingles) {
  const Embedder embedder = engine.embedder("m", {.backend = Value::Object{{"precision", "f32"}}});
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 100; ++i) texts.push_back(std::string(1 + i % 37, 'a') + " text, b");
  const std::vector<Vector> batch = embedder.embed(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Vector single = embedder.embed(texts[i]);
    for (std::size_t k = 0; k < single.size(); ++k) ASSERT_NEAR(batch[i][k], single[k], 1e-5);
  }
}

TEST_F(NativeModelTest, ThreadsGetWhatOneGets) {
  const Embedder embedder = engine.embedder("m");
  const Vector alone = embedder.embed("the same text");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 25; ++round) {
        EXPECT_GT(cosine_similarity(embedder.embed("the same text"), alone), 0.9999);
      }
    });
  }
}

TEST_F(NativeModelTest, RanksByCosine) {
  const auto ranked = engine.reranker("m").rerank("abc", {"xyz.", "abc", "ab?"}, {.top_k = 2});
  ASSERT_THAT(ranked, SizeIs(2));
  EXPECT_EQ(ranked[0].index, 1u);
  EXPECT_NEAR(ranked[0].score, 1, 1e-3);
  EXPECT_GE(ranked[0].score, ranked[1].score);
}

TEST_F(NativeModelTest, ScoresAreTheCosinesOfEmbeddings) {
  LoadOptions exact;
  exact.backend["precision"] = "f32";
  const Reranker reranker = engine.reranker("m", exact);
  const Embedder embedder = engine.embedder("m", exact);
  const std::vector<std::string> documents = {"one", "two words", "query", "one"};
  const std::vector<double> scores = reranker.score("query", documents);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const double cosine = cosine_similarity(embedder.embed("query"), embedder.embed(documents[i]));
    EXPECT_NEAR(scores[i], (1 + cosine) / 2, 1e-5) << documents[i];
  }
}

TEST_F(NativeModelTest, PairsOfSeveralQueriesGoThroughTogether) {
  const ModelHandle handle = engine.model("m");
  std::vector<Sequence> pairs;
  for (const char* query : {"a", "a", "b", "a"}) {
    for (const char* document : {"x", "y"}) {
      pairs.push_back(handle.tokenize(Task::Rerank, query, document));
    }
  }
  std::vector<float> together(pairs.size());
  handle.run(Task::Rerank, pairs, together);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    std::vector<float> alone(1);
    handle.run(Task::Rerank, std::span(pairs).subspan(i, 1), alone);
    EXPECT_NEAR(together[i], alone[0], 2e-3) << i;
  }
}

TEST_F(NativeModelTest, WhatIsTooLongIsCut) {
  const Embedder embedder = engine.embedder("m", {.backend = Value::Object{{"max_tokens", 6}}});
  const Vector cut = embedder.embed("abcdefgh"), whole = embedder.embed("abcd");
  for (std::size_t k = 0; k < cut.size(); ++k) EXPECT_NEAR(cut[k], whole[k], 1e-3);
}

TEST_F(NativeModelTest, ModulesSayHowToPool) {
  fs::create_directory(folder / "1_Pooling");
  write("modules.json",
        R"([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling",
             "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize",
             "type": "sentence_transformers.models.Normalize"}])");
  write("1_Pooling/config.json",
        R"({"word_embedding_dimension": 24, "pooling_mode_cls_token": true,
            "pooling_mode_mean_tokens": false})");
  write("sentence_bert_config.json", R"({"max_seq_length": 12, "do_lower_case": false})");
  const Embedder embedder = engine.embedder("m");
  EXPECT_NEAR(length(embedder.embed("one")), 1, 1e-5);
  EXPECT_EQ(embedder.info().extra.find("pooling")->as_string(), "cls");
  EXPECT_EQ(embedder.info().max_tokens, 12u);
}

TEST_F(NativeModelTest, OptionsAreChecked) {
  const auto with = [&](const char* key, Value value) {
    return code_of([&] { engine.ready("m", {.backend = Value::Object{{key, std::move(value)}}}); });
  };
  EXPECT_EQ(with("precision", "int3"), ErrorCode::InvalidArgument);
  EXPECT_THAT(message, HasSubstr("auto, f32 or bf16"));
  EXPECT_EQ(with("colour", "red"), ErrorCode::UnknownOption);
  EXPECT_EQ(with("max_tokens", 1), ErrorCode::InvalidArgument);
  EXPECT_EQ(with("max_tokens", 81), ErrorCode::InvalidArgument);
  EXPECT_THAT(message, HasSubstr("80"));
  EXPECT_EQ(with("pooling", "median"), ErrorCode::InvalidArgument);
  EXPECT_EQ(with("normalize", "yes"), ErrorCode::InvalidArgument);
}

TEST_F(NativeModelTest, FilesThatAreNotWhatTheyClaimAreTyped) {
  const auto size = fs::file_size(folder / "model.safetensors");
  fs::resize_file(folder / "model.safetensors", size - 1);
  EXPECT_EQ(code_of([&] { engine.ready("m"); }), ErrorCode::BadFile);
  EXPECT_THAT(message, HasSubstr("model.safetensors"));
}

TEST_F(NativeModelTest, AFamilyThatCannotRunIsNamed) {
  write("config.json", R"({"model_type": "llama", "vocab_size": 60})");
  EXPECT_EQ(code_of([&] { engine.ready("m"); }), ErrorCode::Unsupported);
  EXPECT_THAT(message, HasSubstr("llama"));
}

TEST_F(NativeModelTest, NumbersThatAreNoneAreAnError) {
  const std::string all = [&] {
    std::ifstream in(folder / "model.safetensors", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  std::string damaged = all;
  const std::size_t header =
      static_cast<unsigned char>(all[0]) + (std::size_t{static_cast<unsigned char>(all[1])} << 8);
  for (std::size_t i = 8 + header + 3; i < damaged.size(); i += 4) damaged[i] = '\x7F';
  for (std::size_t i = 8 + header + 2; i < damaged.size(); i += 4) damaged[i] = '\xF0';
  write("model.safetensors", damaged);
  EXPECT_EQ(code_of([&] { engine.embedder("m").embed("text"); }), ErrorCode::InferenceFailed);
  EXPECT_THAT(message, HasSubstr("not all numbers"));
}

TEST_F(NativeModelTest, UnloadsAndLoadsAgain) {
  const Vector before = engine.embedder("m").embed("text");
  const UnloadReport report = engine.unload("m");
  EXPECT_TRUE(report.was_loaded);
  EXPECT_EQ(engine.embedder("m").embed("text"), before);
}

}  // namespace
}  // namespace roost::test

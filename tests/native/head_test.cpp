// Heads against an independent implementation: tests/native/reference/make_fixtures.py.
#include "nets/head.h"

#include <gmock/gmock.h>

#include "native/reference.h"
#include "nets/families.h"
#include "roost/engine.h"
#include "roost/error.h"

namespace roost::nets {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

class HeadTest : public testing::TestWithParam<const char*> {
 protected:
  const formats::Folder folder = fixture(GetParam());
  const formats::ModelConfig config = config_of(folder);
  const EncoderShape shape = shape_of(config);
};

TEST_P(HeadTest, ScoresAsTheReference) {
  const std::optional<Head> head = Head::of(config, shape);
  ASSERT_TRUE(head);
  const Memory memory((head->bytes() + 63) / 64 * 64);
  head->fill(open(folder, "model.safetensors"), memory.data(), {});
  for (const Sequence& sequence : expected_of(folder, shape.hidden)) {
    std::vector<float> scores(head->labels());
    head->run(memory.data(), std::span(sequence.states).first(shape.hidden), scores);
    ASSERT_EQ(scores.size(), sequence.scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      EXPECT_NEAR(scores[i], sequence.scores[i], 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, HeadTest,
                         testing::Values("bert-reranker", "distilbert-classifier",
                                         "electra-classifier", "roberta-classifier"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

formats::ModelConfig config_with(const std::string& more) {
  return formats::parse_config(R"({"model_type": "bert", "vocab_size": 9, "hidden_size": 8,
      "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8,
      "max_position_embeddings": 9, )" +
                                   more + "}",
                               "config.json");
}

TEST(Head, IsThereWhenTheArchitectureSaysSo) {
  const auto plain = config_with(R"("architectures": ["BertModel"])");
  EXPECT_FALSE(Head::of(plain, shape_of(plain)));
  const auto two = config_with(R"("architectures": ["BertForSequenceClassification"])");
  EXPECT_THAT(Head::of(two, shape_of(two))->names(), ElementsAre("LABEL_0", "LABEL_1"));
  const auto tokens = config_with(R"("architectures": ["BertForTokenClassification"])");
  EXPECT_THROW(Head::of(tokens, shape_of(tokens)), RoostError);
}

TEST(Head, ScoresOfOneLabelStandAlone) {
  std::vector<float> numbers = {0, 100, -100};
  to_scores(Head::Scores::Sigmoid, numbers);
  EXPECT_THAT(numbers, ElementsAre(0.5f, 1.0f, testing::FloatNear(0, 1e-30f)));
  numbers = {1000, 1000, -1000};
  to_scores(Head::Scores::Softmax, numbers);
  EXPECT_THAT(numbers, ElementsAre(0.5f, 0.5f, 0.0f));
}

class HeadedModelTest : public testing::Test {
 protected:
  void add(const std::string& name) {
    engine.register_model(name, std::string("file:") + ROOST_FIXTURES + "/" + name);
  }
  Engine engine;
};

TEST_F(HeadedModelTest, Ranks) {
  add("bert-reranker");
  const Reranker reranker = engine.reranker("bert-reranker");
  const std::vector<std::string> documents = {"one", "another", "and a third"};
  const std::vector<double> scores = reranker.score("query", documents);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    EXPECT_GT(scores[i], 0);
    EXPECT_LT(scores[i], 1);
    EXPECT_NEAR(reranker.score("query", std::span(documents).subspan(i, 1))[0], scores[i], 1e-3);
  }
  EXPECT_THROW(engine.embedder("bert-reranker").embed("text"), RoostError);
}

TEST_F(HeadedModelTest, Classifies) {
  add("roberta-classifier");
  const std::vector<Label> labels = engine.classifier("roberta-classifier").classify("some text");
  ASSERT_EQ(labels.size(), 3u);
  EXPECT_NEAR(labels[0].score + labels[1].score + labels[2].score, 1, 1e-5);
  EXPECT_GE(labels[0].score, labels[1].score);
  EXPECT_THAT((std::vector{labels[0].name, labels[1].name, labels[2].name}),
              testing::UnorderedElementsAre("no", "maybe", "yes"));
}

}  // namespace
}  // namespace roost::nets

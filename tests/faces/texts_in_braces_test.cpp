// Texts in braces are a list of texts, through every class that takes one. Without an overload of
// their own, two literals in braces would be the two ends of one std::string_view.
#include <gtest/gtest.h>

#include "faces/fake_engine.h"
#include "roost/embedding_service.h"
#include "roost/local_models.h"

namespace roost {
namespace {

using test::FakeEngine;

const std::vector<std::string> kTexts = {"one", "two"};
const std::vector<std::string> kOne = {"one"};

class TextsInBraces : public testing::Test {
 protected:
  TextsInBraces() { engine_.add("m"); }
  Engine& engine() { return *engine_; }

 private:
  FakeEngine engine_;
};

TEST_F(TextsInBraces, AnEmbedderTakes) {
  const Embedder embedder = engine().embedder("m");
  const std::vector<Vector> both = embedder.embed(kTexts);
  EXPECT_EQ(embedder.embed({"one", "two"}), both);
  EXPECT_EQ(embedder.embed({kTexts[0], kTexts[1]}, std::stop_token()), both);
  EXPECT_EQ(embedder.embed_async({"one", "two"}).get(), both);
  EXPECT_EQ(embedder.embed({"one"}), embedder.embed(kOne));
  EXPECT_EQ(embedder.embed("one"), both[0]);  // a text alone is still one text
}

TEST_F(TextsInBraces, ARerankerTakes) {
  const Reranker reranker = engine().reranker("builtin:lexical");
  EXPECT_EQ(reranker.score("one", {"one", "two"}), reranker.score("one", kTexts));
  const std::vector<Ranked> best = reranker.rerank("two", {"one", "two"}, {.top_k = 1});
  ASSERT_EQ(best.size(), 1u);
  EXPECT_EQ(best[0].document, "two");
  EXPECT_EQ(reranker.rerank_async("two", {"one", "two"}).get()[0].index, 1u);
}

TEST_F(TextsInBraces, LocalModelsTake) {
  const EmbeddingModel model = LocalEmbedder::load(engine(), "m");
  const std::vector<Vector> both = model.embed(kTexts);
  EXPECT_EQ(model.embed({"one", "two"}), both);
  EXPECT_EQ(model.embed_async({"one", "two"}).get(), both);
  EXPECT_EQ(model.embed_queries({"one", "two"}), both);
  EXPECT_EQ(model.embed_passages({"one", "two"}), both);
  EXPECT_EQ(model.embed({"one"}), model.embed(kOne));

  const RerankerModel ranker = LocalReranker::load(engine(), "builtin:lexical");
  EXPECT_EQ(ranker.rerank("two", {"one", "two"}, 1).front().document, "two");
  EXPECT_EQ(ranker.rerank_async("two", {"one", "two"}, 1).get().front().document, "two");
  EXPECT_EQ(ranker.score("two", {"one", "two"}), ranker.score("two", kTexts));
}

TEST_F(TextsInBraces, AServiceTakes) {
  DenseEmbeddingService service(engine());
  service.initialize("m");
  const std::vector<Vector> both = service.embed_texts(kTexts);
  EXPECT_EQ(service.embed_texts({"one", "two"}), both);
  EXPECT_EQ(service.embed_texts({"one", "two"}, 1, EmbeddingMode::Document), both);
  EXPECT_EQ(service.embed_texts_async({"one", "two"}).get(), both);
  EXPECT_EQ(service.embed_texts({"one"}), service.embed_texts(kOne));
}

}  // namespace
}  // namespace roost

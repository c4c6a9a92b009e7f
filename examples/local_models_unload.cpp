// Carries over the snippets of document 0 on unloading: automatic clean-up (3.1), disposal by hand
// (3.2), several models at once (4.1) and one after the other (4.2).
#include <cstdio>
#include <string>
#include <vector>

#include "roost/local_models.h"

namespace {

const std::vector<std::string> kTexts = {"Hello world", "Good morning"};

void automatic_clean_up(roost::Engine& engine) {
  const auto model = roost::LocalEmbedder::load(engine, "builtin:lexical");
  model.embed("used here");
}  // freed at the end of the scope, whatever ends it

void by_hand(roost::Engine& engine) {
  auto model = roost::LocalEmbedder::load(engine, "builtin:lexical");
  model.embed("used here");
  model.close_async().get();
}

void both_at_once(roost::Engine& engine) {
  const auto embedder = roost::LocalEmbedder::load(engine, "builtin:lexical");
  const auto reranker = roost::LocalReranker::load(engine, "builtin:lexical");
  const auto embeddings = embedder.embed(kTexts);
  const auto ranked = reranker.rerank("a greeting in the morning", kTexts);
  std::printf("%zu embeddings; best: %s\n", embeddings.size(), ranked.front().document.c_str());
}

void one_after_the_other(roost::Engine& engine) {
  {
    const auto embedder = roost::LocalEmbedder::load(engine, "builtin:lexical");
    embedder.embed(kTexts);
  }  // the embedder's memory is back before the reranker takes any
  const auto reranker = roost::LocalReranker::load(engine, "builtin:lexical");
  reranker.rerank("a greeting in the morning", kTexts);
}

}  // namespace

int main() {
  roost::Engine engine;
  automatic_clean_up(engine);
  by_hand(engine);
  both_at_once(engine);
  one_after_the_other(engine);
  const std::size_t loaded = engine.status().loaded;
  std::printf("%zu models still loaded\n", loaded);
  return loaded == 0 ? 0 : 1;
}

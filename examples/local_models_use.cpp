// Carries over the snippets of document 0 on using models: the warm-up pattern (2.2), thread
// safety (2.3) and batch processing (6.2).
#include <cstdio>
#include <future>
#include <string>
#include <vector>

#include "roost/local_models.h"

int main() {
  const std::vector<std::string> texts = {"Hello world", "Good morning", "The cat sat on the mat"};
  const auto model = roost::LocalEmbedder::load("builtin:lexical");

  // 2.2: a short real run, so that the first call of a user is as fast as the later ones.
  model.warmup();
  const roost::Vector embedding = model.embed("Hello world");
  std::printf("%zu dimensions\n", embedding.size());

  // 2.3: safe to call from many threads.
  std::vector<std::future<roost::Vector>> tasks;
  tasks.reserve(texts.size());
  for (const std::string& text : texts) tasks.push_back(model.embed_async(text));
  for (auto& task : tasks) task.get();

  // 6.2: one batch call costs less than a call for each text.
  const std::vector<roost::Vector> embeddings = model.embed(texts);
  std::printf("%zu embeddings\n", embeddings.size());
}

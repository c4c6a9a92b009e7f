// Carries over the snippets of document 3 on ScopedEmbeddingService: section 3 and "temporary
// model for comparison".
#include <cstdio>
#include <string>
#include <vector>

#include "roost/embedding_service.h"

int main() {
  roost::Engine engine;
  const auto service =
      roost::embedding_service_context(engine, {.model_name = "builtin:lexical"});
  const std::vector<std::string> texts = {"Hello world", "Hello there"};
  const auto ours = service->embed_texts(texts);

  // The same model in another shape, for this comparison only.
  roost::EmbeddingServiceOptions smaller;
  smaller.backend["rows"] = 4096;
  {
    const auto temporary =
        roost::ScopedEmbeddingService(engine).temporary_model("builtin:lexical", smaller);
    const auto comparison = temporary->embed_texts(texts);
    std::printf("similarity %.3f here, %.3f there\n", roost::cosine_similarity(ours[0], ours[1]),
                roost::cosine_similarity(comparison[0], comparison[1]));
  }
  std::printf("%zu model loaded after it\n", engine.status().loaded);
}

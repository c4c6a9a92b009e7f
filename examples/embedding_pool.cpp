// Carries over the snippets of document 3 on EmbeddingServicePool: section 6 and "resource pool
// for multiple models".
#include <cstdio>
#include <string>
#include <vector>

#include "roost/embedding_pool.h"

int main() {
  roost::Engine engine;
  for (const char* id : {"model1", "model2", "model3", "model4"}) {
    roost::ModelRegistration registration;
    registration.id = id;
    registration.source = "builtin:lexical";
    registration.options.backend["rows"] = 4096;
    engine.register_model(registration);
  }

  roost::EmbeddingServicePool pool(engine, {.max_models = 3});
  const std::vector<std::string> texts = {"Hello world"};
  for (const char* id : {"model1", "model2", "model3", "model1", "model4"}) {
    const auto service = pool.get_service(id);
    service->embed_texts(texts);
  }
  for (const roost::PooledModel& pooled : pool.models()) {
    std::printf("%s is kept\n", pooled.model.c_str());  // model2 was used longest ago
  }
  pool.close();
  std::printf("%zu models loaded after close\n", engine.status().loaded);
}

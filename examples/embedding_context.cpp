// Carries over the snippets of document 3 on contexts: embedding_service_context (section 1), a
// service that is its own context (section 2) and the simple usage after implementation.
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "roost/embedding_service.h"

namespace {

const std::vector<std::string> kTexts = {"hello world"};
const roost::EmbeddingServiceOptions kOptions{.model_name = "builtin:lexical"};

void simple_usage(roost::Engine& engine) {
  const auto service = roost::embedding_service_context(engine, kOptions);
  const auto embeddings = service->embed_texts(kTexts);
  std::printf("%zu embeddings of %zu\n", embeddings.size(), service->get_dimension());
}  // given back here

void asynchronous(roost::Engine& engine) {
  auto service = roost::embedding_service_context_async(engine, kOptions).get();
  service->embed_texts_async(kTexts).get();
  service.close_async().get();
}

// What a scope does not do: suppress an exception.
void exceptions_pass(roost::Engine& engine) {
  try {
    roost::with_embedding_service(engine, kOptions, [](roost::BaseEmbeddingService& service) {
      service.embed_texts(kTexts);
      throw std::runtime_error("something of our own went wrong");
    });
  } catch (const std::runtime_error& error) {
    std::printf("caught: %s\n", error.what());
  }
}

// A service is a scope of its own: its destructor closes it.
void service_as_scope(roost::Engine& engine) {
  roost::DenseEmbeddingService service(engine);
  service.initialize("builtin:lexical");
  service.embed_single("hello world", roost::EmbeddingMode::Document);
}

}  // namespace

int main() {
  roost::Engine engine;
  simple_usage(engine);
  asynchronous(engine);
  exceptions_pass(engine);
  service_as_scope(engine);
  const std::size_t loaded = engine.status().loaded;
  std::printf("%zu models still loaded\n", loaded);
  return loaded == 0 ? 0 : 1;
}

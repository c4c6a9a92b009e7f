// Carries over the EmbeddingService of document 0, section 6.1: a long-running application keeps
// its model for as long as it lives.
#include <cstdio>
#include <future>
#include <string>
#include <utility>

#include "roost/local_models.h"

namespace {

class EmbeddingService {
 public:
  // The document loads "auto"; the built-in model needs no network.
  static std::future<EmbeddingService> create_async() {
    return std::async(std::launch::async, [] {
      auto model = roost::LocalEmbedder::load("builtin:lexical");
      model.warmup();
      return EmbeddingService(std::move(model));
    });
  }

  std::future<roost::Vector> embed_async(std::string text) const {
    return model_.embed_async(std::move(text));
  }
  std::future<void> close_async() { return model_.close_async(); }

 private:
  explicit EmbeddingService(roost::EmbeddingModel model) : model_(std::move(model)) {}

  roost::EmbeddingModel model_;
};

}  // namespace

int main() {
  EmbeddingService service = EmbeddingService::create_async().get();
  const roost::Vector vector = service.embed_async("Hello world").get();
  std::printf("%zu dimensions\n", vector.size());
  service.close_async().get();
}

// Carries over the snippets of document 3, sections 4 and 5: a service for the life of an
// application, and one for the length of a request. A request holds a lease on what the
// application keeps loaded; it loads nothing itself.
#include <cstdio>
#include <string>
#include <vector>

#include "roost/embedding_service.h"

namespace {

const roost::EmbeddingServiceOptions kOptions{.model_name = "builtin:lexical"};

class Application {
 public:
  Application() : service_(roost::embedding_service_context(engine_, kOptions)) {}

  // POST /embed
  std::vector<roost::Vector> create_embedding(const std::vector<std::string>& texts) {
    const auto service = roost::embedding_service_context(engine_, kOptions);
    return service->embed_texts(texts);
  }
  roost::EngineStatus status() const { return engine_.status(); }

 private:
  roost::Engine engine_;
  roost::EmbeddingServiceContext service_;  // shut-down happens by itself, in reverse order
};

}  // namespace

int main() {
  Application application;
  const std::uint64_t before = application.status().loads;
  for (int request = 0; request < 3; ++request) application.create_embedding({"hello world"});
  const std::uint64_t loads = application.status().loads - before;
  std::printf("3 requests, %llu loads\n", static_cast<unsigned long long>(loads));
  return loads == 0 ? 0 : 1;
}

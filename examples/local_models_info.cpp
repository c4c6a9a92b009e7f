// Carries over the snippets of document 0, section 5: querying model state (5.1) and run-time
// diagnostics (5.2), which every model has here.
#include <cstdio>
#include <string>

#include "roost/local_models.h"

int main() {
  const auto model = roost::LocalEmbedder::load("builtin:lexical");

  const roost::LocalModelInfo info = model.get_model_info();
  std::printf("Model: %s\n", info.model_id.c_str());
  std::printf("Path: %s\n", info.model_path.empty() ? "(none)" : info.model_path.c_str());
  std::printf("Dimensions: %zu\n", info.dimensions);
  std::printf("Memory: %s\n", roost::format_bytes(info.estimated_memory_bytes).c_str());

  std::string providers;
  for (const roost::ExecutionProvider provider : model.active_providers()) {
    providers += std::string(providers.empty() ? "" : ", ") + std::string(to_string(provider));
  }
  std::printf("GPU active: %s\n", model.is_gpu_active() ? "yes" : "no");
  std::printf("Providers: %s\n", providers.c_str());
}

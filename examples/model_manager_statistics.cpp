// Model management, "Statistics and Monitoring": the numbers of a manager and its whole state.
#include <cstdio>
#include <memory>
#include <string>

#include "example_caption_model.h"
#include "roost/model_manager.h"

using namespace roost::model_management;

int main() {
  ModelManager model_manager;
  model_manager.register_model(caption_model_info(), std::make_shared<MyCaptionModel>());

  ModelInfo lexical;  // a model that comes with the library
  lexical.model_id = "lexical";
  lexical.model_type = ModelType::EmbeddingModel;
  lexical.repo_id = "builtin:lexical";
  lexical.description = "Embeds by shared words and word parts";
  lexical.total_size_estimate = 32 << 20;
  lexical.file_count_estimate = 1;
  model_manager.register_model(lexical);
  model_manager.load_model("lexical");

  const ModelManagerStatistics stats = model_manager.get_statistics();
  std::printf("Total models: %zu\nLoaded models: %zu\nActive downloads: %zu\n", stats.total_models,
              stats.loaded_models, stats.active_downloads);

  const ModelManagerState state = model_manager.get_state();
  for (const auto& [id, info] : state.models) {
    std::printf("%s: %s, %llu bytes\n", id.c_str(), std::string(to_string(info.status)).c_str(),
                static_cast<unsigned long long>(info.memory_usage));
  }
  return stats.total_models == 2 && stats.loaded_models == 1 ? 0 : 1;
}

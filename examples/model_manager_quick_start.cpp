// Model management, "Quick Start": create a manager, register a model, download it with progress,
// load it with a configuration, look at its health, unload it. The model is the program's own, so
// the example runs without a network.
#include <cstdio>
#include <memory>

#include "example_caption_model.h"
#include "roost/model_manager.h"

using namespace roost::model_management;

int main() {
  ModelManagerConfig config;
  config.max_concurrent_downloads = 3;
  config.max_concurrent_loads = 2;
  config.download_timeout = std::chrono::milliseconds(300'000);
  config.load_timeout = std::chrono::milliseconds(120'000);
  ModelManager model_manager(config);

  // A model of a hub is registered by its info alone.
  model_manager.register_model(caption_model_info(), std::make_shared<MyCaptionModel>());

  model_manager.download_model("my-caption-model", [](const ModelDownloadProgress& progress) {
    std::printf("Download progress: %.0f%%\n", progress.progress);
  });

  const ModelInstance instance = model_manager.load_model(
      "my-caption-model", roost::Value::Object{{"threshold", 0.2}, {"forceCpu", false}});
  std::printf("Model loaded: %s with %s\n", instance.model_id.c_str(),
              instance.config.to_json().c_str());

  model_manager.use("my-caption-model", [](roost::BaseModel& model) {
    std::printf("Caption: %s\n", dynamic_cast<MyCaptionModel&>(model).caption().c_str());
  });

  const ModelHealth health = model_manager.perform_health_check("my-caption-model");
  std::printf("Model health: %s\n", std::string(to_string(health)).c_str());

  model_manager.unload_model("my-caption-model");
  return health == ModelHealth::Healthy ? 0 : 1;
}

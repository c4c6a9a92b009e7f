// Model management, "Model Configuration": a patch is merged into a model's configuration and
// seen in its instance, without a reload.
#include <cstdio>
#include <memory>

#include "example_caption_model.h"
#include "roost/model_manager.h"

using namespace roost::model_management;

int main() {
  ModelManager model_manager;
  model_manager.register_model(caption_model_info(), std::make_shared<MyCaptionModel>());
  model_manager.load_model("my-caption-model");

  model_manager.update_model_config("my-caption-model",
                                    roost::Value::Object{{"threshold", 0.3}, {"batchSize", 8}});
  const auto instance = model_manager.get_model_instance("my-caption-model");
  std::printf("Model config: %s\n", instance->config.to_json().c_str());

  try {
    model_manager.update_model_config("my-caption-model", roost::Value::Object{{"threshold", 30}});
  } catch (const roost::RoostError& error) {
    std::printf("refused: %s\n", error.what());
  }
  return *instance->config.find("batch_size") == roost::Value(8) ? 0 : 1;
}

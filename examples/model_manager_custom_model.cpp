// Model management, "Custom Model Implementation": MyCaptionModel (example_caption_model.h)
// derives from BaseModel and writes its five functions. Here a class is registered for a type, so
// that the manager makes the model itself when one of that type is registered.
#include <cstdio>
#include <memory>
#include <string>

#include "example_caption_model.h"
#include "roost/model_manager.h"

using namespace roost::model_management;

int main() {
  ModelManager model_manager;
  model_manager.register_model_class(ModelType::CaptionGenerator, [](const ModelInfo& info) {
    return std::make_shared<MyCaptionModel>(info.model_id);
  });
  model_manager.register_model(caption_model_info());

  const auto model = model_manager.get_base_model("my-caption-model");
  std::printf("%s is %s\n", model->model_id().c_str(),
              std::string(to_string(model->status())).c_str());
  model_manager.load_model("my-caption-model");  // downloads it first
  std::printf("now it is %s\n", std::string(to_string(model->status())).c_str());

  // What its load() allocates is counted against the one memory budget.
  const ModelInfo info = *model_manager.get_model_info("my-caption-model");
  std::printf("it takes %llu bytes on %s\n", static_cast<unsigned long long>(info.memory_usage),
              info.loaded_on_devices.front().c_str());
  return info.memory_usage == 1 << 20 ? 0 : 1;
}

// Model management, "Event Handling": one listener that hears of downloads, loads, unloads,
// health and configuration.
#include <cstdio>
#include <memory>
#include <string>

#include "example_caption_model.h"
#include "roost/model_manager.h"

using namespace roost::model_management;

int main() {
  ModelManager model_manager;
  model_manager.register_model(caption_model_info(), std::make_shared<MyCaptionModel>());

  int events = 0;
  const ListenerId listener = model_manager.add_event_listener([&](const ModelEvent& event) {
    ++events;
    std::printf("Model event: %s %s %s\n", std::string(to_string(event.type)).c_str(),
                event.model_id.c_str(), event.data.to_json().c_str());
  });

  model_manager.load_model("my-caption-model");
  model_manager.unload_model("my-caption-model");
  model_manager.engine().wait_for_listeners();  // events come from a thread of their own
  model_manager.remove_event_listener(listener);
  return events >= 3 ? 0 : 1;
}

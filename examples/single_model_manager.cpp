// The model manager specification: a slot for one model with a state machine, cancellation, and
// memory that is given back. State and sample size are read as properties.
#include <cstdio>
#include <string>

#include "roost/single_model_manager.h"

using namespace roost;

int main() {
  Engine engine;
  for (const char* id : {"first", "second"}) {
    engine.register_model(id, "builtin:lexical");
    engine.patch_options(
        id, Value::Object{{"backend", Value::Object{{"rows", 1024}}},
                          {"config", Value::Object{{"sample_size", 64}}}});
  }

  SingleModelManager model_manager(engine, LoadPolicy::Replace);
  const Subscription states = model_manager.on_state_change([](const HistoryEntry& change) {
    std::printf("%s -> %s (%s)\n", std::string(to_string(change.from)).c_str(),
                std::string(to_string(change.to)).c_str(),
                std::string(to_string(change.why)).c_str());
  });
  const Subscription steps = model_manager.on_load_event([](const LoaderEvent& event) {
    std::printf("%s %s\n", std::string(to_string(event.kind)).c_str(),
                event.to_value().to_json().c_str());
  });

  // A new model is asked for while the first may still be loading: the first gives way.
  auto first = model_manager.load_model_async("first");
  model_manager.load_model("second");
  try {
    first.get();
  } catch (const CancelledException& cancelled) {
    std::printf("%s\n", cancelled.what());
  }

  const bool loaded = model_manager.current_state == ModelState::Loaded;
  const int sample_size = model_manager.sample_size;
  std::printf("%s is loaded, sample size %d\n", model_manager.id().c_str(), sample_size);

  const CleanupMetrics freed = model_manager.unload_model();
  std::printf("freed %s in %.1f ms\n", to_string(freed.freed).c_str(), freed.time_ms);
  return loaded && model_manager.current_state == ModelState::Idle ? 0 : 1;
}

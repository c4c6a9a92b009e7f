#include "cli/commands.h"
#include "cli/output.h"
#include "roost/engine.h"

namespace roost::cli {
namespace {

Value as_value(const ModelInfo& about, const ModelStatus& status) {
  Value out;
  out["id"] = about.model_id;
  out["path"] = about.path;
  out["backend"] = about.backend;
  out["family"] = about.family;
  out["description"] = about.description;
  Value::Array tasks;
  for (const Task task : about.tasks) tasks.emplace_back(to_string(task));
  out["tasks"] = std::move(tasks);
  out["dimensions"] = about.dimensions;
  out["max_tokens"] = about.max_tokens;
  out["device"] = about.device_id;
  Value::Array providers;
  for (const ExecutionProvider provider : about.active_providers) {
    providers.emplace_back(to_string(provider));
  }
  out["active_providers"] = std::move(providers);
  out["is_gpu_active"] = about.is_gpu_active;
  out["footprint"] = to_value(status.footprint);
  out["load_ms"] = status.latency.load_ms;
  out["warm_up_ms"] = status.latency.warm_up_ms;
  return out;
}

std::string joined_tasks(const ModelInfo& about) {
  std::string text;
  for (const Task task : about.tasks) text += (text.empty() ? "" : ", ") + std::string(to_string(task));
  return text;
}

}  // namespace

void info(const Common& common, const std::string& model) {
  Engine engine(common.engine);
  const ModelHandle handle = engine.model(model, {.warm_up = true});
  const ModelInfo about = handle.info();
  const ModelStatus status = engine.status(model);
  if (common.json) {
    print_json(as_value(about, status));
    return;
  }
  std::vector<std::vector<std::string>> rows = {
      {"model", about.model_id},
      {"what", about.description},
      {"family", about.family},
      {"tasks", joined_tasks(about)},
      {"dimensions", std::to_string(about.dimensions)},
      {"longest input", about.max_tokens == 0 ? "no limit of its own"
                                              : std::to_string(about.max_tokens) + " tokens"},
      {"backend", about.backend},
      {"device", about.device_id},
      {"memory", to_string(status.footprint) + " (measured)"},
      {"load", fixed(status.latency.load_ms, 1) + " ms"},
      {"warm-up", fixed(status.latency.warm_up_ms, 2) + " ms"}};
  if (!about.path.empty()) rows.insert(rows.begin() + 1, {"path", about.path});
  print_line(table(rows));
}

}  // namespace roost::cli

#include "cli/commands.h"
#include "cli/output.h"

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
  out["extra"] = about.extra;
  out["load_ms"] = status.latency.load_ms;
  out["warm_up_ms"] = status.latency.warm_up_ms;
  return out;
}

std::string joined_tasks(const ModelInfo& about) {
  std::string text;
  for (const Task task : about.tasks) text += (text.empty() ? "" : ", ") + std::string(to_string(task));
  return text;
}

void print(const ModelInfo& about, const ModelStatus& status) {
  std::vector<std::vector<std::string>> rows = {
      {"model", about.model_id},
      {"what", about.description},
      {"family", about.family},
      {"tasks", joined_tasks(about)},
      {"dimensions", std::to_string(about.dimensions)},
      {"longest input", about.max_tokens == 0 ? "no token limit"
                                              : std::to_string(about.max_tokens) + " tokens"},
      {"backend", about.backend},
      {"device", about.device_id},
      {"memory", to_string(status.footprint) + ", measured"},
      {"load", fixed(status.latency.load_ms, 1) + " ms"},
      {"warm-up", fixed(status.latency.warm_up_ms, 2) + " ms"}};
  if (!about.path.empty()) rows.insert(rows.begin() + 1, {"path", about.path});
  if (about.extra.is_object()) {
    for (const auto& [key, value] : about.extra.as_object()) rows.push_back({key, value.to_json()});
  }
  print_line(table(rows));
}

}  // namespace

int info(const Common& common, const ModelArguments& arguments) {
  const auto engine = open_engine(common);
  LoadOptions load = arguments.load_options();
  load.warm_up = true;
  const ModelHandle handle = engine->model(arguments.model, load);
  const ModelInfo about = handle.info();
  const ModelStatus status = engine->status(arguments.model);
  if (common.json) {
    print_json(as_value(about, status));
  } else {
    print(about, status);
  }
  return 0;
}

}  // namespace roost::cli

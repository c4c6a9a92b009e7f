#include "roost/model_registry.h"

#include <algorithm>
#include <utility>

#include "faces/management/manager_core.h"
#include "faces/management/registration.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::model_management {
namespace {

// What is found out when asked has no place in an export.
constexpr std::string_view kLiveFields[] = {"status",       "health",      "loaded_on_devices",
                                            "memory_usage", "performance", "last_updated"};

Value declared(const ModelInfo& info) {
  Value patch;
  for (const std::string_view field : kLiveFields) patch[field] = Value();
  Value value = info.to_value();
  value.merge_patch(patch);
  return value;
}

template <class Keep>
std::vector<ModelInfo> select(const std::vector<ModelInfo>& from, const Keep& keep) {
  std::vector<ModelInfo> chosen;
  std::copy_if(from.begin(), from.end(), std::back_inserter(chosen), keep);
  return chosen;
}

}  // namespace

void ModelRegistry::register_model_class(ModelType type, ModelFactory factory) {
  const faces::Gate::Pass pass(*core_->gate, {}, "registering a model class");
  if (type == ModelType::Unknown) {
    throw RoostError(ErrorCode::InvalidArgument, "registering a model class: its type is unknown");
  }
  if (!factory) {
    throw RoostError(ErrorCode::InvalidArgument, "registering the model class of '" +
                                                     std::string(to_string(type)) +
                                                     "': the factory is empty");
  }
  const std::lock_guard lock(core_->mutex);
  core_->factories[type] = std::move(factory);
}

void ModelRegistry::register_model(const ModelInfo& info) {
  const faces::Gate::Pass pass(*core_->gate, {}, "registering a model");
  core_->register_model(info, nullptr);
}

void ModelRegistry::register_model(const ModelInfo& info, std::shared_ptr<BaseModel> model) {
  const faces::Gate::Pass pass(*core_->gate, {}, "registering a model");
  if (!model) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "registering '" + printable(info.model_id) + "': the model given is null");
  }
  core_->register_model(info, std::move(model));
}

void ModelRegistry::unregister_model(const std::string& model_id) {
  const faces::Gate::Pass pass(*core_->gate, {}, "unregistering a model");
  core_->unregister_model(model_id);
}

bool ModelRegistry::is_model_registered(const std::string& model_id) const {
  return core_->find(model_id).has_value();
}

std::optional<ModelInfo> ModelRegistry::get_model_info(const std::string& model_id) const {
  const auto registration = core_->find(model_id);
  if (!registration) return std::nullopt;
  return core_->info_of(*registration);
}

std::vector<ModelInfo> ModelRegistry::get_all_models() const {
  std::vector<ModelInfo> all;
  for (const roost::ModelStatus& status : core_->models()) {
    if (const auto registration = core_->engine.registration(status.id)) {
      all.push_back(core_->info_of(*registration));
    }
  }
  std::sort(all.begin(), all.end(),
            [](const ModelInfo& a, const ModelInfo& b) { return a.model_id < b.model_id; });
  return all;
}

std::vector<ModelInfo> ModelRegistry::get_models_by_type(ModelType type) const {
  return select(get_all_models(), [&](const ModelInfo& info) { return info.model_type == type; });
}

std::vector<ModelInfo> ModelRegistry::get_models_by_tag(std::string_view tag) const {
  check_text("tag", tag, kMaxIdBytes);
  return select(get_all_models(), [&](const ModelInfo& info) {
    return std::find(info.tags.begin(), info.tags.end(), tag) != info.tags.end();
  });
}

std::vector<ModelInfo> ModelRegistry::get_models_by_size(std::uint64_t min_bytes,
                                                         std::uint64_t max_bytes) const {
  if (min_bytes > max_bytes) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "models by size: the least, " + std::to_string(min_bytes) +
                         " bytes, is above the most, " + std::to_string(max_bytes));
  }
  return select(get_all_models(), [&](const ModelInfo& info) {
    return info.total_size_estimate >= min_bytes && info.total_size_estimate <= max_bytes;
  });
}

std::vector<ModelInfo> ModelRegistry::search_models(std::string_view text) const {
  check_text("search text", text, kMaxIdBytes);
  const std::string wanted = lower_ascii(text);
  const auto has = [&](const std::string& field) {
    return lower_ascii(field).find(wanted) != std::string::npos;
  };
  return select(get_all_models(), [&](const ModelInfo& info) {
    return has(info.model_id) || has(info.repo_id) || has(info.description) ||
           std::any_of(info.tags.begin(), info.tags.end(), has);
  });
}

std::size_t ModelRegistry::model_count() const {
  return core_->models().size();
}

std::map<ModelType, std::size_t> ModelRegistry::model_counts_by_type() const {
  std::map<ModelType, std::size_t> counts;
  for (const roost::ModelStatus& status : core_->models()) {
    ++counts[parse_model_type(status.type).value_or(ModelType::Unknown)];
  }
  return counts;
}

std::vector<FieldError> ModelRegistry::validate_model_info(const ModelInfo& info) const {
  return faces::model_info_errors(info);
}

void ModelRegistry::register_models(const std::vector<ModelInfo>& infos) {
  const faces::Gate::Pass pass(*core_->gate, {}, "registering models");
  for (const ModelInfo& info : infos) faces::check_model_info(info);
  for (const ModelInfo& info : infos) core_->register_model(info, nullptr);
}

void ModelRegistry::unregister_models(const std::vector<std::string>& model_ids) {
  const faces::Gate::Pass pass(*core_->gate, {}, "unregistering models");
  for (const std::string& id : model_ids) core_->known(id);
  for (const std::string& id : model_ids) core_->unregister_model(id);
}

Value ModelRegistry::export_registry() const {
  Value::Array exported;
  for (const ModelInfo& info : get_all_models()) exported.push_back(declared(info));
  return exported;
}

std::size_t ModelRegistry::import_registry(const Value& exported, bool overwrite) {
  const faces::Gate::Pass pass(*core_->gate, {}, "importing a registry");
  std::vector<ModelInfo> infos;
  for (const Value& item : exported.as_array()) {
    infos.push_back(ModelInfo::from_value(item));
    faces::check_model_info(infos.back());
  }
  std::size_t taken = 0;
  for (const ModelInfo& info : infos) {
    if (!overwrite && core_->find(info.model_id)) continue;
    core_->register_model(info, nullptr);
    ++taken;
  }
  return taken;
}

void ModelRegistry::clear() {
  const faces::Gate::Pass pass(*core_->gate, {}, "clearing the registry");
  for (const roost::ModelStatus& status : core_->models()) {
    core_->unregister_model(status.id);
  }
}

}  // namespace roost::model_management

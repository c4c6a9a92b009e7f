#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "roost/base_model.h"
#include "roost/model_management.h"

namespace roost::faces {
struct ManagerCore;
}

namespace roost::model_management {

// Makes the model of one registration. Runs in register_model(); the model's id must be the
// registration's.
using ModelFactory = std::function<std::shared_ptr<BaseModel>(const ModelInfo&)>;

// Which models a manager knows. It reads and writes the engine's catalog and keeps nothing, so
// models registered by other doors are here too. Everything returned is a copy. Thread-safe.
class ModelRegistry {
 public:
  explicit ModelRegistry(faces::ManagerCore& core) : core_(&core) {}

  // Models of this type that are registered from now on are made by `factory`.
  void register_model_class(ModelType type, ModelFactory factory);

  // Throws InvalidArgument naming every bad field. The same info again changes nothing; another
  // one replaces the old with a warning in the log, InUse while the model is in use.
  // Required are model_id, model_type, repo_id, description and both estimates. Beside an object
  // only model_id is, and total_size_estimate where the object has no memory_estimate(): its type
  // is the object's, its repo_id "own:ID".
  void register_model(const ModelInfo& info);
  void register_model(const ModelInfo& info, std::shared_ptr<BaseModel> model);

  // Unloads it first; InUse while it is in use. Its files stay where they are.
  void unregister_model(const std::string& model_id);

  bool is_model_registered(const std::string& model_id) const;
  std::optional<ModelInfo> get_model_info(const std::string& model_id) const;
  std::vector<ModelInfo> get_all_models() const;  // by id
  std::vector<ModelInfo> get_models_by_type(ModelType type) const;
  std::vector<ModelInfo> get_models_by_tag(std::string_view tag) const;
  std::vector<ModelInfo> get_models_by_size(std::uint64_t min_bytes, std::uint64_t max_bytes) const;

  // In id, repository, description and tags, in any case.
  std::vector<ModelInfo> search_models(std::string_view text) const;

  std::size_t model_count() const;
  std::map<ModelType, std::size_t> model_counts_by_type() const;

  // Every field that register_model() would refuse, and why.
  std::vector<FieldError> validate_model_info(const ModelInfo& info) const;

  // All or none: every info is checked before the first is registered.
  void register_models(const std::vector<ModelInfo>& infos);
  void unregister_models(const std::vector<std::string>& model_ids);

  // An array of infos as they were registered. import gives how many it took; those whose id is
  // known already are left alone unless `overwrite`.
  Value export_registry() const;
  std::size_t import_registry(const Value& exported, bool overwrite = false);

  void clear();  // unregisters all; InUse when one is in use

 private:
  faces::ManagerCore* core_;
};

}  // namespace roost::model_management

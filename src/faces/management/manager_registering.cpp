// How models become known to a manager, and how their configuration changes.
#include <algorithm>
#include <utility>

#include "faces/management/base_model_adapter.h"
#include "faces/management/manager_config.h"
#include "faces/management/manager_core.h"
#include "faces/management/registration.h"
#include "faces/management/user_code.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::faces {
namespace {

bool is_same(const ModelRegistration& a, const ModelRegistration& b) {
  return a.id == b.id && a.source == b.source && a.type == b.type &&
         a.description == b.description && a.version == b.version && a.tags == b.tags &&
         a.size_estimate == b.size_estimate && a.file_count_estimate == b.file_count_estimate &&
         a.metadata == b.metadata && adapted_model(a.backend) == adapted_model(b.backend);
}

void check_own_model(const mm::ModelInfo& info, const BaseModel& model) {
  if (model.model_id() != info.model_id) {
    throw RoostError(ErrorCode::InvalidArgument, "registering '" + info.model_id +
                                                     "': the model given for it is '" +
                                                     model.model_id() + "'");
  }
  if (model.model_type() != info.model_type) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "registering '" + info.model_id + "': the model given for it is a " +
                         std::string(to_string(model.model_type())) + ", the info says " +
                         std::string(to_string(info.model_type)));
  }
}

// What an info leaves out, its object says.
mm::ModelInfo filled_in(mm::ModelInfo info, const BaseModel& model) {
  if (info.model_type == ModelType::Unknown) info.model_type = model.model_type();
  if (info.repo_id.empty()) info.repo_id = "own:" + info.model_id;
  if (info.description.empty()) info.description = "A model of the program's own";
  if (info.file_count_estimate == 0) info.file_count_estimate = 1;
  if (info.total_size_estimate == 0) {
    call_user({model.model_id(), "memory_estimate()", ErrorCode::InvalidArgument}, {},
              [&] { info.total_size_estimate = model.memory_estimate(); });
  }
  return info;
}

void check_config(BaseModel& model, const Value& config) {
  call_user({model.model_id(), "validate_config()", ErrorCode::InvalidArgument}, {},
            [&] { model.validate_config(config); });
}

// What a configuration means to the engine: force_cpu chooses the provider, priority the order.
Value options_patch(const Value& config_patch) {
  Value patch;
  patch["config"] = config_patch;
  if (const Value* force = config_patch.find("force_cpu")) {
    const bool cpu = force->is_bool() && force->as_bool();
    patch["provider"] = to_string(cpu ? ExecutionProvider::Cpu : ExecutionProvider::Auto);
  }
  if (const Value* priority = config_patch.find("priority")) {
    patch["priority"] = priority->is_null() ? Value("normal") : *priority;
  }
  return patch;
}

void take_config(ModelOptions& options, const Value& config) {
  options.config = config;
  const Value* force = config.find("force_cpu");
  if (force && force->as_bool()) options.provider = ExecutionProvider::Cpu;
  if (const Value* priority = config.find("priority")) {
    options.priority = parse_load_priority(priority->as_string()).value_or(LoadPriority::Normal);
  }
}

}  // namespace

std::shared_ptr<BaseModel> ManagerCore::make_model(const mm::ModelInfo& info) const {
  mm::ModelFactory factory;
  {
    const std::lock_guard lock(mutex);
    const auto found = factories.find(info.model_type);
    if (found == factories.end()) return nullptr;
    factory = found->second;
  }
  std::shared_ptr<BaseModel> model;
  call_user({info.model_id, "the factory", ErrorCode::InvalidArgument}, {},
            [&] { model = factory(info); });
  if (!model) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "registering '" + info.model_id + "': the factory of its type gave no model");
  }
  return model;
}

ModelRegistration ManagerCore::complete(const mm::ModelInfo& info,
                                        const std::shared_ptr<BaseModel>& model) {
  ModelRegistration registration = to_registration(info);
  const auto delay = unload_delay(config, info.model_id);
  if (delay.count() > 0) registration.options.ttl = delay;
  if (!model) return registration;
  check_own_model(info, *model);
  const Value initial = model->config();
  check_config(*model, initial);
  take_config(registration.options, initial);
  BaseModelAdapter adapter = adapt(model, info.total_size_estimate);
  registration.backend = std::move(adapter.backend);
  registration.files = std::move(adapter.files);
  return registration;
}

void ManagerCore::attach(const std::shared_ptr<BaseModel>& model) {
  std::string directory;
  if (!config.download_directory.empty()) {
    directory = config.download_directory + "/" + model->model_id();
  }
  // The gate outlives the manager: once it is closed the door refuses, and nothing is touched.
  const auto read = [this, gate = gate, id = model->model_id()] {
    const Gate::Pass pass(*gate, {}, "reading the config of '" + id + "'");
    return engine.model_options(id).config;
  };
  const auto patch = [this, gate = gate, id = model->model_id()](const Value& changes) {
    const Gate::Pass pass(*gate, {}, "configuring '" + id + "'");
    update_config(id, changes);
  };
  BaseModelDriver(*model).attach(this, std::move(directory), {read, patch});
}

void ManagerCore::register_model(const mm::ModelInfo& given, std::shared_ptr<BaseModel> model) {
  const mm::ModelInfo info = model ? filled_in(given, *model) : given;
  check_model_info(info);
  const auto old = engine.registration(info.model_id);
  const auto before = old ? adapted_model(old->backend) : nullptr;
  if (!model && before && before->model_type() == info.model_type) model = before;
  if (!model) model = make_model(info);
  const ModelRegistration registration = complete(info, model);
  if (old && is_same(*old, registration)) return;

  if (model && model != before) attach(model);
  try {
    if (old) {
      replace(*old, registration);
    } else {
      engine.register_model(registration);
    }
  } catch (const RoostError&) {
    if (model && model != before) BaseModelDriver(*model).detach(this);
    throw;
  }
  if (before && before != model) BaseModelDriver(*before).detach(this);
  preload(info.model_id);
}

void ManagerCore::replace(const ModelRegistration& old, const ModelRegistration& registration) {
  engine.unregister_model(old.id);
  try {
    engine.register_model(registration);
  } catch (const RoostError&) {
    engine.register_model(old);
    throw;
  }
  warn("registering '" + old.id + "': another registration (from '" + printable(old.source) +
       "') was replaced");
}

void ManagerCore::unregister_model(const std::string& model_id) {
  const auto model = adapted_model(known(model_id).backend);
  engine.unregister_model(model_id);
  if (model) BaseModelDriver(*model).detach(this);
}

void ManagerCore::preload(const std::string& model_id) {
  if (!config.preload_enabled) return;
  const auto& wanted = config.preload_models;
  if (std::find(wanted.begin(), wanted.end(), model_id) == wanted.end()) return;
  try {
    engine.pin(model_id);
    engine.start_ready(model_id, load_options(known(model_id)));
  } catch (const RoostError& error) {  // who registers a model did not ask for its load
    warn("preloading '" + model_id + "': " + error.what());
  }
}

void ManagerCore::update_config(const std::string& model_id, const Value& given) {
  const ModelRegistration registration = known(model_id);
  const Value patch = mm::normalized_config(given);
  Value next = registration.options.config;
  next.merge_patch(patch);
  const auto model = adapted_model(registration.backend);
  if (model) check_config(*model, next);

  const Value* force = next.find("force_cpu");
  const roost::ModelStatus status = engine.status(model_id);
  const bool moves = force && force->as_bool() && status.state == ModelState::Loaded &&
                     status.device != engine.machine().host().info().id;
  if (moves) {
    UnloadOptions at_once;
    at_once.wait_for_leases = false;
    engine.unload(model_id, at_once);
  }
  engine.patch_options(model_id, options_patch(patch));
  if (model) BaseModelDriver(*model).sync_config();
  if (moves) engine.ready(model_id, load_options(known(model_id)));
}

}  // namespace roost::faces

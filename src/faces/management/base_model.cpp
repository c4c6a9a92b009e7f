#include "roost/base_model.h"

#include <utility>

#include "faces/management/base_model_driver.h"
#include "faces/management/base_model_state.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::model_management {
namespace {

std::unique_ptr<faces::BaseModelState> checked_state(std::string id, ModelType type,
                                                     const Value& config) {
  check_model_id(id);
  Value whole = Value::Object{};
  whole.merge_patch(normalized_config(config));  // without what is null
  return std::make_unique<faces::BaseModelState>(std::move(id), type, std::move(whole));
}

}  // namespace

BaseModel::BaseModel(std::string model_id, ModelType model_type, const Value& config)
    : state_(checked_state(std::move(model_id), model_type, config)) {}
BaseModel::~BaseModel() = default;

void BaseModel::validate_config(const Value&) const {}

const std::string& BaseModel::model_id() const noexcept {
  return state_->model_id;
}
ModelType BaseModel::model_type() const noexcept {
  return state_->model_type;
}
ModelStatus BaseModel::status() const noexcept {
  return state_->status;
}
ModelHealth BaseModel::health() const noexcept {
  return state_->health;
}
Value BaseModel::config() const {
  return *state_->config.get();
}
std::optional<WallTime> BaseModel::loaded_at() const noexcept {
  return state_->loaded_at.get();
}
std::optional<WallTime> BaseModel::last_used() const noexcept {
  return state_->last_used.get();
}
std::string BaseModel::error() const {
  return *state_->error.get();
}
void BaseModel::mark_used() noexcept {
  state_->last_used.set_now();
}
bool BaseModel::is_initialized() const noexcept {
  return status() == ModelStatus::Loaded;
}

ModelInstance BaseModel::instance() const {
  ModelInstance instance;
  instance.model_id = model_id();
  instance.model_type = model_type();
  instance.status = status();
  instance.health = health();
  instance.config = config();
  instance.loaded_at = loaded_at();
  instance.last_used = last_used();
  instance.error = error();
  return instance;
}

Value BaseModel::get_config_value(std::string_view key) const {
  const auto config = state_->config.get();
  const Value* value = config->find(key);
  return value ? *value : Value();
}

void BaseModel::set_config_value(std::string_view key, Value value) {
  check_text("the key of a configuration value", key, kMaxIdBytes);
  Value patch;
  patch[key] = std::move(value);
  faces::BaseModelDriver driver(*this);
  if (const auto manager = driver.door().patch) return manager(patch);
  Value next = config();
  next.merge_patch(normalized_config(patch));
  validate_config(next);
  driver.take_config([&] { return next; });
}

void BaseModel::initialize(std::stop_token stop) {
  faces::BaseModelDriver driver(*this);
  if (driver.is_attached()) {
    throw RoostError(
        ErrorCode::InvalidTransition,
        "initializing '" + model_id() + "': a manager drives it; call its load_model()");
  }
  if (is_initialized()) return;
  if (!driver.available()) {
    throw ModelLoadException(model_id(), "is_available() says that its files are not there");
  }
  driver.load(nullptr, nullptr, stop);
  driver.probe(stop);
}

void BaseModel::destroy() {
  faces::BaseModelDriver driver(*this);
  if (driver.is_attached()) {
    throw RoostError(
        ErrorCode::InvalidTransition,
        "destroying '" + model_id() + "': a manager drives it; call its unload_model()");
  }
  if (is_initialized()) driver.unload();
}

Region BaseModel::allocate(std::uint64_t bytes) {
  std::shared_ptr<MemoryAccount> memory;
  std::shared_ptr<Device> device;
  {
    const std::lock_guard lock(state_->mutex);
    memory = state_->memory;
    device = state_->device;
  }
  if (!memory) {
    throw RoostError(ErrorCode::NotLoaded, "allocating " + format_bytes(bytes) + " for '" +
                                               model_id() + "': no manager is loading it");
  }
  return memory->allocate(device, bytes);
}

void BaseModel::declare_footprint(std::uint64_t bytes) {
  if (bytes > INT64_MAX) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "footprint of '" + model_id() + "': " + std::to_string(bytes) + " bytes");
  }
  const std::lock_guard lock(state_->mutex);
  if (!state_->memory) {
    throw RoostError(ErrorCode::NotLoaded,
                     "footprint of '" + model_id() + "': no manager has loaded it");
  }
  const auto now = static_cast<std::int64_t>(bytes);
  state_->memory->add_host_bytes(now - state_->declared_bytes);
  state_->declared_bytes = now;
}

Device& BaseModel::device() const {
  const std::lock_guard lock(state_->mutex);
  if (!state_->device) {
    throw RoostError(ErrorCode::NotLoaded, "device of '" + model_id() + "': it is not loaded");
  }
  return *state_->device;
}

std::string BaseModel::download_directory() const {
  const std::lock_guard lock(state_->mutex);
  return state_->directory;
}

}  // namespace roost::model_management

#include "faces/management/base_model_driver.h"

#include <exception>
#include <new>

#include "faces/management/user_code.h"
#include "roost/error.h"

namespace roost::faces {

using mm::ModelHealth;
using mm::ModelStatus;

BaseModelDriver::BaseModelDriver(BaseModel& model) : model_(model), state_(*model.state_) {}

void BaseModelDriver::attach(const void* manager, std::string directory, ConfigDoor door) {
  {
    const std::lock_guard lock(state_.mutex);
    if (state_.manager) {
      throw RoostError(
          ErrorCode::InvalidTransition,
          "registering '" + id() + "': this object is registered with a manager already");
    }
    if (state_.taken) {
      throw RoostError(
          ErrorCode::InvalidTransition,
          "registering '" + id() + "': it was initialized by hand; destroy() it first");
    }
    state_.manager = manager;
    state_.directory = std::move(directory);
    state_.door = std::move(door);
  }
  state_.status = at_rest();
}

void BaseModelDriver::detach(const void* manager) {
  const std::lock_guard lock(state_.mutex);
  if (state_.manager != manager) return;
  state_.manager = nullptr;
  state_.door = {};
  state_.directory.clear();
}

bool BaseModelDriver::is_attached() const {
  return door().patch != nullptr;
}

ConfigDoor BaseModelDriver::door() const {
  const std::lock_guard lock(state_.mutex);
  return state_.door;
}

bool BaseModelDriver::available() const noexcept {
  bool there = false;
  return call_user_quietly([&] { there = model_.is_available(); }) && there;
}

ModelStatus BaseModelDriver::at_rest() const {
  return available() ? ModelStatus::Downloaded : ModelStatus::NotDownloaded;
}

void BaseModelDriver::fail(const std::string& why) {
  state_.error.set(why);
  state_.status = ModelStatus::Error;
}

void BaseModelDriver::download(const BaseModel::Progress& progress, std::stop_token stop) {
  const ModelStatus before = state_.status;
  const bool in_memory = before == ModelStatus::Loaded;
  if (!in_memory) state_.status = ModelStatus::Downloading;
  try {
    call_user({id(), "download()", ErrorCode::DownloadFailed}, stop,
              [&] { model_.download(progress, stop); });
    const bool there = available();
    if (!there && stop.stop_requested()) {  // it obeyed by returning
      throw CancelledException("downloading '" + id() + "' was cancelled");
    }
    if (!there) {
      throw RoostError(ErrorCode::DownloadFailed, "downloading '" + id() +
                                                      "': download() returned, but is_available() "
                                                      "says that the files are not there");
    }
  } catch (const CancelledException&) {
    if (!in_memory) state_.status = at_rest();
    throw;
  } catch (const RoostError& error) {
    if (!in_memory) fail(error.what());
    throw;
  }
  state_.error.set({});
  if (!in_memory) state_.status = ModelStatus::Downloaded;
}

void BaseModelDriver::load(std::shared_ptr<MemoryAccount> memory, std::shared_ptr<Device> device,
                           std::stop_token stop) {
  sync_config();
  if (state_.taken.exchange(true)) {
    throw ModelLoadException(id(),
                             "it is one object and is in memory already; register a second object "
                             "under a second id for a second instance",
                             ErrorCode::Unsupported);
  }
  {
    const std::lock_guard lock(state_.mutex);
    state_.memory = std::move(memory);
    state_.device = std::move(device);
  }
  state_.status = ModelStatus::Loading;
  state_.error.set({});
  try {
    call_user({id(), "load()", ErrorCode::LoadFailed}, stop,
              [&] { model_.load(*state_.config.get(), stop); });
    if (stop.stop_requested()) throw CancelledException("loading '" + id() + "': cancelled");
  } catch (const RoostError& error) {
    call_user_quietly([&] { model_.unload(); });
    release();
    if (error.code() == ErrorCode::Cancelled) {
      state_.status = at_rest();
    } else {
      fail(error.what());
    }
    throw;
  }
  state_.loaded_at.set_now();
  state_.status = ModelStatus::Loaded;
}

void BaseModelDriver::unload() {
  state_.health = ModelHealth::Unknown;
  state_.loaded_at.set(std::nullopt);
  try {
    call_user({id(), "unload()", ErrorCode::Internal}, {}, [&] { model_.unload(); });
  } catch (const RoostError& error) {
    release();
    fail(error.what());
    throw;
  }
  release();
  state_.status = at_rest();
}

void BaseModelDriver::release() noexcept {
  {
    const std::lock_guard lock(state_.mutex);
    if (state_.declared_bytes != 0) state_.memory->add_host_bytes(-state_.declared_bytes);
    state_.declared_bytes = 0;
    state_.memory.reset();
    state_.device.reset();
  }
  state_.taken = false;
}

ModelHealth BaseModelDriver::probe(std::stop_token stop) {
  ModelHealth health = ModelHealth::Unhealthy;
  try {
    call_user({id(), "health_check()", ErrorCode::HealthFailed}, stop,
              [&] { health = model_.health_check(); });
  } catch (const CancelledException&) {
    throw;
  } catch (const RoostError& error) {
    state_.error.set(error.what());
    state_.health = ModelHealth::Unhealthy;
    throw;
  }
  state_.health = health;
  return health;
}

void BaseModelDriver::take_config(const std::function<Value()>& read) {
  {
    const std::lock_guard lock(state_.syncing);
    Value config = read();
    if (*state_.config.get() == config) return;
    state_.config.set(std::move(config));
  }
  if (state_.status == ModelStatus::Loaded) {
    call_user_quietly([&] { model_.config_changed(); });
  }
}

void BaseModelDriver::sync_config() {
  if (const auto read = door().read) take_config(read);
}

void BaseModelDriver::forget_error() {
  ModelStatus expected = ModelStatus::Error;
  if (state_.status.compare_exchange_strong(expected, at_rest())) state_.error.set({});
}

}  // namespace roost::faces

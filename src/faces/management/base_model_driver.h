#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "faces/management/base_model_state.h"
#include "roost/base_model.h"

namespace roost::faces {

// Calls a user's model, keeps its five properties, and lets nothing it throws out but RoostError.
// Serialised by its caller, but for available() and the looks.
class BaseModelDriver {
 public:
  explicit BaseModelDriver(BaseModel& model);

  BaseModel& model() const { return model_; }
  const std::string& id() const { return state_.model_id; }

  // A manager takes the model over (InvalidTransition when another has it) and gives it back.
  void attach(const void* manager, std::string directory, ConfigDoor door);
  void detach(const void* manager);  // nothing when another has it
  bool is_attached() const;
  ConfigDoor door() const;  // empty while no manager drives it

  bool available() const noexcept;  // false when is_available() throws
  void download(const BaseModel::Progress& progress, std::stop_token stop);
  void load(std::shared_ptr<MemoryAccount> memory, std::shared_ptr<Device> device,
            std::stop_token stop);
  void unload();
  mm::ModelHealth probe(std::stop_token stop);

  // Makes what `read` gives the model's configuration, and tells the model when it is loaded and
  // the configuration another one. The other form reads where its manager keeps it.
  void take_config(const std::function<Value()>& read);
  void sync_config();
  // The engine forgot a failure.
  void forget_error();

 private:
  mm::ModelStatus at_rest() const;
  void release() noexcept;
  void fail(const std::string& why);

  BaseModel& model_;
  BaseModelState& state_;
};

}  // namespace roost::faces

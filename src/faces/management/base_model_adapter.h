#pragma once

#include <cstdint>
#include <memory>

#include "faces/management/base_model_driver.h"
#include "roost/backend.h"

namespace roost::faces {

// What a user's model is to the engine: its files, and a backend that makes exactly this model.
struct BaseModelAdapter {
  std::shared_ptr<ModelSource> files;
  std::shared_ptr<Backend> backend;
};
BaseModelAdapter adapt(const std::shared_ptr<BaseModel>& model, std::uint64_t size_estimate);

// The user's model behind a backend; null for any other backend.
std::shared_ptr<BaseModel> adapted_model(const std::shared_ptr<Backend>& backend);

}  // namespace roost::faces

#pragma once

#include <vector>

#include "roost/engine.h"
#include "roost/model_management.h"

namespace roost::faces {

namespace mm = model_management;

// Every field of `info` that a registration cannot have, and why. Empty: it is fine.
std::vector<mm::FieldError> model_info_errors(const mm::ModelInfo& info);

// Throws InvalidArgument naming every bad field (InvalidModelId when the id is one of them).
void check_model_info(const mm::ModelInfo& info);

// The two ways between a model's info and what the engine's catalog keeps of it. The fields that
// the catalog has no place for travel in its metadata under one key of ours.
ModelRegistration to_registration(const mm::ModelInfo& info);
mm::ModelInfo to_info(const ModelRegistration& registration);

// to_info with what is true at this moment.
mm::ModelInfo to_info(const ModelRegistration& registration, const roost::ModelStatus& status);

mm::ModelStatus status_word(const roost::ModelStatus& status);

mm::ModelInstance to_instance(const ModelRegistration& registration,
                              const roost::ModelStatus& status);

}  // namespace roost::faces

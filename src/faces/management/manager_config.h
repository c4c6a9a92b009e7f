#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "roost/model_manager_config.h"

namespace roost::faces {

namespace mm = model_management;

// Throws Unsupported when an option that only a manager's own engine takes is not at its default.
void check_engine_options_untouched(const mm::ModelManagerConfig& config);

EngineOptions engine_options(const mm::ModelManagerConfig& config);

// For setters of limits that are fixed with the engine: Unsupported unless nothing changes.
void refuse_other_limit(const char* option, std::int64_t wanted, std::int64_t now);

// How long the model may be unused; 0: for ever.
std::chrono::milliseconds unload_delay(const mm::ModelManagerConfig& config, const std::string& id);

}  // namespace roost::faces

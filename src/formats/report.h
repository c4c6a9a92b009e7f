#pragma once

#include <string>

#include "formats/model_folder.h"

namespace roost::formats {

// What `roost inspect` shows: everything describe() found. With `tensors`, each of them.
Value to_value(const ModelFolder& model, bool tensors);

// The same for people: a few lines, then a line per component, and per tensor if asked for.
std::string to_text(const ModelFolder& model, bool tensors);

}  // namespace roost::formats

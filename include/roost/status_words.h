#pragma once

#include <string_view>

#include "roost/engine.h"

namespace roost {

// One truth, the words of two documents: computed when asked, never kept.

// "not_downloaded", "downloading", "downloaded", "loading", "loaded", "error".
std::string_view document1_status(const ModelStatus& status);

// "Unknown", "Available", "Loading", "Loaded", "Unloading", "Error", "Missing", "Corrupted".
std::string_view document4_status(const ModelStatus& status);

// "NotLoaded", "Loading", "Loaded", "Unloading", "Failed", "Cached".
std::string_view document4_loading_status(const ModelStatus& status);

}  // namespace roost

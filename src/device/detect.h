#pragma once

#include <filesystem>

#include "device/nvidia/library.h"
#include "roost/device.h"

namespace roost::device {

// detect_machine() over the given files and libraries.
Machine detect_machine(ExecutionProvider provider, const nvidia::LibraryLoader& libraries,
                       const std::filesystem::path& root);

}  // namespace roost::device

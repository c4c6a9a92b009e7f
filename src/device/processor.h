#pragma once

#include <filesystem>

#include "roost/device.h"

namespace roost::device {

// Processors the scheduler lets this process run on; at least 1.
unsigned schedulable_processors();

// Name and features from <root>/proc/cpuinfo, as far as the kernel lets programs use them; cores
// as `schedulable`, lowered to the quota of our control groups (rounded up, at least 1).
ProcessorInfo read_processor(const std::filesystem::path& root, unsigned schedulable);

}  // namespace roost::device

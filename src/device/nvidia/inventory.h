#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device/nvidia/library.h"
#include "roost/device.h"

namespace roost::device::nvidia {

struct Inventory {
  std::vector<std::shared_ptr<Device>> devices;  // "cuda:0", "cuda:1", ... in the driver's order
  std::vector<std::string> notes;                // why there are none, or why one is left out
};

Inventory find_gpus(const LibraryLoader& libraries);

}  // namespace roost::device::nvidia

#pragma once

#include <memory>
#include <vector>

#include "roost/backend.h"

namespace roost {

// The backends of this build, in the order they are asked.
std::vector<std::shared_ptr<Backend>> default_backends();

}  // namespace roost

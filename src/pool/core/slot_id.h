#pragma once

#include <cstdint>

namespace roost::pool {

enum class SlotId : std::uint32_t {};
enum class WaiterId : std::uint64_t {};

}  // namespace roost::pool

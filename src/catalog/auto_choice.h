#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "roost/device.h"

namespace roost::catalog {

struct AutoCandidate {
  std::string name;
  std::uint64_t bytes = 0;  // what it takes when loaded
};

// Share of a GPU's memory that `auto` leaves alone.
inline constexpr double kVramMargin = 0.2;

// What a model that `auto` chooses may take: of the GPU min(80 % of it, 95 % of what is free), of
// the host min(half of it, all but 4 GiB).
std::uint64_t vram_budget(const HardwareProfile& hardware);
std::uint64_t ram_budget(const HardwareProfile& hardware);

// The largest candidate that fits the GPU; if none does, the largest that fits the host; if none
// does, the smallest. Among equals the later one. Throws InvalidArgument without candidates.
const AutoCandidate& choose_auto(std::span<const AutoCandidate> candidates,
                                 const HardwareProfile& hardware);

// Rerankers go by tier: the word of the system's table.
std::string_view reranker_word(HardwareTier tier);

}  // namespace roost::catalog

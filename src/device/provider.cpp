#include <array>

#include "roost/ids.h"
#include "roost/device.h"

namespace roost {
namespace {

constexpr std::array<std::string_view, 5> kProviders = {"auto", "cuda", "directml", "coreml",
                                                        "cpu"};
constexpr std::array<std::string_view, 4> kTiers = {"low", "medium", "high", "ultra"};

}  // namespace

std::string_view to_string(ExecutionProvider provider) {
  return kProviders.at(static_cast<std::size_t>(provider));
}

std::optional<ExecutionProvider> parse_execution_provider(std::string_view name) {
  const std::string lower = lower_ascii(name);
  for (std::size_t i = 0; i < kProviders.size(); ++i) {
    if (kProviders[i] == lower) return static_cast<ExecutionProvider>(i);
  }
  return std::nullopt;
}

std::string_view to_string(HardwareTier tier) {
  return kTiers.at(static_cast<std::size_t>(tier));
}

}  // namespace roost

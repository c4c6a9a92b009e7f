#include "roost/lifecycle.h"

#include <algorithm>

#include "roost/ids.h"

namespace roost {
namespace {

constexpr std::array<std::string_view, 5> kStates = {"IDLE", "LOADING", "LOADED", "UNLOADING",
                                                     "ERROR"};
constexpr std::array<std::string_view, 9> kReasons = {
    "load_requested",   "load_completed", "load_failed",     "load_cancelled", "unload_requested",
    "unload_completed", "unload_failed",  "became_unusable", "reset"};
constexpr std::array<std::string_view, 3> kTiers = {"none", "host", "device"};
constexpr std::array<std::string_view, 4> kPriorities = {"low", "normal", "high", "critical"};
constexpr std::array<std::string_view, 2> kPolicies = {"cost_aware", "lru"};
constexpr std::array<std::string_view, 3> kVerdicts = {"admit", "wait", "refuse"};

template <class Names, class Enum>
std::string_view name_of(const Names& names, Enum value) {
  return names.at(static_cast<std::size_t>(value));
}

}  // namespace

std::string_view to_string(ModelState state) { return name_of(kStates, state); }
std::string_view to_string(Reason reason) { return name_of(kReasons, reason); }
std::string_view to_string(Tier tier) { return name_of(kTiers, tier); }
std::string_view to_string(LoadPriority priority) { return name_of(kPriorities, priority); }
std::string_view to_string(EvictionPolicy policy) { return name_of(kPolicies, policy); }
std::string_view to_string(Verdict verdict) { return name_of(kVerdicts, verdict); }

std::optional<LoadPriority> parse_load_priority(std::string_view name) {
  const auto found = std::find(kPriorities.begin(), kPriorities.end(), lower_ascii(name));
  if (found == kPriorities.end()) return std::nullopt;
  return static_cast<LoadPriority>(found - kPriorities.begin());
}

}  // namespace roost

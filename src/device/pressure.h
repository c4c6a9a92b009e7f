#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace roost::device {

enum class PressureLevel : std::uint8_t { Low, Moderate, High, Critical };

constexpr std::string_view to_string(PressureLevel level) {
  switch (level) {
    case PressureLevel::Low:
      return "low";
    case PressureLevel::Moderate:
      return "moderate";
    case PressureLevel::High:
      return "high";
    case PressureLevel::Critical:
      return "critical";
  }
  return "critical";
}

inline constexpr double kStalledPercent = 10;

// From 60, 80 and 90 % of the budget on; one level higher when tasks wait for memory at least
// 10 % of the time.
constexpr PressureLevel pressure_level(double used_over_budget,
                                       std::optional<double> psi_some_avg10 = std::nullopt) {
  int level = (used_over_budget >= 0.6) + (used_over_budget >= 0.8) + (used_over_budget >= 0.9);
  if (psi_some_avg10 && *psi_some_avg10 >= kStalledPercent && level < 3) ++level;
  return static_cast<PressureLevel>(level);
}

}  // namespace roost::device

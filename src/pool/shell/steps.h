#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "roost/options.h"

namespace roost::pool {

// The eight steps of a load, each told once and in order.
enum class LoadStep : std::uint8_t {
  Init = 1,
  CacheCheck,
  BuildStrategies,
  LoadWeights,
  LoadComplete,
  MoveToDevice,
  ApplyOptimizations,
  Finalize,
};
inline constexpr int kLoadSteps = 8;

struct StepText {
  std::string_view name, phase;
};

constexpr StepText text_of(LoadStep step) {
  constexpr std::array<StepText, kLoadSteps> kTexts = {{
      {"init", "initialization"},
      {"cache_check", "initialization"},
      {"build_strategies", "initialization"},
      {"load_weights", "loading_model"},
      {"load_complete", "loading_model"},
      {"move_to_device", "device_setup"},
      {"apply_optimizations", "optimization"},
      {"finalize", "optimization"},
  }};
  return kTexts[static_cast<std::size_t>(step) - 1];
}

// `within`: how far the step is, 0..1.
LoadProgress progress_of(const std::string& model, LoadStep step, double within);

}  // namespace roost::pool

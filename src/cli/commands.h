#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "roost/options.h"

namespace roost::cli {

// What every command takes.
struct Common {
  bool json = false;
  EngineOptions engine;
};

// Each prints its result and throws RoostError when it cannot.
void demo(const Common& common);
void devices(const Common& common);
void info(const Common& common, const std::string& model);

struct PlanArguments {
  std::string model;
  std::optional<std::string> device;
  std::optional<std::int64_t> rows;
};
void plan(const Common& common, const PlanArguments& arguments);

}  // namespace roost::cli

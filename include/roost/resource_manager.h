#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "roost/engine.h"

namespace roost {

// What one clean-up did. Bytes are observed, never estimated.
struct CleanupMetrics {
  double time_ms = 0;
  MemoryVector freed = {}, lost = {};
  std::uint64_t available_before = 0, available_after = 0;  // what the device says
  std::size_t objects_collected = 0;
  std::optional<ErrorCode> code = {};  // of what went wrong
  std::string error = {};              // empty: nothing
};

// Gives a device's memory back, in the one order that works: references are dropped, the work in
// flight ends, what is cached is trimmed, and only then is measured. Thread-safe.
class ResourceManager {
 public:
  explicit ResourceManager(Engine& engine) : engine_(engine) {}

  // `drop` gives up what still refers to the memory. Never throws: what fails is in the metrics.
  CleanupMetrics cleanup(const std::string& device_id, const std::function<UnloadReport()>& drop);

 private:
  Engine& engine_;
};

}  // namespace roost

#include "roost/resource_manager.h"

#include <chrono>

#include "roost/error.h"

namespace roost {

CleanupMetrics ResourceManager::cleanup(const std::string& device_id,
                                        const std::function<UnloadReport()>& drop) {
  CleanupMetrics metrics;
  const auto begin = std::chrono::steady_clock::now();
  try {
    const Machine machine = engine_.machine();
    const std::shared_ptr<Device> device = machine.find(device_id);
    metrics.available_before = device->sample().available_bytes;
    const UnloadReport report = drop();
    metrics.freed = report.freed;
    metrics.lost = report.lost;
    metrics.objects_collected = report.was_loaded ? 1 : 0;
    device->synchronize();
    device->trim();
    metrics.available_after = device->sample().available_bytes;
  } catch (const RoostError& error) {
    metrics.code = error.code();
    metrics.error = error.what();
  } catch (const std::exception& error) {  // `drop` is the caller's
    metrics.code = ErrorCode::Internal;
    metrics.error = error.what();
  }
  metrics.time_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return metrics;
}

}  // namespace roost

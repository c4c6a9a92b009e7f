#include <memory>

#include "roost/ids.h"
#include "device/detect.h"
#include "device/host_device.h"
#include "device/nvidia/inventory.h"
#include "device/processor.h"
#include "roost/error.h"

namespace roost {
namespace {

constexpr std::uint64_t kGiB = 1ull << 30;

}  // namespace

std::shared_ptr<Device> Machine::find(std::string_view id) const {
  std::string ids;
  for (const auto& device : devices) {
    if (device->info().id == id) return device;
    ids += (ids.empty() ? "" : ", ") + device->info().id;
  }
  throw RoostError(ErrorCode::DeviceNotFound,
                   "there is no device '" + printable(id) + "' here; there are: " + ids);
}

HardwareProfile Machine::profile() const {
  HardwareProfile profile;
  for (const auto& device : devices) {
    const MemorySample sample = device->sample();
    if (device->info().provider == ExecutionProvider::Cpu) {
      profile.system_total_bytes = sample.total_bytes;
      profile.system_available_bytes = sample.available_bytes;
    } else if (device->info().provider == ExecutionProvider::Cuda &&
               sample.total_bytes > profile.gpu_total_bytes) {
      profile.gpu_total_bytes = sample.total_bytes;
      profile.gpu_free_bytes = sample.available_bytes;
    }
  }
  return profile;
}

HardwareTier HardwareProfile::tier() const {
  if (gpu_total_bytes == 0) {
    if (system_total_bytes >= 32 * kGiB) return HardwareTier::High;
    return system_total_bytes >= 16 * kGiB ? HardwareTier::Medium : HardwareTier::Low;
  }
  if (gpu_total_bytes >= 16 * kGiB) return HardwareTier::Ultra;
  if (gpu_total_bytes >= 8 * kGiB) return HardwareTier::High;
  return gpu_total_bytes >= 4 * kGiB ? HardwareTier::Medium : HardwareTier::Low;
}

ExecutionProvider HardwareProfile::recommended_provider() const {
  return gpu_total_bytes >= 4 * kGiB ? ExecutionProvider::Cuda : ExecutionProvider::Cpu;
}

Machine detect_machine(ExecutionProvider provider) {
  return device::detect_machine(provider, device::nvidia::SystemLibraries(), "/");
}

Machine device::detect_machine(ExecutionProvider provider, const nvidia::LibraryLoader& libraries,
                               const std::filesystem::path& root) {
  Machine machine;
  machine.processor = read_processor(root, schedulable_processors());
  machine.devices.push_back(std::make_shared<HostDevice>(HostMemory(root), machine.processor.name));
  if (provider == ExecutionProvider::Auto || provider == ExecutionProvider::Cuda) {
    nvidia::Inventory gpus = nvidia::find_gpus(libraries);
    for (auto& gpu : gpus.devices) machine.devices.push_back(std::move(gpu));
    for (const std::string& note : gpus.notes) machine.notes.push_back("cuda: " + note);
  }
  return machine;
}

}  // namespace roost

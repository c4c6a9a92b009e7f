#include "device/nvidia/inventory.h"

#include <algorithm>
#include <cstdio>

#include "device/nvidia/cuda_device.h"

namespace roost::device::nvidia {
namespace {

std::string uuid_text(const char* prefix, const CudaUuid& uuid) {
  std::string text = prefix;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    std::array<char, 4> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned>(uuid[i]));
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += hex.data();
  }
  return text;
}

// NVML's handle of the GPU, or of the slice of one, that the driver calls `uuid`.
NvmlResult find_monitor(const NvmlApi& nvml, const CudaUuid& uuid, NvmlDevice& monitor) {
  const NvmlResult whole = nvml.handle_by_uuid(uuid_text("GPU-", uuid).c_str(), &monitor);
  return whole == 0 ? 0 : nvml.handle_by_uuid(uuid_text("MIG-", uuid).c_str(), &monitor);
}

// The device, or nullptr and why it is left out.
std::shared_ptr<Device> make_device(const std::shared_ptr<const Driver>& driver, int index,
                                    std::string& why_not) {
  const CudaApi& cuda = driver->cuda();
  CudaOrdinal ordinal = 0;
  std::array<char, 256> name{};
  CudaUuid uuid{};
  CudaResult result = cuda.device_get(&ordinal, index);
  if (result == 0) result = cuda.device_get_name(name.data(), name.size() - 1, ordinal);
  if (result == 0) result = cuda.device_get_uuid(&uuid, ordinal);
  if (result != 0) {
    why_not = driver->cuda_text(result);
    return nullptr;
  }
  NvmlDevice monitor = nullptr;
  NvmlMemory memory{};
  NvmlResult seen = find_monitor(driver->nvml(), uuid, monitor);
  if (seen == 0) seen = driver->nvml().memory_info(monitor, &memory);
  if (seen != 0) {
    why_not = "its memory cannot be read: " + driver->nvml_text(seen);
    return nullptr;
  }
  DeviceInfo info;
  info.id = "cuda:" + std::to_string(index);
  info.name = name.data();
  info.provider = ExecutionProvider::Cuda;
  info.memory = device_memory(static_cast<std::size_t>(index));
  info.total_bytes = memory.total;
  info.driver = driver->version();
  return std::make_shared<CudaDevice>(driver, ordinal, monitor, std::move(info));
}

}  // namespace

Inventory find_gpus(const LibraryLoader& libraries) {
  Inventory inventory;
  std::string why_not;
  const std::shared_ptr<const Driver> driver = Driver::open(libraries, why_not);
  if (!driver) {
    inventory.notes.push_back(why_not);
    return inventory;
  }
  int count = 0;
  if (const CudaResult result = driver->cuda().device_get_count(&count); result != 0) {
    inventory.notes.push_back("counting GPUs: " + driver->cuda_text(result));
    return inventory;
  }
  constexpr int kMost = static_cast<int>(kMaxMemories) - 1;
  for (int index = 0; index < std::min(count, kMost); ++index) {
    if (auto device = make_device(driver, index, why_not)) {
      inventory.devices.push_back(std::move(device));
    } else {
      inventory.notes.push_back("GPU " + std::to_string(index) + " is left out: " + why_not);
    }
  }
  if (count == 0) inventory.notes.push_back("the driver lets this process use no GPU");
  if (count > kMost) {
    inventory.notes.push_back("GPUs from " + std::to_string(kMost) +
                              " on are left out: " + std::to_string(count) + " are there, " +
                              std::to_string(kMost) + " can be used");
  }
  return inventory;
}

}  // namespace roost::device::nvidia

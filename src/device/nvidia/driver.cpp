#include "device/nvidia/driver.h"

namespace roost::device::nvidia {
namespace {

std::string text_of(const CudaApi& cuda, CudaResult result) {
  const char* text = nullptr;
  if (cuda.get_error_string(result, &text) != 0 || text == nullptr) text = "unknown error";
  return std::string(text) + " (CUDA error " + std::to_string(result) + ")";
}

std::string text_of(const NvmlApi& nvml, NvmlResult result) {
  const char* text = nvml.error_string(result);
  return std::string(text != nullptr ? text : "unknown error") + " (NVML error " +
         std::to_string(result) + ")";
}

std::string read_version(const NvmlApi& nvml) {
  std::array<char, 81> text{};
  if (nvml.driver_version(text.data(), text.size() - 1) != 0) return "unknown";
  return text.data();
}

}  // namespace

std::shared_ptr<const Driver> Driver::open(const LibraryLoader& libraries, std::string& why_not) {
  const auto cuda = open_cuda(libraries, why_not);
  if (!cuda) return nullptr;
  const auto nvml = open_nvml(libraries, why_not);
  if (!nvml) return nullptr;
  if (const NvmlResult result = nvml->init(); result != 0) {
    why_not = "initialising NVML: " + text_of(*nvml, result);
    return nullptr;
  }
  std::shared_ptr<const Driver> driver(new Driver(*cuda, *nvml));
  if (const CudaResult result = cuda->init(0); result != 0) {
    why_not = "initialising the driver " + driver->version() + ": " + text_of(*cuda, result);
    return nullptr;
  }
  return driver;
}

Driver::Driver(const CudaApi& cuda, const NvmlApi& nvml)
    : cuda_(cuda), nvml_(nvml), version_(read_version(nvml)) {}

Driver::~Driver() {
  nvml_.shutdown();
}

std::string Driver::cuda_text(CudaResult result) const {
  return text_of(cuda_, result);
}
std::string Driver::nvml_text(NvmlResult result) const {
  return text_of(nvml_, result);
}

}  // namespace roost::device::nvidia

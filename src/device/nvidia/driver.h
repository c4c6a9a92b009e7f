#pragma once

#include <memory>
#include <string>

#include "device/nvidia/api.h"

namespace roost::device::nvidia {

// The driver and NVML, initialised and shared by the devices found through them; NVML is shut
// down with the last. Immutable, so thread-safe: both libraries are.
class Driver {
 public:
  // Opens and initialises both; nullptr, and why, if either is absent or declines.
  static std::shared_ptr<const Driver> open(const LibraryLoader& libraries, std::string& why_not);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  const CudaApi& cuda() const { return cuda_; }
  const NvmlApi& nvml() const { return nvml_; }
  const std::string& version() const { return version_; }

  std::string cuda_text(CudaResult result) const;  // "out of memory (CUDA error 2)"
  std::string nvml_text(NvmlResult result) const;

 private:
  Driver(const CudaApi& cuda, const NvmlApi& nvml);

  const CudaApi cuda_;
  const NvmlApi nvml_;
  const std::string version_;
};

}  // namespace roost::device::nvidia

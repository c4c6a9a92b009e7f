#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "device/nvidia/library.h"

// The entries of the CUDA driver and of NVML that Roost calls, under the names and with the
// binary layout their vendor documents.
namespace roost::device::nvidia {

inline constexpr const char* kCudaLibrary = "libcuda.so.1";
inline constexpr const char* kNvmlLibrary = "libnvidia-ml.so.1";

using CudaResult = int;  // 0: success
inline constexpr CudaResult kCudaOutOfMemory = 2;
using CudaOrdinal = int;  // CUdevice
struct CudaContextTag;
using CudaContext = CudaContextTag*;
using CudaAddress = unsigned long long;  // CUdeviceptr on 64-bit systems
struct CudaStreamTag;
using CudaStream = CudaStreamTag*;
using CudaUuid = std::array<unsigned char, 16>;  // CUuuid

struct CudaApi {
  CudaResult (*init)(unsigned flags);
  CudaResult (*get_error_string)(CudaResult result, const char** text);
  CudaResult (*device_get_count)(int* count);
  CudaResult (*device_get)(CudaOrdinal* device, int ordinal);
  CudaResult (*device_get_name)(char* name, int size, CudaOrdinal device);
  CudaResult (*device_get_uuid)(CudaUuid* uuid, CudaOrdinal device);
  CudaResult (*primary_context_retain)(CudaContext* context, CudaOrdinal device);
  CudaResult (*primary_context_release)(CudaOrdinal device);
  CudaResult (*context_push)(CudaContext context);
  CudaResult (*context_pop)(CudaContext* context);
  CudaResult (*context_synchronize)();
  CudaResult (*stream_synchronize)(CudaStream stream);
  CudaResult (*memory_allocate)(CudaAddress* address, std::size_t bytes);
  CudaResult (*memory_free)(CudaAddress address);
  CudaResult (*memory_set)(CudaAddress to, unsigned char value, std::size_t bytes);
  CudaResult (*copy_to_device)(CudaAddress to, const void* from, std::size_t bytes);
  CudaResult (*copy_to_host)(void* to, CudaAddress from, std::size_t bytes);
};

using NvmlResult = int;  // 0: success
struct NvmlDeviceTag;
using NvmlDevice = NvmlDeviceTag*;

struct NvmlMemory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};

struct NvmlApi {
  NvmlResult (*init)();
  NvmlResult (*shutdown)();
  const char* (*error_string)(NvmlResult result);
  NvmlResult (*driver_version)(char* version, unsigned size);
  NvmlResult (*handle_by_uuid)(const char* uuid, NvmlDevice* device);
  NvmlResult (*memory_info)(NvmlDevice device, NvmlMemory* memory);
};

// Opens the library and finds every entry; otherwise nullopt and why.
std::optional<CudaApi> open_cuda(const LibraryLoader& libraries, std::string& why_not);
std::optional<NvmlApi> open_nvml(const LibraryLoader& libraries, std::string& why_not);

}  // namespace roost::device::nvidia

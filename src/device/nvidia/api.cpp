#include "device/nvidia/api.h"

#include <initializer_list>

namespace roost::device::nvidia {
namespace {

// Binds the entries of one library, and remembers the first that is missing.
class Binder {
 public:
  Binder(const LibraryLoader& libraries, const char* library, std::string& why_not)
      : libraries_(libraries), name_(library), why_not_(why_not) {
    handle_ = libraries_.open(library, why_not_);
  }

  // Takes the first of `names` that is there: newer entries stand before those they replace.
  template <class Function>
  void bind(Function& function, std::initializer_list<const char*> names) {
    function = nullptr;
    if (handle_ == nullptr) return;
    for (const char* name : names) {
      function = reinterpret_cast<Function>(libraries_.symbol(handle_, name));
      if (function != nullptr) return;
    }
    why_not_ = std::string(name_) + " has no " + *names.begin() + ": the driver is too old";
    handle_ = nullptr;
  }

  bool complete() const { return handle_ != nullptr; }

 private:
  const LibraryLoader& libraries_;
  const char* const name_;
  std::string& why_not_;
  void* handle_ = nullptr;
};

}  // namespace

std::optional<CudaApi> open_cuda(const LibraryLoader& libraries, std::string& why_not) {
  Binder binder(libraries, kCudaLibrary, why_not);
  CudaApi api{};
  binder.bind(api.init, {"cuInit"});
  binder.bind(api.get_error_string, {"cuGetErrorString"});
  binder.bind(api.device_get_count, {"cuDeviceGetCount"});
  binder.bind(api.device_get, {"cuDeviceGet"});
  binder.bind(api.device_get_name, {"cuDeviceGetName"});
  // The second version names a MIG slice by its own UUID, the first by its whole GPU's.
  binder.bind(api.device_get_uuid, {"cuDeviceGetUuid_v2", "cuDeviceGetUuid"});
  binder.bind(api.primary_context_retain, {"cuDevicePrimaryCtxRetain"});
  binder.bind(api.primary_context_release,
              {"cuDevicePrimaryCtxRelease_v2", "cuDevicePrimaryCtxRelease"});
  binder.bind(api.context_push, {"cuCtxPushCurrent_v2"});
  binder.bind(api.context_pop, {"cuCtxPopCurrent_v2"});
  binder.bind(api.context_synchronize, {"cuCtxSynchronize"});
  binder.bind(api.stream_synchronize, {"cuStreamSynchronize"});
  binder.bind(api.memory_allocate, {"cuMemAlloc_v2"});
  binder.bind(api.memory_free, {"cuMemFree_v2"});
  binder.bind(api.memory_set, {"cuMemsetD8_v2"});
  binder.bind(api.copy_to_device, {"cuMemcpyHtoD_v2"});
  binder.bind(api.copy_to_host, {"cuMemcpyDtoH_v2"});
  return binder.complete() ? std::optional(api) : std::nullopt;
}

std::optional<NvmlApi> open_nvml(const LibraryLoader& libraries, std::string& why_not) {
  Binder binder(libraries, kNvmlLibrary, why_not);
  NvmlApi api{};
  binder.bind(api.init, {"nvmlInit_v2"});
  binder.bind(api.shutdown, {"nvmlShutdown"});
  binder.bind(api.error_string, {"nvmlErrorString"});
  binder.bind(api.driver_version, {"nvmlSystemGetDriverVersion"});
  binder.bind(api.handle_by_uuid, {"nvmlDeviceGetHandleByUUID"});
  binder.bind(api.memory_info, {"nvmlDeviceGetMemoryInfo"});
  return binder.complete() ? std::optional(api) : std::nullopt;
}

}  // namespace roost::device::nvidia

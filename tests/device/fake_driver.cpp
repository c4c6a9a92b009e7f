#include "device/fake_driver.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/assert.h"

namespace roost::test {
namespace {

namespace nvidia = device::nvidia;
using Gpu = FakeDriver::Gpu;

FakeDriver* driver = nullptr;
thread_local std::vector<Gpu*> current;  // the thread's stack of contexts

constexpr int kInvalidValue = 1, kOutOfMemory = 2, kNoContext = 201, kNvmlNotFound = 6;

unsigned char uuid_byte(std::size_t gpu, std::size_t i) {
  return static_cast<unsigned char>(gpu * 16 + i);
}

std::string uuid_text(const char* prefix, std::size_t gpu) {
  std::string text = prefix;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    char hex[3];
    std::snprintf(hex, sizeof(hex), "%02x", unsigned{uuid_byte(gpu, i)});
    text += hex;
  }
  return text;
}

}  // namespace

// The entries, as the libraries export them.
struct FakeEntries {
  // The result the test asked for, or 0.
  static int asked(const char* entry) {
    const auto found = driver->results_.find(entry);
    return found == driver->results_.end() ? 0 : found->second;
  }
  static std::unique_lock<std::mutex> lock() { return std::unique_lock(driver->mutex_); }
  static Gpu& gpu(int ordinal) { return driver->gpus_.at(static_cast<std::size_t>(ordinal)); }

  static int init(unsigned) { return asked("cuInit"); }
  static int error_string(int result, const char** text) {
    *text = result == kOutOfMemory ? "out of memory" : nullptr;
    return *text != nullptr ? 0 : kInvalidValue;
  }
  static int count(int* count) {
    *count = static_cast<int>(driver->gpus_.size());
    return asked("cuDeviceGetCount");
  }
  static int get(int* device, int ordinal) {
    *device = ordinal;
    return asked("cuDeviceGet");
  }
  static int name(char* name, int size, int device) {
    std::snprintf(name, static_cast<std::size_t>(size), "%s", gpu(device).name.c_str());
    return 0;
  }
  static int uuid(nvidia::CudaUuid* uuid, int device) {
    for (std::size_t i = 0; i < uuid->size(); ++i) {
      (*uuid)[i] = uuid_byte(static_cast<std::size_t>(device), i);
    }
    return 0;
  }
  static int retain(nvidia::CudaContext* context, int device) {
    const auto held = lock();
    if (const int result = asked("cuDevicePrimaryCtxRetain")) return result;
    Gpu& on = gpu(device);
    if (on.contexts++ == 0) on.used += FakeDriver::kContextBytes;
    *context = reinterpret_cast<nvidia::CudaContext>(&on);
    return 0;
  }
  static int release(int device) {
    const auto held = lock();
    Gpu& on = gpu(device);
    ROOST_ASSERT(on.contexts > 0);
    if (--on.contexts == 0) on.used -= FakeDriver::kContextBytes;
    return 0;
  }
  static int push(nvidia::CudaContext context) {
    if (const int result = asked("cuCtxPushCurrent_v2")) return result;
    Gpu* on = reinterpret_cast<Gpu*>(context);
    const auto held = lock();
    if (on->contexts == 0) return kNoContext;
    current.push_back(on);
    return 0;
  }
  static int pop(nvidia::CudaContext* context) {
    if (current.empty()) return kNoContext;
    *context = reinterpret_cast<nvidia::CudaContext>(current.back());
    current.pop_back();
    return 0;
  }
  static int synchronize() { return current.empty() ? kNoContext : asked("cuCtxSynchronize"); }
  static int synchronize_stream(nvidia::CudaStream) { return current.empty() ? kNoContext : 0; }

  static int allocate(nvidia::CudaAddress* address, std::size_t bytes) {
    const auto held = lock();
    if (current.empty()) return kNoContext;
    if (const int result = asked("cuMemAlloc_v2")) return result;
    Gpu& on = *current.back();
    if (bytes > on.total - on.used) return kOutOfMemory;
    std::vector<unsigned char> block(bytes, 0xcd);
    *address = reinterpret_cast<nvidia::CudaAddress>(block.data());
    on.used += bytes;
    on.blocks[*address] = std::move(block);
    return 0;
  }
  static int free(nvidia::CudaAddress address) {
    const auto held = lock();
    if (current.empty()) return kNoContext;
    Gpu& on = *current.back();
    const auto block = on.blocks.find(address);
    if (block == on.blocks.end()) return kInvalidValue;
    on.used -= block->second.size();
    on.blocks.erase(block);
    return 0;
  }

  // Whether [address, address + bytes) lies in one block of the current context's GPU.
  static bool inside(nvidia::CudaAddress address, std::size_t bytes) {
    const auto held = lock();
    if (current.empty()) return false;
    auto block = current.back()->blocks.upper_bound(address);
    if (block == current.back()->blocks.begin()) return false;
    --block;
    return address + bytes <= block->first + block->second.size();
  }
  static int set(nvidia::CudaAddress to, unsigned char value, std::size_t bytes) {
    if (const int result = asked("cuMemsetD8_v2")) return result;
    if (!inside(to, bytes)) return kInvalidValue;
    std::memset(reinterpret_cast<void*>(to), value, bytes);
    return 0;
  }
  static int to_device(nvidia::CudaAddress to, const void* from, std::size_t bytes) {
    if (const int result = asked("cuMemcpyHtoD_v2")) return result;
    if (!inside(to, bytes)) return kInvalidValue;
    std::memcpy(reinterpret_cast<void*>(to), from, bytes);
    return 0;
  }
  static int to_host(void* to, nvidia::CudaAddress from, std::size_t bytes) {
    if (!inside(from, bytes)) return kInvalidValue;
    std::memcpy(to, reinterpret_cast<const void*>(from), bytes);
    return 0;
  }

  static int nvml_init() {
    if (const int result = asked("nvmlInit_v2")) return result;
    ++driver->nvml_users_;
    return 0;
  }
  static int nvml_shutdown() {
    --driver->nvml_users_;
    return 0;
  }
  static const char* nvml_error(int result) {
    return result == kNvmlNotFound ? "Not Found" : "Unknown Error";
  }
  static int version(char* text, unsigned size) {
    std::snprintf(text, size, "550.54.15");
    return asked("nvmlSystemGetDriverVersion");
  }
  static int by_uuid(const char* uuid, nvidia::NvmlDevice* device) {
    for (Gpu& gpu : driver->gpus_) {
      if (gpu.uuid != uuid) continue;
      *device = reinterpret_cast<nvidia::NvmlDevice>(&gpu);
      return 0;
    }
    return kNvmlNotFound;
  }
  static int memory(nvidia::NvmlDevice device, nvidia::NvmlMemory* memory) {
    const auto held = lock();
    if (const int result = asked("nvmlDeviceGetMemoryInfo")) return result;
    const Gpu& gpu = *reinterpret_cast<const Gpu*>(device);
    *memory = {gpu.total, gpu.total - gpu.used, gpu.used};
    return 0;
  }
};

FakeDriver::FakeDriver() {
  ROOST_ASSERT(driver == nullptr);
  driver = this;
}

FakeDriver::~FakeDriver() {
  driver = nullptr;
  current.clear();
}

Gpu& FakeDriver::add_gpu(const std::string& name, std::uint64_t total, bool is_slice) {
  Gpu gpu;
  gpu.name = name;
  gpu.uuid = uuid_text(is_slice ? "MIG-" : "GPU-", gpus_.size());
  gpu.total = total;
  return gpus_.emplace_back(std::move(gpu));
}

std::size_t FakeDriver::current_contexts() const {
  return current.size();
}

void* FakeDriver::open(const char* name, std::string& why_not) const {
  opened_.emplace_back(name);
  if (missing_.contains(name)) {
    why_not = std::string(name) + ": cannot open shared object file";
    return nullptr;
  }
  return const_cast<char*>(name);  // the name is the handle
}

void* FakeDriver::symbol(void* library, const char* name) const {
  using E = FakeEntries;
  const auto entry = [](auto* function) { return reinterpret_cast<void*>(function); };
  const std::map<std::string, void*> cuda = {{"cuInit", entry(E::init)},
                                             {"cuGetErrorString", entry(E::error_string)},
                                             {"cuDeviceGetCount", entry(E::count)},
                                             {"cuDeviceGet", entry(E::get)},
                                             {"cuDeviceGetName", entry(E::name)},
                                             {"cuDeviceGetUuid", entry(E::uuid)},
                                             {"cuDeviceGetUuid_v2", entry(E::uuid)},
                                             {"cuDevicePrimaryCtxRetain", entry(E::retain)},
                                             {"cuDevicePrimaryCtxRelease_v2", entry(E::release)},
                                             {"cuCtxPushCurrent_v2", entry(E::push)},
                                             {"cuCtxPopCurrent_v2", entry(E::pop)},
                                             {"cuCtxSynchronize", entry(E::synchronize)},
                                             {"cuStreamSynchronize", entry(E::synchronize_stream)},
                                             {"cuMemAlloc_v2", entry(E::allocate)},
                                             {"cuMemFree_v2", entry(E::free)},
                                             {"cuMemsetD8_v2", entry(E::set)},
                                             {"cuMemcpyHtoD_v2", entry(E::to_device)},
                                             {"cuMemcpyDtoH_v2", entry(E::to_host)}};
  const std::map<std::string, void*> nvml = {{"nvmlInit_v2", entry(E::nvml_init)},
                                             {"nvmlShutdown", entry(E::nvml_shutdown)},
                                             {"nvmlErrorString", entry(E::nvml_error)},
                                             {"nvmlSystemGetDriverVersion", entry(E::version)},
                                             {"nvmlDeviceGetHandleByUUID", entry(E::by_uuid)},
                                             {"nvmlDeviceGetMemoryInfo", entry(E::memory)}};
  const auto& entries =
      std::string(static_cast<char*>(library)) == nvidia::kCudaLibrary ? cuda : nvml;
  const auto found = entries.find(name);
  return found == entries.end() || missing_.contains(name) ? nullptr : found->second;
}

}  // namespace roost::test

#include "device/nvidia/cuda_device.h"

#include <bit>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "roost/error.h"

namespace roost::device::nvidia {
namespace {

CudaAddress address_of(const std::byte* data) {
  return std::bit_cast<CudaAddress>(data);
}

}  // namespace

// The device's context, retained and made the calling thread's current one for a scope.
class CudaDevice::Current {
 public:
  explicit Current(const CudaDevice& device) : device_(device) {
    const CudaResult pushed = device_.driver_->cuda().context_push(device_.hold_context());
    if (pushed == 0) return;
    device_.let_go_context();
    device_.check(pushed, "making its context current");
  }
  ~Current() {
    CudaContext popped = nullptr;
    device_.driver_->cuda().context_pop(&popped);
    device_.let_go_context();
  }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

 private:
  const CudaDevice& device_;
};

CudaDevice::CudaDevice(std::shared_ptr<const Driver> driver, CudaOrdinal ordinal,
                       NvmlDevice monitor, DeviceInfo info)
    : driver_(std::move(driver)), ordinal_(ordinal), monitor_(monitor), info_(std::move(info)) {}

CudaDevice::~CudaDevice() {
  if (context_ != nullptr) driver_->cuda().primary_context_release(ordinal_);
}

MemorySample CudaDevice::sample() const {
  NvmlMemory memory{};
  if (driver_->nvml().memory_info(monitor_, &memory) != 0) return {info_.total_bytes, 0};
  return {memory.total, memory.free};
}

std::byte* CudaDevice::allocate(std::uint64_t bytes) {
  if (bytes == 0) return nullptr;
  const std::string doing = "allocating " + format_bytes(bytes);
  if (bytes > std::numeric_limits<std::size_t>::max()) check(kCudaOutOfMemory, doing);
  const auto size = static_cast<std::size_t>(bytes);
  const CudaApi& cuda = driver_->cuda();

  const Current current(*this);
  CudaAddress address = 0;
  check(cuda.memory_allocate(&address, size), doing);
  CudaResult cleared = cuda.memory_set(address, 0, size);
  if (cleared == 0) cleared = cuda.stream_synchronize(nullptr);
  if (cleared != 0) cuda.memory_free(address);
  check(cleared, "clearing " + format_bytes(bytes));
  hold_context();  // until release()
  return std::bit_cast<std::byte*>(address);
}

void CudaDevice::release(std::byte* data, std::uint64_t) noexcept {
  if (data == nullptr) return;
  const CudaApi& cuda = driver_->cuda();
  CudaContext context = hold_context();
  // What the driver refuses to take back stays missing from sample(): whoever unloads sees it.
  if (cuda.context_push(context) == 0) {
    cuda.memory_free(address_of(data));
    cuda.context_pop(&context);
  }
  let_go_context();  // this call's
  let_go_context();  // the allocation's
}

void CudaDevice::write(std::byte* to, const std::byte* from_host, std::uint64_t bytes) {
  if (bytes == 0) return;
  const CudaApi& cuda = driver_->cuda();
  const Current current(*this);
  const std::string doing = "writing " + format_bytes(bytes);
  check(cuda.copy_to_device(address_of(to), from_host, static_cast<std::size_t>(bytes)), doing);
  // The copy may still be on its way from the driver's staging buffer, and other streams do not
  // wait for it.
  check(cuda.stream_synchronize(nullptr), doing);
}

void CudaDevice::read(std::byte* to_host, const std::byte* from, std::uint64_t bytes) const {
  if (bytes == 0) return;
  const Current current(*this);
  check(driver_->cuda().copy_to_host(to_host, address_of(from), static_cast<std::size_t>(bytes)),
        "reading " + format_bytes(bytes));
}

void CudaDevice::synchronize() {
  {
    const MutexLock lock(mutex_);
    if (context_ == nullptr) return;  // no work of ours was ever given to it
  }
  const Current current(*this);
  check(driver_->cuda().context_synchronize(), "waiting for its work");
}

void CudaDevice::trim() {
  const MutexLock lock(mutex_);
  if (context_ == nullptr || holds_ != 0) return;
  driver_->cuda().primary_context_release(ordinal_);
  context_ = nullptr;
}

Fragmentation CudaDevice::fragmentation() const {
  // The driver maps free pages from anywhere into one range, and keeps none that were freed.
  const std::uint64_t free = sample().available_bytes;
  return {.free_bytes = free, .largest_free_bytes = free, .cached_bytes = 0};
}

CudaContext CudaDevice::hold_context() const {
  const MutexLock lock(mutex_);
  if (context_ == nullptr) {
    CudaContext context = nullptr;
    check(driver_->cuda().primary_context_retain(&context, ordinal_), "making a context");
    context_ = context;
  }
  ++holds_;
  return context_;
}

void CudaDevice::let_go_context() const noexcept {
  const MutexLock lock(mutex_);
  ROOST_ASSERT(holds_ > 0);
  --holds_;
}

void CudaDevice::check(CudaResult result, const std::string& doing) const {
  if (result == 0) return;
  const std::string what =
      doing + " on '" + info_.id + "' (" + info_.name + "): " + driver_->cuda_text(result);
  if (result == kCudaOutOfMemory) {
    const MemorySample now = sample();
    throw RoostError(ErrorCode::OutOfMemory,
                     what + "; " + format_bytes(now.available_bytes) + " of " +
                         format_bytes(now.total_bytes) +
                         " are available: unload a model, or place this one on another device");
  }
  throw RoostError(ErrorCode::ProviderUnavailable,
                   what + "; if it lasts, restart the process or use another device");
}

}  // namespace roost::device::nvidia

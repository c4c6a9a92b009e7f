#include "device/host_device.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>

#include "base/thread_pool.h"
#include "roost/error.h"

namespace roost::device {
namespace {

DeviceInfo describe(const HostMemory& memory, std::string name) {
  DeviceInfo info;
  info.id = "cpu";
  info.name = std::move(name);
  info.provider = ExecutionProvider::Cpu;
  info.memory = MemoryId::Host;
  info.total_bytes = memory.sample().total_bytes;
  return info;
}

constexpr std::uint64_t kWorthATrim = std::uint64_t{8} << 20;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kReleaseStep = kHugePage;  // smaller ones would split such pages

}  // namespace

HostDevice::HostDevice(HostMemory memory, std::string processor_name)
    : memory_(std::move(memory)), info_(describe(memory_, std::move(processor_name))) {}

std::byte* HostDevice::allocate(std::uint64_t bytes) {
  if (bytes == 0) return nullptr;
  int error = ENOMEM;
  if (bytes <= std::numeric_limits<std::size_t>::max()) {
    void* data = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data != MAP_FAILED) {
      // Fewer faults while it is filled, fewer misses while it is read. A hint: may be refused.
      if (bytes >= kHugePage) ::madvise(data, static_cast<std::size_t>(bytes), MADV_HUGEPAGE);
      return static_cast<std::byte*>(data);
    }
    error = errno;
  }
  throw RoostError(ErrorCode::OutOfMemory,
                   "allocating " + format_bytes(bytes) +
                       " of host memory: " + std::generic_category().message(error) + "; " +
                       format_bytes(sample().available_bytes) +
                       " are available: unload a model or take a smaller one");
}

void HostDevice::release(std::byte* data, std::uint64_t bytes) noexcept {
  if (data == nullptr) return;
  // In steps: while the kernel gives pages back it lets nobody else onto the processor, and
  // requests must not wait for that. From the end, so that what is left stays one mapping.
  for (auto left = static_cast<std::size_t>(bytes); left != 0;) {
    const std::size_t keep = (left - 1) / kReleaseStep * kReleaseStep;
    if (::munmap(data + keep, left - keep) != 0) {
      // Only a process out of mappings gets here: the pages go back, the address range stays.
      ::madvise(data + keep, left - keep, MADV_DONTNEED);
    }
    left = keep;
    offer_processor();
  }
}

void HostDevice::write(std::byte* to, const std::byte* from_host, std::uint64_t bytes) {
  if (bytes != 0) std::memcpy(to, from_host, static_cast<std::size_t>(bytes));
}

void HostDevice::read(std::byte* to_host, const std::byte* from, std::uint64_t bytes) const {
  if (bytes != 0) std::memcpy(to_host, from, static_cast<std::size_t>(bytes));
}

std::uint64_t HostDevice::heap_bytes() const {
  return ::mallinfo2().uordblks;
}

void HostDevice::trim() {
  untrimmed_.store(0, std::memory_order_relaxed);
  ::malloc_trim(0);
}

// A trim holds every thread's heap while it gives pages back: milliseconds in which no request
// allocates.
void HostDevice::trim_after(std::uint64_t freed_bytes) {
  const std::uint64_t before = untrimmed_.fetch_add(freed_bytes, std::memory_order_relaxed);
  if (before + freed_bytes >= kWorthATrim) trim();
}

Fragmentation HostDevice::fragmentation() const {
  const struct mallinfo2 heap = ::mallinfo2();
  // `keepcost` is the one piece at the heap's end; the allocator tells of no other.
  return {.free_bytes = heap.fordblks,
          .largest_free_bytes = heap.keepcost,
          .cached_bytes = heap.fordblks};
}

}  // namespace roost::device

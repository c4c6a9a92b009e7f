#include <mutex>
#include <utility>

#include "base/assert.h"
#include "base/mutex.h"
#include "roost/device.h"
#include "roost/error.h"

namespace roost {

DeviceBalance Device::balance() const {
  const std::unique_lock alone(balance_mutex_);
  return balance_alone();
}

void Device::trim_after(std::uint64_t) { trim(); }

DeviceBalance Device::trim_and_balance() {
  const std::unique_lock alone(balance_mutex_);
  trim();
  return balance_alone();
}

DeviceBalance Device::balance_alone() const {
  return {sample().available_bytes, region_bytes_.load(std::memory_order_relaxed),
          fragmentation().cached_bytes};
}

struct MemoryAccount::Counters {
  mutable Mutex mutex;
  MemoryVector live ROOST_GUARDED_BY(mutex);
  MemoryVector reserved ROOST_GUARDED_BY(mutex);
  Grow grow ROOST_GUARDED_BY(mutex);
  bool limited ROOST_GUARDED_BY(mutex) = false;
  bool sealed ROOST_GUARDED_BY(mutex) = false;
};

MemoryAccount::MemoryAccount() : counters_(std::make_unique<Counters>()) {}
MemoryAccount::~MemoryAccount() = default;

std::shared_ptr<MemoryAccount> MemoryAccount::create() {
  return std::shared_ptr<MemoryAccount>(new MemoryAccount());
}

std::shared_ptr<MemoryAccount> MemoryAccount::create(const MemoryVector& reserved, Grow grow) {
  auto account = create();
  MutexLock lock(account->counters_->mutex);
  account->counters_->reserved = reserved;
  account->counters_->grow = std::move(grow);
  account->counters_->limited = true;
  return account;
}

void MemoryAccount::set_reserved(const MemoryVector& reserved) {
  MutexLock lock(counters_->mutex);
  counters_->reserved = reserved;
}

void MemoryAccount::seal() {
  MutexLock lock(counters_->mutex);
  counters_->sealed = true;
  counters_->grow = nullptr;
}

// Counts the bytes before they are taken, so that what is counted is never too low.
void MemoryAccount::admit(const MemoryVector& bytes) {
  MemoryVector extra;
  MemoryVector reserved;
  Grow grow;
  {
    MutexLock lock(counters_->mutex);
    if (!counters_->sealed) {
      counters_->live += bytes;
      if (!counters_->limited) return;
      extra = counters_->live - counters_->reserved;
      if (extra.empty()) return;
      reserved = counters_->reserved;
      counters_->reserved += extra;
      grow = counters_->grow;
    }
  }
  if (grow && grow(extra)) return;
  if (grow) {
    MutexLock lock(counters_->mutex);
    counters_->live -= bytes;
    counters_->reserved -= extra;
  }
  throw RoostError(ErrorCode::OutOfMemory,
                   grow ? "a model asked for " + to_string(bytes) + ", which is " +
                              to_string(extra) + " more than it reserved (" + to_string(reserved) +
                              "), and the budget has no room for it"
                        : "a model that is being unloaded asked for " + to_string(bytes));
}

void MemoryAccount::put_back(const MemoryVector& bytes) noexcept {
  MutexLock lock(counters_->mutex);
  counters_->live -= bytes;
}

Region MemoryAccount::allocate(const std::shared_ptr<Device>& device, std::uint64_t bytes) {
  ROOST_ASSERT(device != nullptr);
  Region region;
  if (bytes == 0) return region;
  const MemoryVector taken = MemoryVector::on(device->info().memory, bytes);
  admit(taken);
  try {
    const std::shared_lock among_others(device->balance_mutex_);
    region.data_ = device->allocate(bytes);
    device->region_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  } catch (...) {
    put_back(taken);
    throw;
  }
  region.bytes_ = bytes;
  region.device_ = device;
  region.account_ = shared_from_this();
  return region;
}

void MemoryAccount::add_host_bytes(std::int64_t bytes) {
  if (bytes >= 0) {
    admit(MemoryVector::host(static_cast<std::uint64_t>(bytes)));
  } else {
    put_back(MemoryVector::host(std::uint64_t{0} - static_cast<std::uint64_t>(bytes)));
  }
}

MemoryVector MemoryAccount::live() const {
  MutexLock lock(counters_->mutex);
  return counters_->live;
}

Region::Region(Region&& other) noexcept
    : device_(std::move(other.device_)),
      account_(std::move(other.account_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Region& Region::operator=(Region&& other) noexcept {
  if (this == &other) return *this;
  reset();
  device_ = std::move(other.device_);
  account_ = std::move(other.account_);
  data_ = std::exchange(other.data_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

Region::~Region() {
  reset();
}

void Region::reset() noexcept {
  if (data_ == nullptr) return;
  {
    const std::shared_lock among_others(device_->balance_mutex_);
    device_->release(data_, bytes_);
    device_->region_bytes_.fetch_sub(bytes_, std::memory_order_relaxed);
  }
  account_->put_back(MemoryVector::on(device_->info().memory, bytes_));
  data_ = nullptr;
  bytes_ = 0;
  account_.reset();
  device_.reset();
}

}  // namespace roost

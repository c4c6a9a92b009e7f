#include "support/simulated_machine.h"

#include <algorithm>

#include "base/assert.h"
#include "base/checked.h"
#include "roost/error.h"

namespace roost::test {
namespace {

DeviceInfo describe_host(std::uint64_t total_bytes) {
  DeviceInfo info;
  info.id = "cpu";
  info.name = "Simulated host";
  info.total_bytes = total_bytes;
  return info;
}

}  // namespace

SimulatedHost::SimulatedHost(std::uint64_t total_bytes)
    : real_(device::HostMemory(), "Simulated host"), info_(describe_host(total_bytes)) {}

MemorySample SimulatedHost::sample() const {
  const MutexLock lock(mutex_);
  return now();
}

std::byte* SimulatedHost::allocate(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  calls_.push_back("allocate " + std::to_string(bytes));
  const bool fails = until_failure_ > 0 && --until_failure_ == 0;
  if (fails || bytes > now().available_bytes) {
    throw RoostError(ErrorCode::OutOfMemory,
                     "allocating " + format_bytes(bytes) + " on the simulated host: " +
                         (fails ? "the test asked for a failure" : "not enough is available"));
  }
  std::byte* data = real_.allocate(bytes);
  live_ += bytes;
  return data;
}

void SimulatedHost::release(std::byte* data, std::uint64_t bytes) noexcept {
  const MutexLock lock(mutex_);
  calls_.push_back("release " + std::to_string(bytes));
  ROOST_ASSERT(bytes <= live_);
  real_.release(data, bytes);
  live_ -= bytes;
}

void SimulatedHost::write(std::byte* to, const std::byte* from_host, std::uint64_t bytes) {
  real_.write(to, from_host, bytes);
}

void SimulatedHost::read(std::byte* to_host, const std::byte* from, std::uint64_t bytes) const {
  real_.read(to_host, from, bytes);
}

void SimulatedHost::synchronize() {
  const MutexLock lock(mutex_);
  calls_.push_back("synchronize");
}

void SimulatedHost::trim() {
  const MutexLock lock(mutex_);
  calls_.push_back("trim");
}

void SimulatedHost::set_sample(std::optional<MemorySample> sample) {
  const MutexLock lock(mutex_);
  set_ = sample;
}

void SimulatedHost::set_use_by_others(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  others_ = bytes;
}

void SimulatedHost::fail_allocation(std::uint64_t nth) {
  const MutexLock lock(mutex_);
  until_failure_ = nth;
}

std::uint64_t SimulatedHost::live_bytes() const {
  const MutexLock lock(mutex_);
  return live_;
}

std::vector<std::string> SimulatedHost::calls() const {
  const MutexLock lock(mutex_);
  return calls_;
}

void SimulatedHost::clear_calls() {
  const MutexLock lock(mutex_);
  calls_.clear();
}

MemorySample SimulatedHost::now() const {
  if (set_) return *set_;
  const std::uint64_t used = checked_add(live_, others_).value_or(UINT64_MAX);
  return {info_.total_bytes, info_.total_bytes - std::min(used, info_.total_bytes)};
}

Machine simulated_machine(const SimulatedMachineOptions& options) {
  const bool is_coreml = options.gpu_provider == ExecutionProvider::CoreML;
  const std::string prefix = is_coreml ? "mps" : std::string(to_string(options.gpu_provider));
  Machine machine;
  machine.processor = {.name = "Simulated processor", .cores = 2, .features = {}};
  machine.devices.push_back(std::make_shared<SimulatedHost>(options.host_bytes));
  for (std::size_t i = 0; i < options.gpu_bytes.size(); ++i) {
    machine.devices.push_back(std::make_shared<SimulatedDevice>(
        SimulatedDeviceOptions{.id = prefix + ":" + std::to_string(i),
                               .provider = options.gpu_provider,
                               .memory = device_memory(i),
                               .capacity_bytes = options.gpu_bytes[i],
                               .segment_bytes = options.segment_bytes,
                               .async_writes = options.async_writes}));
  }
  return machine;
}

SimulatedHost& simulated_host(const Machine& machine) {
  return dynamic_cast<SimulatedHost&>(*machine.devices.at(0));
}

SimulatedDevice& simulated_gpu(const Machine& machine, std::size_t index) {
  return dynamic_cast<SimulatedDevice&>(*machine.devices.at(index + 1));
}

}  // namespace roost::test

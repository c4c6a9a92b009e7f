#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "device/cgroups.h"
#include "roost/device.h"

namespace roost::device {

// Reads what this process may use of the machine's memory, from the files under `root`. The
// control groups are looked up once. Thread-safe; missing or broken files count as "no limit".
class HostMemory {
 public:
  explicit HostMemory(std::filesystem::path root = "/");

  // total = min(MemTotal, limits); available = min(MemAvailable, limit - usage + inactive file
  // pages), of every control group from our own upwards. Zeros when the machine tells nothing.
  MemorySample sample() const;

  // Percentage of the last 10 s in which some task waited for memory: our group's, else the
  // machine's; nullopt on a kernel without pressure information.
  std::optional<double> pressure_some_avg10() const;

  // Resident bytes of this process, to within what the kernel keeps by processor. Cheap: unlike
  // smaps it walks no pages.
  static std::optional<std::uint64_t> rss_bytes(const std::filesystem::path& root = "/");

 private:
  const std::filesystem::path root_;
  const Cgroups groups_;
};

}  // namespace roost::device

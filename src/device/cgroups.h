#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace roost::device {

// The folders of the control groups this process is in, its own first, then each one above it up
// to where the hierarchy is mounted. A folder may be missing. Empty: no such hierarchy.
struct Cgroups {
  std::vector<std::filesystem::path> unified;  // version 2
  std::vector<std::filesystem::path> memory;   // version 1
  std::vector<std::filesystem::path> cpu;      // version 1
};

// Reads <root>/proc/self/{cgroup,mountinfo}; without the latter the usual mount points are taken.
Cgroups find_cgroups(const std::filesystem::path& root);

// Processors' worth of time that the tightest group allows; nullopt without a limit.
std::optional<double> cpu_quota(const Cgroups& groups);

}  // namespace roost::device

#include "device/host_memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/checked.h"
#include "device/kernel_files.h"

namespace roost::device {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> kilobytes_after(std::string_view text, std::string_view key) {
  const auto kilobytes = number_after(text, key);
  return kilobytes ? checked_mul(*kilobytes, 1024) : std::nullopt;
}

MemorySample machine_sample(const fs::path& root) {
  const std::string text = read_text(root / "proc/meminfo").value_or("");
  MemorySample sample;
  sample.total_bytes = kilobytes_after(text, "MemTotal:").value_or(0);
  const auto available = kilobytes_after(text, "MemAvailable:");
  sample.available_bytes = available ? *available : kilobytes_after(text, "MemFree:").value_or(0);
  return sample;
}

// What one control group says of itself.
struct GroupMemory {
  std::optional<std::uint64_t> limit;
  std::uint64_t usage = 0;
  std::uint64_t inactive_file = 0;  // part of the usage that the kernel drops before it refuses
};

GroupMemory read_unified(const fs::path& folder) {
  GroupMemory group;
  // Above `high` the kernel throttles the group rather than killing in it: as good as full.
  for (const char* name : {"memory.max", "memory.high"}) {
    const auto limit = read_number(folder / name);
    if (limit) group.limit = std::min(*limit, group.limit.value_or(*limit));
  }
  if (!group.limit) return group;
  group.usage = read_number(folder / "memory.current").value_or(0);
  const std::string stat = read_text(folder / "memory.stat").value_or("");
  group.inactive_file = number_after(stat, "inactive_file").value_or(0);
  return group;
}

GroupMemory read_version_1(const fs::path& folder) {
  GroupMemory group;
  group.limit = read_number(folder / "memory.limit_in_bytes");
  if (!group.limit) return group;
  group.usage = read_number(folder / "memory.usage_in_bytes").value_or(0);
  const std::string stat = read_text(folder / "memory.stat").value_or("");
  const auto of_all_below = number_after(stat, "total_inactive_file");
  group.inactive_file =
      of_all_below ? *of_all_below : number_after(stat, "inactive_file").value_or(0);
  return group;
}

void tighten(MemorySample& sample, const GroupMemory& group) {
  if (!group.limit) return;
  const std::uint64_t used = group.usage - std::min(group.inactive_file, group.usage);
  const std::uint64_t left = *group.limit - std::min(used, *group.limit);
  sample.total_bytes = std::min(sample.total_bytes, *group.limit);
  sample.available_bytes = std::min(sample.available_bytes, left);
}

// From "some avg10=0.12 avg60=0.00 avg300=0.00 total=0".
std::optional<double> some_avg10(const fs::path& file) {
  const auto text = read_text(file);
  const auto word = text ? word_after(*text, "some") : std::nullopt;
  constexpr std::string_view kName = "avg10=";
  if (!word || !word->starts_with(kName)) return std::nullopt;
  double percent = 0;
  const char* end = word->data() + word->size();
  const auto [stop, error] = std::from_chars(word->data() + kName.size(), end, percent);
  if (error != std::errc() || stop != end || !(percent >= 0)) return std::nullopt;
  return percent;
}

}  // namespace

HostMemory::HostMemory(fs::path root) : root_(std::move(root)), groups_(find_cgroups(root_)) {}

MemorySample HostMemory::sample() const {
  MemorySample sample = machine_sample(root_);
  for (const fs::path& folder : groups_.unified) tighten(sample, read_unified(folder));
  for (const fs::path& folder : groups_.memory) tighten(sample, read_version_1(folder));
  sample.available_bytes = std::min(sample.available_bytes, sample.total_bytes);
  return sample;
}

std::optional<double> HostMemory::pressure_some_avg10() const {
  for (const fs::path& folder : groups_.unified) {
    if (const auto percent = some_avg10(folder / "memory.pressure")) return percent;
  }
  return some_avg10(root_ / "proc/pressure/memory");
}

std::optional<std::uint64_t> HostMemory::rss_bytes(const fs::path& root) {
  const std::string text = read_text(root / "proc/self/statm").value_or("");
  std::string_view rest = text;  // "size resident shared ...", in pages
  take_word(rest);
  const auto pages = parse_number(take_word(rest));
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  return pages ? checked_mul(*pages, static_cast<std::uint64_t>(page_bytes)) : std::nullopt;
}

}  // namespace roost::device

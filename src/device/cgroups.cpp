#include "device/cgroups.h"

#include <algorithm>
#include <string>

#include "device/kernel_files.h"

namespace roost::device {
namespace {

namespace fs = std::filesystem;

// Where a hierarchy is mounted, and which of its groups the mount shows as its top.
struct Mount {
  std::string point;
  std::string top = "/";
};

bool has_item(std::string_view comma_list, std::string_view item) {
  while (!comma_list.empty()) {
    const std::size_t end = comma_list.find(',');
    if (comma_list.substr(0, end) == item) return true;
    comma_list.remove_prefix(end == std::string_view::npos ? comma_list.size() : end + 1);
  }
  return false;
}

// The mount of a version 1 controller, or of version 2 when `controller` is empty. A line is
// "36 35 98:0 <top> <point> <options> ... - <type> <source> <super options>".
std::optional<Mount> find_mount(std::string_view mountinfo, std::string_view controller) {
  while (!mountinfo.empty()) {
    std::string_view line = take_line(mountinfo);
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    std::string_view tail = line.substr(dash + 3);
    const std::string_view type = take_word(tail);
    take_word(tail);
    const bool wanted = controller.empty()
                            ? type == "cgroup2"
                            : type == "cgroup" && has_item(take_word(tail), controller);
    if (!wanted) continue;
    for (int skipped = 0; skipped < 3; ++skipped) take_word(line);
    Mount mount;
    mount.top = take_word(line);
    mount.point = take_word(line);
    return mount;
  }
  return std::nullopt;
}

// The path of our group in that hierarchy. A line is "<number>:<controllers>:<path>".
std::optional<std::string> find_path(std::string_view cgroup, std::string_view controller) {
  while (!cgroup.empty()) {
    const std::string_view line = take_line(cgroup);
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool wanted = controller.empty() ? line.substr(0, second + 1) == "0::"
                                           : has_item(controllers, controller);
    if (wanted) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

std::vector<fs::path> folders_upwards(const fs::path& root, const Mount& mount, std::string path) {
  // Inside a container the path is the host's while the mount shows the container's part.
  if (mount.top != "/" && (path + "/").starts_with(mount.top + "/")) {
    path.erase(0, mount.top.size());
  }
  const fs::path top = root / fs::path(mount.point).relative_path();
  fs::path below = fs::path(path).lexically_normal().relative_path();
  // A group outside our namespace shows as "/../x": only the top can be seen.
  if (std::find(below.begin(), below.end(), "..") != below.end()) below.clear();

  std::vector<fs::path> folders;
  for (; !below.empty(); below = below.parent_path()) {
    if (below.has_filename()) folders.push_back(top / below);
  }
  folders.push_back(top);
  return folders;
}

std::optional<double> ratio(std::optional<std::uint64_t> quota,
                            std::optional<std::uint64_t> period) {
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<double> unified_quota(const fs::path& folder) {
  const auto text = read_text(folder / "cpu.max");  // "max 100000" or "150000 100000"
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  const auto quota = parse_number(take_word(rest));
  return ratio(quota, parse_number(take_word(rest)));
}

void tighten(std::optional<double>& least, std::optional<double> limit) {
  if (limit && (!least || *limit < *least)) least = limit;
}

}  // namespace

Cgroups find_cgroups(const fs::path& root) {
  const std::string cgroup = read_text(root / "proc/self/cgroup").value_or("");
  const std::string mountinfo = read_text(root / "proc/self/mountinfo").value_or("");
  const auto find = [&](std::string_view controller, const char* usual_point) {
    const auto path = find_path(cgroup, controller);
    if (!path) return std::vector<fs::path>();
    const auto mount = find_mount(mountinfo, controller);
    return folders_upwards(root, mount.value_or(Mount{usual_point, "/"}), *path);
  };
  return {.unified = find("", "/sys/fs/cgroup"),
          .memory = find("memory", "/sys/fs/cgroup/memory"),
          .cpu = find("cpu", "/sys/fs/cgroup/cpu")};
}

std::optional<double> cpu_quota(const Cgroups& groups) {
  std::optional<double> least;
  for (const fs::path& folder : groups.unified) tighten(least, unified_quota(folder));
  for (const fs::path& folder : groups.cpu) {
    tighten(least, ratio(read_number(folder / "cpu.cfs_quota_us"),
                         read_number(folder / "cpu.cfs_period_us")));
  }
  return least;
}

}  // namespace roost::device

#include "device/processor.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <thread>

#include "device/cgroups.h"
#include "device/kernel_files.h"

namespace roost::device {
namespace {

// The features that decide which kernels run, in the kernel's spelling; x86, then Arm.
constexpr std::array<std::string_view, 25> kFeatures = {
    "sse4_2",   "avx",      "avx2",     "fma",         "f16c",        "avx_vnni",    "avx512f",
    "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile",
    "amx_int8", "amx_bf16", "amx_fp16", "asimd",       "asimddp",     "asimdhp",     "bf16",
    "i8mm",     "sve",      "sve2",     "sme"};

// The text after "<key> : " on the first such line.
std::string_view field(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (!line.starts_with(':')) continue;
    line.remove_prefix(1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return line;
  }
  return {};
}

std::vector<std::string> known_features(std::string_view flags) {
  std::vector<std::string_view> has;
  for (auto word = take_word(flags); !word.empty(); word = take_word(flags)) has.push_back(word);
  std::vector<std::string> features;
  for (const std::string_view feature : kFeatures) {
    if (std::find(has.begin(), has.end(), feature) != has.end()) features.emplace_back(feature);
  }
  return features;
}

}  // namespace

unsigned schedulable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    return static_cast<unsigned>(std::max(CPU_COUNT(&set), 1));
  }
  return std::max(std::thread::hardware_concurrency(), 1u);  // more than CPU_SETSIZE of them
}

ProcessorInfo read_processor(const std::filesystem::path& root, unsigned schedulable) {
  const std::string text = read_text(root / "proc/cpuinfo").value_or("");
  ProcessorInfo info;
  info.name = field(text, "model name");
  if (info.name.empty()) info.name = "unnamed processor";
  const std::string_view flags = field(text, "flags");
  info.features = known_features(flags.empty() ? field(text, "Features") : flags);
  info.cores = std::max(schedulable, 1u);
  if (const auto quota = cpu_quota(find_cgroups(root))) {
    const double whole = std::max(std::ceil(*quota), 1.0);
    if (whole < info.cores) info.cores = static_cast<unsigned>(whole);
  }
  return info;
}

}  // namespace roost::device

#include "leak/holdings.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace roost::test {
namespace {

constexpr std::chrono::seconds kPatience{30};  // then what is still there stays

std::size_t entries(const char* folder) {
  using Entries = std::filesystem::directory_iterator;
  return static_cast<std::size_t>(std::distance(Entries(folder), Entries()));
}

// Once what has ended is gone; otherwise as it is in the end.
Holdings settled(const Holdings& expected) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  Holdings now = holdings();
  while (now != expected && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::yield();
    now = holdings();
  }
  return now;
}

}  // namespace

Holdings holdings() {
  return {entries("/proc/self/task"), entries("/proc/self/fd")};
}

std::optional<std::uint64_t> own_bytes() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  std::uint64_t sum = 0;
  bool told = false;
  std::string key;
  while (rollup >> key) {
    if (key != "Pss_Anon:" && key != "Pss_Shmem:" && key != "SwapPss:") continue;
    std::uint64_t kilobytes = 0;
    rollup >> kilobytes;
    sum += kilobytes * 1024;
    told = told || key == "Pss_Anon:";
  }
  return told ? std::optional(sum) : std::nullopt;
}

double slope(std::span<const double> ys) {
  const auto n = static_cast<double>(ys.size());
  const double mean_x = (n - 1) / 2;
  double mean_y = 0;
  for (const double y : ys) mean_y += y / n;
  double covariance = 0, variance = 0;
  for (std::size_t i = 0; i < ys.size(); ++i) {
    const double x = static_cast<double>(i) - mean_x;
    covariance += x * (ys[i] - mean_y);
    variance += x * x;
  }
  return covariance / variance;
}

Growth growth(std::size_t first, std::size_t last, const std::function<void(std::size_t)>& cycle) {
  std::vector<double> bytes(last - first + 1);  // written to before the first look
  for (std::size_t i = 0; i < first; ++i) cycle(i);
  Growth seen;
  for (std::size_t i = first; i <= last; ++i) {
    cycle(i);
    if (i == first) seen.before = holdings();
    bytes[i - first] = static_cast<double>(own_bytes().value_or(0));
  }
  seen.after = settled(seen.before);
  seen.bytes_per_cycle = slope(bytes);
  return seen;
}

}  // namespace roost::test

#include "roost/memory.h"

#include <cstdio>

namespace roost {

std::string to_string(MemoryId id) {
  if (id == MemoryId::Host) return "host";
  return "device:" + std::to_string(index_of(id) - 1);
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  static constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double scaled = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (scaled >= 1024 && unit + 1 < kUnits.size()) {
    scaled /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", scaled, kUnits[unit]);
  return text.data();
}

std::string to_string(const MemoryVector& vector) {
  std::string text;
  vector.for_each([&](MemoryId id, std::uint64_t bytes) {
    if (!text.empty()) text += ", ";
    text += to_string(id) + " " + format_bytes(bytes);
  });
  return text.empty() ? "nothing" : text;
}

}  // namespace roost

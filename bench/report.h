#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "roost/value.h"

namespace roost::bench {

// One figure: what it is, what was measured, and the bar it is held to.
struct Row {
  std::string name;
  double value = 0;
  std::string unit;
  std::string bar;  // "at least 10"; empty: only reported
  bool met = true;
};

inline Row at_least(std::string name, double value, double bar, std::string unit = "") {
  return {std::move(name), value, std::move(unit), "at least " + std::to_string(bar).substr(0, 6),
          value >= bar};
}
inline Row at_most(std::string name, double value, double bar, std::string unit = "") {
  return {std::move(name), value, std::move(unit), "at most " + std::to_string(bar).substr(0, 6),
          value <= bar};
}
inline Row figure(std::string name, double value, std::string unit = "") {
  return {std::move(name), value, std::move(unit), "", true};
}

// The table, then the JSON object as the last line. Returns how many bars were missed.
inline int print(const std::vector<Row>& rows) {
  Value json = Value::Object{};
  int missed = 0;
  std::printf("%-34s %14s %-6s %-18s\n", "FIGURE", "MEASURED", "", "BAR");
  for (const Row& row : rows) {
    std::printf("%-34s %14.4g %-6s %-18s %s\n", row.name.c_str(), row.value, row.unit.c_str(),
                row.bar.c_str(), row.bar.empty() ? "" : row.met ? "met" : "MISSED");
    json[row.name] = row.value;
    missed += row.met ? 0 : 1;
  }
  std::printf("%s\n", json.to_json().c_str());
  return missed;
}

using WallClock = std::chrono::steady_clock;

inline double seconds_since(WallClock::time_point begin) {
  return std::chrono::duration<double>(WallClock::now() - begin).count();
}

inline double median(std::vector<double> samples) {
  std::nth_element(samples.begin(), samples.begin() + static_cast<long>(samples.size() / 2),
                   samples.end());
  return samples[samples.size() / 2];
}

inline double percentile(std::vector<double> samples, double share) {
  std::sort(samples.begin(), samples.end());
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1));
  return samples[rank];
}

}  // namespace roost::bench

#pragma once

#include <cstddef>
#include <cstdio>
#include <deque>
#include <string>

#include "base/clock.h"

namespace roost::sim {

// The last lines of what happened; all of them on stdout when asked.
class Trace {
 public:
  static constexpr std::size_t kKept = 50;

  explicit Trace(bool print) : print_(print) {}
  void line(Instant now, const std::string& text) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
    std::string line = std::to_string(us.count()) + " us  " + text;
    if (print_) std::printf("%s\n", line.c_str());
    lines_.push_back(std::move(line));
    if (lines_.size() > kKept) lines_.pop_front();
  }
  void print_kept() const {
    if (print_) return;  // printed already
    for (const std::string& line : lines_) std::printf("%s\n", line.c_str());
  }

 private:
  const bool print_;
  std::deque<std::string> lines_;
};

}  // namespace roost::sim

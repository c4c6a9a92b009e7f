#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace roost::test {

// What a process must not collect. Threads that were joined count until the kernel is done with
// them.
struct Holdings {
  std::size_t threads = 0;
  std::size_t descriptors = 0;
  friend bool operator==(const Holdings&, const Holdings&) = default;
};
Holdings holdings();

// This process' share of memory (Pss), swapped out or not, in bytes. Without pages of files: of
// these a process has the less the more other programs map them, whatever it does itself. Nullopt
// on a kernel that does not tell.
std::optional<std::uint64_t> own_bytes();

// Of a line through (0, y0), (1, y1), ... by least squares: how much y grows per step.
double slope(std::span<const double> ys);

struct Growth {
  double bytes_per_cycle = 0;
  Holdings before, after;
};

// Runs cycles 0 .. last and looks after each from `first` on.
Growth growth(std::size_t first, std::size_t last, const std::function<void(std::size_t)>& cycle);

}  // namespace roost::test

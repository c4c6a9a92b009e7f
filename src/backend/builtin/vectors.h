#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>

namespace roost::backend {

// What the table of token vectors is made from; equal shapes give equal bytes everywhere.
struct TableShape {
  std::uint32_t rows = 32768;
  std::uint32_t dimensions = 256;
  std::uint64_t seed = 0;

  std::uint64_t floats() const { return std::uint64_t{rows} * dimensions; }
  std::uint64_t bytes() const { return floats() * sizeof(float); }
};

// Fills `table` (shape.floats() values) with pseudo-random numbers in [-1, 1), on `threads`
// threads, this one included. `progress` is called on this thread. Looks at `stop` every 256 KiB
// and throws CancelledException, leaving the table half done.
void generate_table(const TableShape& shape, std::span<float> table, unsigned threads,
                    const std::function<void(double)>& progress, std::stop_token stop);

}  // namespace roost::backend

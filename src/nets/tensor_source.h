#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace roost::nets {

// Gives the numbers of named tensors. Thread-safe.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual std::optional<std::vector<std::uint64_t>> shape_of(const std::string& name) const = 0;

  // Fills `to` with the elements from `first` on, row-major, as f32. Throws BadFile for a tensor
  // that is not there, too short, or of numbers that are none (indices, unknown types).
  virtual void read(const std::string& name, std::uint64_t first, std::span<float> to,
                    const std::stop_token& stop) const = 0;
};

}  // namespace roost::nets

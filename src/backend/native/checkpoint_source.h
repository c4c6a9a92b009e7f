#pragma once

#include <vector>

#include "formats/tensors.h"
#include "nets/tensor_source.h"

namespace roost::backend {

// The tensors of weight files as f32. F32, F16, BF16 and F64 are read.
class CheckpointSource final : public nets::TensorSource {
 public:
  CheckpointSource(formats::Checkpoint checkpoint, std::vector<formats::File> files)
      : checkpoint_(std::move(checkpoint)), files_(std::move(files)) {}

  std::optional<std::vector<std::uint64_t>> shape_of(const std::string& name) const override;
  void read(const std::string& name, std::uint64_t first, std::span<float> to,
            const std::stop_token& stop) const override;

 private:
  const formats::Checkpoint checkpoint_;
  const std::vector<formats::File> files_;
};

}  // namespace roost::backend

#pragma once

#include <memory>
#include <span>
#include <utility>

#include "backend/checksum.h"
#include "nets/encoder_weights.h"
#include "roost/backend.h"

namespace roost::backend {

// The weights of a model, laid out for this processor in host memory.
class NativeImage final : public HostImage {
 public:
  NativeImage(std::shared_ptr<const nets::EncoderWeights> weights, Region region)
      : weights_(std::move(weights)), region_(std::move(region)) {}

  std::uint64_t bytes() const override { return region_.size(); }
  std::uint64_t checksum() const override {
    return backend::checksum({region_.data(), weights_->bytes()});
  }

  const nets::EncoderWeights& weights() const { return *weights_; }
  const std::byte* data() const { return region_.data(); }

 private:
  const std::shared_ptr<const nets::EncoderWeights> weights_;
  const Region region_;
};

}  // namespace roost::backend

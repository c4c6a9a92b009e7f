#pragma once

#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "backend/checksum.h"
#include "nets/encoder_weights.h"
#include "nets/head.h"
#include "roost/backend.h"

namespace roost::backend {

// The weights of a model, laid out for this processor in host memory.
class NativeImage final : public HostImage {
 public:
  NativeImage(std::shared_ptr<const nets::EncoderWeights> weights, std::optional<nets::Head> head,
              Region region)
      : weights_(std::move(weights)), head_(std::move(head)), region_(std::move(region)) {}

  static std::uint64_t bytes_of(const nets::EncoderWeights& weights,
                                const std::optional<nets::Head>& head) {
    return weights.bytes() + (head ? head->bytes() : 0);
  }

  std::uint64_t bytes() const override { return region_.size(); }
  std::uint64_t checksum() const override {
    return backend::checksum({region_.data(), bytes_of(*weights_, head_)});
  }

  const nets::EncoderWeights& weights() const { return *weights_; }
  const std::byte* data() const { return region_.data(); }
  const std::optional<nets::Head>& head() const { return head_; }
  const std::byte* head_data() const { return region_.data() + weights_->bytes(); }

 private:
  const std::shared_ptr<const nets::EncoderWeights> weights_;
  const std::optional<nets::Head> head_;
  const Region region_;
};

}  // namespace roost::backend

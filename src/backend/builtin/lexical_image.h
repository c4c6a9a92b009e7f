#pragma once

#include <span>
#include <utility>

#include "backend/builtin/vectors.h"
#include "backend/checksum.h"
#include "roost/backend.h"

namespace roost::backend {

// The table of token vectors in host memory.
class LexicalImage final : public HostImage {
 public:
  LexicalImage(const TableShape& shape, Region region)
      : shape_(shape), region_(std::move(region)) {}

  std::uint64_t bytes() const override { return region_.size(); }
  std::uint64_t checksum() const override {
    return backend::checksum({region_.data(), shape_.bytes()});
  }

  const TableShape& shape() const { return shape_; }
  const std::byte* data() const { return region_.data(); }

 private:
  const TableShape shape_;
  const Region region_;
};

}  // namespace roost::backend

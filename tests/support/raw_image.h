#pragma once

#include <memory>
#include <stop_token>
#include <utility>

#include "roost/backend.h"

namespace roost::test {

// Bytes in host memory, taken as they are.
class RawImage final : public HostImage {
 public:
  explicit RawImage(Region region) : region_(std::move(region)) {}
  std::uint64_t bytes() const override { return region_.size(); }
  std::uint64_t checksum() const override;
  const std::byte* data() const { return region_.data(); }

 private:
  const Region region_;
};

// Copy raw images to a region on a device, one behind the other, and back, in steps of 16 MiB
// with a look at `stop` before each. The region must be large enough.
void copy_to_device(const HostImages& images, const Region& to, const std::stop_token& stop);
HostImages copy_from_device(const Region& from, const std::vector<Component>& components,
                            LoadContext& context, const std::stop_token& stop);

}  // namespace roost::test

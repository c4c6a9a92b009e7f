#include "support/raw_image.h"

#include <algorithm>

#include "backend/checksum.h"
#include "base/assert.h"
#include "roost/error.h"

namespace roost::test {
namespace {

constexpr std::uint64_t kStep = 16 << 20;

template <class F>
void in_steps(std::uint64_t bytes, const std::stop_token& stop, const F& f) {
  for (std::uint64_t at = 0; at < bytes; at += kStep) {
    if (stop.stop_requested()) throw CancelledException("a copy of an image was stopped");
    f(at, std::min(kStep, bytes - at));
  }
}

}  // namespace

std::uint64_t RawImage::checksum() const {
  return backend::checksum({region_.data(), region_.size()});
}

void copy_to_device(const HostImages& images, const Region& to, const std::stop_token& stop) {
  std::uint64_t offset = 0;
  for (const auto& image : images) {
    const auto& raw = dynamic_cast<const RawImage&>(*image);
    ROOST_ASSERT(offset + raw.bytes() <= to.size());
    in_steps(raw.bytes(), stop, [&](std::uint64_t at, std::uint64_t bytes) {
      to.device().write(to.data() + offset + at, raw.data() + at, bytes);
    });
    offset += raw.bytes();
  }
  to.device().synchronize();
}

HostImages copy_from_device(const Region& from, const std::vector<Component>& components,
                            LoadContext& context, const std::stop_token& stop) {
  HostImages images;
  std::uint64_t offset = 0;
  for (const Component& component : components) {
    ROOST_ASSERT(offset + component.host_bytes <= from.size());
    Region region = context.memory->allocate(context.host, component.host_bytes);
    in_steps(region.size(), stop, [&](std::uint64_t at, std::uint64_t bytes) {
      from.device().read(region.data() + at, from.data() + offset + at, bytes);
    });
    offset += region.size();
    images.push_back(std::make_shared<RawImage>(std::move(region)));
  }
  return images;
}

}  // namespace roost::test

#include "base/epoch.h"

#include <algorithm>

#include "base/assert.h"

namespace roost {

Epoch::~Epoch() {
  for (const Stripe& stripe : stripes_) {
    ROOST_ASSERT(stripe.readers.load(std::memory_order_acquire) == 0);
  }
  for (const Retired& item : retired_) item.free();
}

void Epoch::retire(std::function<void()> free) {
  retired_.push_back({~std::uint64_t{0}, std::move(free)});
}

void Epoch::reclaim() {
  if (retired_.empty()) return;
  std::uint64_t empty = 0;
  for (std::size_t i = 0; i < kStripes; ++i) {
    // Ordered after the unlinking store and before any later reader's count: see Guard.
    if (stripes_[i].readers.load(std::memory_order_seq_cst) == 0) empty |= std::uint64_t{1} << i;
  }
  std::vector<Retired> gone;
  for (Retired& item : retired_) {
    item.waits_for &= ~empty;
    if (item.waits_for == 0) gone.push_back(std::move(item));
  }
  std::erase_if(retired_, [](const Retired& item) { return item.waits_for == 0; });
  for (const Retired& item : gone) item.free();
}

std::size_t Epoch::stripe_of_this_thread() {
  // A thread-local's address differs per thread; its value does not matter.
  static thread_local const char here = 0;
  const auto address = reinterpret_cast<std::uintptr_t>(&here);
  return static_cast<std::size_t>((address >> 6) * 0x9E3779B97F4A7C15ull >> 58);
}

}  // namespace roost

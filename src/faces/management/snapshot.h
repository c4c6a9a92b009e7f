#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace roost::faces {

// A value that many threads read without a lock while one replaces it. std::atomic<shared_ptr>
// is not used: under GCC 12 it is a data race to TSan.
//
// Readers announce themselves on the slot that is current and look again: if it still is, no
// writer touches it until they have left. A writer takes a slot that is not current and has no
// readers; with four slots and readers that only copy a pointer it hardly ever has to look twice.
template <class T>
class Snapshot {
 public:
  explicit Snapshot(T value) { slots_[0].value = std::make_shared<const T>(std::move(value)); }

  std::shared_ptr<const T> get() const {
    while (true) {
      const std::size_t i = current_.load();
      Slot& slot = slots_[i];
      slot.readers.fetch_add(1);
      std::shared_ptr<const T> value;
      const bool still = current_.load() == i;
      if (still) value = slot.value;
      slot.readers.fetch_sub(1);
      if (still) return value;
    }
  }

  void set(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    const std::lock_guard lock(writing_);
    const std::size_t now = current_.load();
    for (std::size_t i = (now + 1) % kSlots;; i = (i + 1) % kSlots) {
      if (i == now || slots_[i].readers.load() != 0) {
        std::this_thread::yield();
        continue;
      }
      slots_[i].value = std::move(next);
      current_.store(i);
      return;
    }
  }

 private:
  static constexpr std::size_t kSlots = 4;
  struct Slot {
    std::atomic<int> readers{0};
    std::shared_ptr<const T> value;
  };

  mutable std::array<Slot, kSlots> slots_;
  std::atomic<std::size_t> current_{0};
  std::mutex writing_;
};

}  // namespace roost::faces

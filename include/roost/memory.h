#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace roost {

// A memory the pool keeps a budget for: host memory, or one device's own. Index 0 is the host.
enum class MemoryId : std::uint8_t { Host = 0 };

inline constexpr std::size_t kMaxMemories = 17;  // the host and up to 16 devices

constexpr std::size_t index_of(MemoryId id) { return static_cast<std::size_t>(id); }
constexpr MemoryId device_memory(std::size_t device) { return static_cast<MemoryId>(device + 1); }
std::string to_string(MemoryId id);  // "host", "device:0", ...

// Bytes on every memory at once. Sums saturate at the largest value and differences at zero, so
// no arithmetic on it wraps; code that must notice compares first.
class MemoryVector {
 public:
  constexpr MemoryVector() = default;
  static constexpr MemoryVector on(MemoryId id, std::uint64_t bytes) {
    MemoryVector v;
    v[id] = bytes;
    return v;
  }
  static constexpr MemoryVector host(std::uint64_t bytes) { return on(MemoryId::Host, bytes); }

  constexpr std::uint64_t operator[](MemoryId id) const { return bytes_[index_of(id)]; }
  constexpr std::uint64_t& operator[](MemoryId id) { return bytes_[index_of(id)]; }

  constexpr MemoryVector& operator+=(const MemoryVector& other) {
    for (std::size_t i = 0; i < kMaxMemories; ++i) {
      const std::uint64_t sum = bytes_[i] + other.bytes_[i];
      bytes_[i] = sum < bytes_[i] ? UINT64_MAX : sum;
    }
    return *this;
  }
  constexpr MemoryVector& operator-=(const MemoryVector& other) {
    for (std::size_t i = 0; i < kMaxMemories; ++i) {
      bytes_[i] = bytes_[i] > other.bytes_[i] ? bytes_[i] - other.bytes_[i] : 0;
    }
    return *this;
  }
  friend constexpr MemoryVector operator+(MemoryVector a, const MemoryVector& b) { return a += b; }
  friend constexpr MemoryVector operator-(MemoryVector a, const MemoryVector& b) { return a -= b; }
  friend constexpr bool operator==(const MemoryVector&, const MemoryVector&) = default;

  // True when this needs no more than `room` on every memory.
  constexpr bool fits(const MemoryVector& room) const {
    for (std::size_t i = 0; i < kMaxMemories; ++i) {
      if (bytes_[i] > room.bytes_[i]) return false;
    }
    return true;
  }
  constexpr bool empty() const { return *this == MemoryVector(); }
  constexpr std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t bytes : bytes_) sum = sum + bytes < sum ? UINT64_MAX : sum + bytes;
    return sum;
  }

  // Calls f(MemoryId, bytes) for every memory with bytes on it.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = 0; i < kMaxMemories; ++i) {
      if (bytes_[i] != 0) f(static_cast<MemoryId>(i), bytes_[i]);
    }
  }

 private:
  std::array<std::uint64_t, kMaxMemories> bytes_{};
};

constexpr MemoryVector min(MemoryVector a, const MemoryVector& b) {
  for (std::size_t i = 0; i < kMaxMemories; ++i) {
    const auto id = static_cast<MemoryId>(i);
    if (b[id] < a[id]) a[id] = b[id];
  }
  return a;
}

std::string format_bytes(std::uint64_t bytes);      // "32.0 MiB"
std::string to_string(const MemoryVector& vector);  // "host 32.0 MiB, device:0 1.5 GiB"

}  // namespace roost

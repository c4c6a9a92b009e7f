#include "support/simulated_device.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/checked.h"
#include "roost/error.h"

namespace roost::test {
namespace {

DeviceInfo describe(const SimulatedDeviceOptions& options) {
  DeviceInfo info;
  info.id = options.id;
  info.name = "Simulated " + std::string(to_string(options.provider)) + " device";
  info.provider = options.provider;
  info.memory = options.memory;
  info.total_bytes = options.capacity_bytes;
  info.driver = "simulated";
  return info;
}

std::byte* map(std::uint64_t bytes, int protection) {
  void* data =
      ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ROOST_ASSERT(data != MAP_FAILED);
  return static_cast<std::byte*>(data);
}

}  // namespace

SimulatedDevice::SimulatedDevice(SimulatedDeviceOptions options)
    : options_(std::move(options)), info_(describe(options_)) {}

SimulatedDevice::~SimulatedDevice() {
  for (const auto& segment : segments_) unmap(*segment);
}

MemorySample SimulatedDevice::sample() const {
  const MutexLock lock(mutex_);
  return {options_.capacity_bytes, left()};
}

std::byte* SimulatedDevice::allocate(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  calls_.push_back("allocate " + std::to_string(bytes));
  if (bytes == 0) return nullptr;
  if (until_failure_ > 0 && --until_failure_ == 0) refuse(bytes, "the test asked for a failure");
  if (std::byte* data = find_cached(bytes)) return data;

  const auto segments = checked_add(bytes, options_.segment_bytes - 1);
  const std::uint64_t rounded =
      segments ? *segments / options_.segment_bytes * options_.segment_bytes : UINT64_MAX;
  if (rounded > left()) refuse(bytes, "no cached piece and not enough of the device is left");
  Segment& segment = add_segment(rounded);
  return take(segment, segment.pieces.begin(), bytes);
}

void SimulatedDevice::release(std::byte* data, std::uint64_t bytes) noexcept {
  const MutexLock lock(mutex_);
  calls_.push_back("release " + std::to_string(bytes));
  if (data == nullptr) return;
  const Place place = place_of(data);
  Piece& piece = place.piece->second;
  ROOST_ASSERT(place.offset == place.piece->first && piece.bytes == bytes);
  live_ -= bytes;
  piece.use = piece.in_flight ? Use::Released : Use::Free;
  merge_free(place.segment->pieces);
}

void SimulatedDevice::write(std::byte* to, const std::byte* from_host, std::uint64_t bytes) {
  if (bytes == 0) return;
  const MutexLock lock(mutex_);
  const Place place = place_of(to);
  ROOST_ASSERT(place.offset + bytes <= place.piece->first + place.piece->second.bytes);
  std::memcpy(place.segment->storage + place.offset, from_host, bytes);
  if (options_.async_writes) place.piece->second.in_flight = true;
}

void SimulatedDevice::read(std::byte* to_host, const std::byte* from, std::uint64_t bytes) const {
  if (bytes == 0) return;
  const MutexLock lock(mutex_);
  const Place place = place_of(from);
  ROOST_ASSERT(place.offset + bytes <= place.piece->first + place.piece->second.bytes);
  std::memcpy(to_host, place.segment->storage + place.offset, bytes);
}

void SimulatedDevice::synchronize() {
  const MutexLock lock(mutex_);
  calls_.push_back("synchronize");
  for (const auto& segment : segments_) {
    for (auto& [offset, piece] : segment->pieces) {
      piece.in_flight = false;
      if (piece.use == Use::Released) piece.use = Use::Free;
    }
    merge_free(segment->pieces);
  }
}

void SimulatedDevice::trim() {
  const MutexLock lock(mutex_);
  calls_.push_back("trim");
  std::erase_if(segments_, [this](const auto& segment) ROOST_REQUIRES(mutex_) {
    if (!segment->is_free()) return false;
    reserved_ -= segment->bytes;
    unmap(*segment);
    return true;
  });
}

Fragmentation SimulatedDevice::fragmentation() const {
  const MutexLock lock(mutex_);
  Fragmentation result{.free_bytes = left(), .largest_free_bytes = left(), .cached_bytes = 0};
  for (const auto& segment : segments_) {
    for (const auto& [offset, piece] : segment->pieces) {
      if (piece.use != Use::Free) continue;
      result.free_bytes += piece.bytes;
      result.cached_bytes += piece.bytes;
      result.largest_free_bytes = std::max(result.largest_free_bytes, piece.bytes);
    }
  }
  return result;
}

void SimulatedDevice::start_work(const std::byte* data) {
  const MutexLock lock(mutex_);
  place_of(data).piece->second.in_flight = true;
}

void SimulatedDevice::fail_allocation(std::uint64_t nth) {
  const MutexLock lock(mutex_);
  until_failure_ = nth;
}

void SimulatedDevice::set_use_by_others(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  others_ = bytes;
}

std::uint64_t SimulatedDevice::live_bytes() const {
  const MutexLock lock(mutex_);
  return live_;
}

std::uint64_t SimulatedDevice::reserved_bytes() const {
  const MutexLock lock(mutex_);
  return reserved_;
}

std::vector<std::string> SimulatedDevice::calls() const {
  const MutexLock lock(mutex_);
  return calls_;
}

void SimulatedDevice::clear_calls() {
  const MutexLock lock(mutex_);
  calls_.clear();
}

std::byte* SimulatedDevice::take(Segment& segment, Pieces::iterator piece, std::uint64_t bytes) {
  const std::uint64_t offset = piece->first;
  Piece& taken = piece->second;
  if (taken.bytes > bytes) {
    segment.pieces[offset + bytes] = {.bytes = taken.bytes - bytes, .dirty = taken.dirty};
  }
  if (taken.dirty) std::memset(segment.storage + offset, 0, bytes);
  taken = {.bytes = bytes, .use = Use::Live, .dirty = true};
  live_ += bytes;
  return segment.shadow + offset;
}

std::byte* SimulatedDevice::find_cached(std::uint64_t bytes) {
  for (const auto& segment : segments_) {
    for (auto piece = segment->pieces.begin(); piece != segment->pieces.end(); ++piece) {
      if (piece->second.use != Use::Free || piece->second.bytes < bytes) continue;
      return take(*segment, piece, bytes);
    }
  }
  return nullptr;
}

SimulatedDevice::Segment& SimulatedDevice::add_segment(std::uint64_t bytes) {
  auto segment = std::make_unique<Segment>();
  segment->bytes = bytes;
  segment->shadow = map(bytes, PROT_NONE);
  segment->storage = map(bytes, PROT_READ | PROT_WRITE);
  segment->pieces[0] = {.bytes = bytes};
  reserved_ += bytes;
  return *segments_.emplace_back(std::move(segment));
}

SimulatedDevice::Place SimulatedDevice::place_of(const std::byte* data) const {
  for (const auto& segment : segments_) {
    if (data < segment->shadow || data >= segment->shadow + segment->bytes) continue;
    Place place;
    place.segment = segment.get();
    place.offset = static_cast<std::uint64_t>(data - segment->shadow);
    place.piece = std::prev(segment->pieces.upper_bound(place.offset));
    ROOST_ASSERT(place.piece->second.use == Use::Live);
    return place;
  }
  assertion_failed("the pointer belongs to this device", __FILE__, __LINE__);
}

std::uint64_t SimulatedDevice::left() const {
  const std::uint64_t used = checked_add(reserved_, others_).value_or(UINT64_MAX);
  return options_.capacity_bytes - std::min(used, options_.capacity_bytes);
}

void SimulatedDevice::refuse(std::uint64_t bytes, const char* why) const {
  throw RoostError(ErrorCode::OutOfMemory, "allocating " + format_bytes(bytes) + " on '" +
                                               info_.id + "': " + why + " (" +
                                               format_bytes(left()) + " of " +
                                               format_bytes(options_.capacity_bytes) + " left)");
}

void SimulatedDevice::merge_free(Pieces& pieces) {
  for (auto piece = pieces.begin(); piece != pieces.end(); ++piece) {
    auto next = std::next(piece);
    while (piece->second.use == Use::Free && next != pieces.end() &&
           next->second.use == Use::Free) {
      piece->second.bytes += next->second.bytes;
      piece->second.dirty |= next->second.dirty;
      next = pieces.erase(next);
    }
  }
}

void SimulatedDevice::unmap(Segment& segment) {
  ROOST_ASSERT(::munmap(segment.shadow, segment.bytes) == 0);
  ROOST_ASSERT(::munmap(segment.storage, segment.bytes) == 0);
}

}  // namespace roost::test

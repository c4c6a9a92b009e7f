#include "tensor/team.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/thread_pool.h"

namespace roost::tensor {
namespace {

constexpr int kSpins = 4096;  // some 50 us

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

std::uint32_t number_of(std::uint64_t offer) {
  return static_cast<std::uint32_t>(offer >> 32);
}
std::uint32_t left_of(std::uint64_t offer) {
  return static_cast<std::uint32_t>(offer);
}

}  // namespace

Team::Team(unsigned threads) {
  for (unsigned worker = 1; worker < std::max(threads, 1u); ++worker) {
    workers_.emplace_back([this, worker] { work(worker); });
  }
}

Team::~Team() {
  stopping_ = true;
  offer_ += std::uint64_t{1} << 32;
  offer_.notify_all();
}

void Team::share(std::size_t parts, const void* job, Call call) {
  if (parts == 0) return;
  ROOST_ASSERT(parts <= UINT32_MAX && unfinished_ == 0);
  job_ = job;
  call_ = call;
  parts_ = parts;
  unfinished_.store(parts, std::memory_order_relaxed);
  const std::uint32_t number = number_of(offer_.load(std::memory_order_relaxed)) + 1;
  offer_.store(std::uint64_t{number} << 32 | parts);
  if (asleep_ != 0 && parts > 1) offer_.notify_all();
  take_parts(number, 0);
  for (int i = 0; unfinished_.load(std::memory_order_acquire) != 0; ++i) {
    i < kSpins ? pause() : offer_processor();
  }
  MutexLock lock(mutex_);
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

// A part is taken by lowering the count of exactly this job: who comes too late finds another's.
void Team::take_parts(std::uint32_t job_number, unsigned worker) {
  Offer seen = offer_.load(std::memory_order_acquire);
  while (number_of(seen) == job_number && left_of(seen) != 0) {
    if (!offer_.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel)) continue;
    try {
      call_(job_, parts_ - left_of(seen), worker);
    } catch (...) {
      MutexLock lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
    unfinished_.fetch_sub(1, std::memory_order_acq_rel);
    seen = offer_.load(std::memory_order_acquire);
  }
}

Team::Offer Team::next_offer(Offer seen) {
  for (int i = 0; i < kSpins; ++i) {
    const Offer now = offer_.load(std::memory_order_acquire);
    if (number_of(now) != number_of(seen)) return now;
    pause();
  }
  ++asleep_;
  Offer now = offer_;
  while (number_of(now) == number_of(seen)) {
    offer_.wait(now);
    now = offer_;
  }
  --asleep_;
  return now;
}

void Team::work(unsigned worker) {
  set_up_thread("roost-compute", ThreadPriority::Normal);
  Offer seen = 0;
  while (!stopping_) {
    seen = next_offer(seen);
    take_parts(number_of(seen), worker);
  }
}

}  // namespace roost::tensor

#include "base/mutex.h"

#ifdef ROOST_PERTURB
#include <chrono>
#include <random>
#include <thread>

namespace roost {
namespace {

constexpr unsigned kOneIn = 24;      // steps sleep,
constexpr unsigned kLongOneIn = 16;  // and of those so many for long
constexpr std::chrono::microseconds kShort{500};
constexpr std::chrono::milliseconds kLong{20};

}  // namespace

void perturb() {
  static thread_local std::minstd_rand random(std::random_device{}());
  if (random() % kOneIn != 0) return;
  if (random() % kLongOneIn == 0) return std::this_thread::sleep_for(kLong);
  std::this_thread::sleep_for(kShort * (random() % 16) / 16);
}

}  // namespace roost
#endif

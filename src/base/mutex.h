#pragma once

#include <mutex>

#if defined(__clang__)
#define ROOST_TSA(x) __attribute__((x))
#else
#define ROOST_TSA(x)
#endif
#define ROOST_GUARDED_BY(m) ROOST_TSA(guarded_by(m))
#define ROOST_REQUIRES(...) ROOST_TSA(requires_capability(__VA_ARGS__))
#define ROOST_EXCLUDES(...) ROOST_TSA(locks_excluded(__VA_ARGS__))

namespace roost {

// Where threads meet: a build with ROOST_PERTURB sleeps there now and then, so that what could
// come between two steps does.
#ifdef ROOST_PERTURB
void perturb();
#else
inline void perturb() {}
#endif

// std::mutex that clang's -Wthread-safety can see. std::condition_variable_any waits on it
// directly; MutexLock is its scope guard.
class ROOST_TSA(capability("mutex")) Mutex {
 public:
  void lock() ROOST_TSA(acquire_capability()) {
    perturb();
    impl_.lock();
  }
  void unlock() ROOST_TSA(release_capability()) {
    impl_.unlock();
    perturb();
  }
  bool try_lock() ROOST_TSA(try_acquire_capability(true)) { return impl_.try_lock(); }

 private:
  std::mutex impl_;
};

class ROOST_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ROOST_TSA(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() ROOST_TSA(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace roost

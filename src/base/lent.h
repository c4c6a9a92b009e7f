#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "base/mutex.h"

namespace roost {

// A callback that is lent to code which may keep it. Once this has gone, which waits for the calls
// that run, a call does nothing. Any thread may call, several at once; none inside may end it.
template <class... Args>
class Lent {
 public:
  using Callback = std::function<void(Args...)>;
  explicit Lent(Callback callback) : core_(std::make_shared<Core>(std::move(callback))) {}
  ~Lent() { core_->end(); }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

  Callback callback() const {
    return [core = core_](Args... args) { core->call(args...); };
  }

 private:
  class Core {
   public:
    explicit Core(Callback callback) : callback_(std::move(callback)) {}

    void call(Args... args) {
      if (!enter()) return;
      const Leaving leaving{*this};
      callback_(args...);
    }
    void end() {
      MutexLock lock(mutex_);
      ended_ = true;
      idle_.wait(mutex_, [this]() ROOST_REQUIRES(mutex_) { return inside_ == 0; });
    }

   private:
    struct Leaving {
      Core& core;
      ~Leaving() { core.leave(); }
    };
    bool enter() {
      MutexLock lock(mutex_);
      if (!ended_) ++inside_;
      return !ended_;
    }
    void leave() {
      MutexLock lock(mutex_);
      if (--inside_ == 0) idle_.notify_all();
    }

    const Callback callback_;
    std::condition_variable_any idle_;
    Mutex mutex_;
    std::size_t inside_ ROOST_GUARDED_BY(mutex_) = 0;
    bool ended_ ROOST_GUARDED_BY(mutex_) = false;
  };

  const std::shared_ptr<Core> core_;
};

}  // namespace roost

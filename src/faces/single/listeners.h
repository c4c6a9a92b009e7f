#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "roost/event.h"

namespace roost::faces {

// Hands what is published to listeners, in order, on one thread that starts with the first of
// them. Listeners are called without a lock held; what they throw is dropped. One that is more
// than kMostPending behind misses the oldest. Thread-safe.
template <class T>
class Listeners {
 public:
  using Listener = std::function<void(const T&)>;

  Listeners() : core_(std::make_shared<Core>()) {}
  ~Listeners() { stop(); }
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  [[nodiscard]] Subscription subscribe(Listener listener) {
    const std::lock_guard lock(core_->mutex);
    if (core_->stopping) return {};
    const std::uint64_t id = core_->next_id++;
    core_->listeners.emplace(id, std::make_shared<const Listener>(std::move(listener)));
    if (!thread_) thread_.emplace([core = core_] { core->deliver(); });
    return Subscription([weak = std::weak_ptr<Core>(core_), id] {
      if (const auto core = weak.lock()) core->end(id);
    });
  }

  void publish(T what) {
    const std::lock_guard lock(core_->mutex);
    if (core_->listeners.empty() || core_->stopping) return;
    if (core_->pending.size() == kMostPending) core_->pending.pop_front();
    core_->pending.push_back(std::move(what));
    core_->changed.notify_all();
  }

  // Is this the thread that calls the listeners?
  bool is_delivering() const {
    const std::lock_guard lock(core_->mutex);
    return core_->deliverer == std::this_thread::get_id();
  }

  // Lets the listener that runs end, and delivers no more. Not from a listener.
  void stop() {
    {
      const std::lock_guard lock(core_->mutex);
      core_->stopping = true;
      core_->changed.notify_all();
    }
    thread_.reset();
  }

 private:
  static constexpr std::size_t kMostPending = 4'096;

  struct Core {
    std::mutex mutex;  // guards all below
    std::condition_variable changed;
    std::map<std::uint64_t, std::shared_ptr<const Listener>> listeners;
    std::deque<T> pending;
    std::uint64_t next_id = 1;
    std::uint64_t running = 0;  // the listener that is called now
    std::thread::id deliverer;
    bool stopping = false;

    void deliver() {
      std::unique_lock lock(mutex);
      deliverer = std::this_thread::get_id();
      while (true) {
        changed.wait(lock, [this] { return stopping || !pending.empty(); });
        if (stopping) break;
        const T what = std::move(pending.front());
        pending.pop_front();
        for (std::uint64_t id = 0; const auto next = after(id);) {
          id = next->first;
          running = id;
          lock.unlock();
          call(*next->second, what);
          lock.lock();
          running = 0;
          changed.notify_all();
          if (stopping) break;
        }
      }
      deliverer = {};  // another thread may get its id
    }

    std::optional<std::pair<std::uint64_t, std::shared_ptr<const Listener>>> after(
        std::uint64_t id) const {
      const auto next = listeners.upper_bound(id);
      if (next == listeners.end()) return std::nullopt;
      return *next;
    }

    void end(std::uint64_t id) {
      std::unique_lock lock(mutex);
      listeners.erase(id);
      if (std::this_thread::get_id() == deliverer) return;
      changed.wait(lock, [this, id] { return running != id; });
    }

    static void call(const Listener& listener, const T& what) noexcept {
      try {
        listener(what);
      } catch (...) {  // a listener's trouble is its own
      }
    }
  };

  const std::shared_ptr<Core> core_;
  std::optional<std::jthread> thread_;  // guarded by the core's mutex until stop()
};

}  // namespace roost::faces

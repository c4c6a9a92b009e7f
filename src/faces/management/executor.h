#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace roost::faces {

// The threads of a manager's async calls: none before the first call, at most `max_threads`, kept
// for the next ones. More calls than threads wait in the order they came. Thread-safe.
class Executor {
 public:
  explicit Executor(std::size_t max_threads) : max_threads_(max_threads) {}
  ~Executor() { shutdown(); }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // What `f` returns or throws comes out of the future. Throws EngineClosed after shutdown().
  template <class F>
  std::future<std::invoke_result_t<F&>> submit(F f) {
    auto task = std::make_shared<std::packaged_task<std::invoke_result_t<F&>()>>(std::move(f));
    auto future = task->get_future();
    post([task] { (*task)(); });
    return future;
  }

  // Refuses new calls, runs those accepted and joins the threads; not from one of them.
  void shutdown();

  std::size_t threads() const;

 private:
  void post(std::function<void()> task);
  void work();

  const std::size_t max_threads_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::jthread> workers_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace roost::faces

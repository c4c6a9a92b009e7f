#pragma once

#include <atomic>
#include <future>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "roost/backend.h"
#include "roost/options.h"

namespace roost {

namespace pool {
class Residency;
}

// What a load and its first uses took. Zero means: has not happened.
struct LatencyReport {
  double load_ms = 0;        // from the start of the work to loaded
  double warm_up_ms = 0;
  double first_call_ms = 0;
  double steady_call_ms = 0;  // decayed mean of the later calls
  std::uint64_t calls = 0;
};

// A lease on a loaded model: while it is open the pool neither evicts nor drains the model, so
// keep one as long as you use it, not longer. Empty after a move or close(). Calls from many
// threads at once are fine, also while another thread closes it: they then throw NotLoaded.
// May outlive the engine; its calls then throw EngineClosed.
class ModelHandle {
 public:
  ModelHandle() = default;
  ModelHandle(ModelHandle&& other) noexcept;
  ModelHandle& operator=(ModelHandle&& other) noexcept;
  ~ModelHandle();

  explicit operator bool() const noexcept { return open_.load(std::memory_order_acquire); }
  // Taken away: the model was unloaded by force, or broke. Uses throw; only close() is left.
  bool is_revoked() const noexcept;
  const std::string& id() const;
  ModelInfo info() const;
  LatencyReport latency() const;

  std::size_t width(Task task) const;
  Sequence tokenize(Task task, std::string_view text, std::string_view pair = {}) const;
  // Blocks. Rows of `outputs` are width(task) floats each, in the order of `sequences`.
  void run(Task task, std::span<const Sequence> sequences, std::span<float> outputs,
           std::stop_token stop = {}) const;
  void warm_up(std::stop_token stop = {}) const;  // idempotent, safe concurrently

  // Runs f on the loaded object itself, counted as a call. For models of your own.
  void with(const std::function<void(Model&)>& f) const;

  void close() noexcept;
  std::future<void> close_async();  // of an isolated instance: ready when its memory is back

 private:
  friend class pool::Residency;
  explicit ModelHandle(pool::Residency* leased) noexcept : residency_(leased), open_(true) {}
  pool::Residency& leased() const;

  pool::Residency* residency_ = nullptr;
  std::atomic<bool> open_{false};
};

}  // namespace roost

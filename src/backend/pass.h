#pragma once

#include <condition_variable>
#include <exception>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "backend/pass_limits.h"
#include "roost/backend.h"

namespace roost::backend {

// One caller's work, on its stack while it waits. Guarded by the executor's mutex, but for what
// a pass in flight reads.
struct Request {
  Task task;
  std::span<const Sequence> sequences;
  std::span<float> outputs;  // sequences.size() * width
  std::size_t width;
  std::stop_token stop;

  std::size_t begun = 0;  // sequences that passes took
  bool in_flight = false;
  bool done = false;
  std::exception_ptr error = nullptr;
  std::optional<std::condition_variable_any> wake = std::nullopt;  // only once the caller waits
};

// The part of several requests that goes through a model at once. Reused, so that in the steady
// state a pass allocates nothing. Used by one thread at a time.
class Pass {
 public:
  struct Item {
    Request* request;
    std::size_t first;  // in the pass
    std::size_t count;
    std::exception_ptr error;
  };

  void begin(Task task, const PassLimits& limits);

  // Takes what fits of the request's sequences that no pass took yet; false when nothing did.
  bool take(Request& request);
  bool full() const { return full_; }

  // Runs the model. When a pass of several requests fails, each runs again alone, so an error
  // reaches only its owner.
  void execute(Model& model) noexcept;

  std::span<Item> items() { return items_; }
  std::size_t sequences() const { return sequences_.size(); }
  std::uint64_t tokens() const { return tokens_; }
  const PassLimits& limits() const { return limits_; }
  bool went_smoothly() const { return smooth_; }
  std::uint64_t out_of_memory() const { return out_of_memory_; }

 private:
  bool run_packed(Model& model) noexcept;
  void run_alone(Model& model, Item& item) noexcept;
  void run(Model& model, std::span<const Sequence* const> sequences, std::span<float> outputs,
           const std::stop_token& stop);
  bool can_run_smaller(Model& model, std::size_t sequences);
  void hand_out();

  Task task_ = Task::Embed;
  PassLimits limits_{LaneOptions{}};
  std::vector<Item> items_;
  std::vector<const Sequence*> sequences_;
  std::uint64_t tokens_ = 0;
  bool full_ = false;
  bool smooth_ = true;
  std::uint64_t out_of_memory_ = 0;
  std::vector<float> shared_;  // outputs of several requests; one alone gets its own directly
};

}  // namespace roost::backend

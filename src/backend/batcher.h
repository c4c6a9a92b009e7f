#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>

#include "backend/pass.h"
#include "backend/pass_limits.h"
#include "backend/pass_times.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "roost/backend.h"

namespace roost::backend {

// What a model's lane did so far and does now.
struct LaneStats {
  std::uint64_t passes = 0;
  std::uint64_t sequences = 0;
  std::uint64_t tokens = 0;
  std::uint64_t out_of_memory = 0;  // runs that found none
  std::size_t waiting = 0;          // requests no pass has taken whole, and exclusive work
  std::uint64_t token_budget = 0;   // of the next pass
  std::size_t sequence_limit = 0;
  PassTimes pass_times;
};

// Runs the passes of all models on one device, one at a time, lanes in turn. A pass is run by
// the caller who finds the device idle, else by the executor's thread: a lone request costs no
// change of thread, and nobody waits for a timer. Outlives its lanes. Thread-safe.
class Executor {
 public:
  // Its thread is WorkingFor `owner`.
  explicit Executor(const std::string& device_id, Clock& clock = system_clock(),
                    const void* owner = nullptr);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Waits for the pass in flight, fails what waits with EngineClosed, joins. Idempotent.
  void stop();

 private:
  friend class Lane;
  struct Queue;
  class Visit;

  void serve(Queue& queue, Request& request);
  void exclusively(Queue& queue, const std::function<void(Model&)>& work, std::stop_token stop);
  void close(Queue& queue, const std::function<std::exception_ptr()>& error);

  void work(std::stop_token stop);
  bool may_start() const ROOST_REQUIRES(mutex_);
  void wake_if_work() ROOST_REQUIRES(mutex_);
  template <class F>
  void with_device(const Model& model, const F& f) ROOST_REQUIRES(mutex_);
  void run_pass() ROOST_REQUIRES(mutex_);
  void assemble(Queue& queue) ROOST_REQUIRES(mutex_);
  void commit(Queue& queue, Duration took) ROOST_REQUIRES(mutex_);
  void await(Queue& queue, Request& request) ROOST_REQUIRES(mutex_);
  void make_ready(Queue& queue) ROOST_REQUIRES(mutex_);
  void fail_waiting(Queue& queue) ROOST_REQUIRES(mutex_);
  std::exception_ptr refusal(const Queue& queue) const ROOST_REQUIRES(mutex_);
  static void finish(Request& request, std::exception_ptr error);

  Clock& clock_;
  Pass pass_;                              // whoever set busy_ uses it
  std::condition_variable_any work_;       // the thread waits for passes to run
  std::condition_variable_any exclusive_;  // exclusively() and stop() wait for the device

  Mutex mutex_;
  std::deque<Queue*> ready_ ROOST_GUARDED_BY(mutex_);  // queues with requests, in their turn
  bool busy_ ROOST_GUARDED_BY(mutex_) = false;
  bool stopping_ ROOST_GUARDED_BY(mutex_) = false;
  std::size_t exclusive_waiting_ ROOST_GUARDED_BY(mutex_) = 0;
  std::size_t lanes_ ROOST_GUARDED_BY(mutex_) = 0;
  std::jthread thread_ ROOST_GUARDED_BY(mutex_);
};

// One model's way to the executor of its device. Thread-safe. The model must stay until the lane
// is closed.
class Lane {
 public:
  Lane(Executor& executor, Model& model, std::string model_id, const LaneOptions& options = {});
  ~Lane();  // closes with LeaseRevoked
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Row i of `outputs` becomes what the model makes of sequence i, as if it ran alone; other
  // callers' work may share its passes and a large request takes several. Blocks until done.
  // After an error or cancellation the outputs are unspecified. A request that waits is cancelled
  // at once; one in flight, after its pass. Not from inside Model::run.
  void submit(Task task, std::span<const Sequence> sequences, std::span<float> outputs,
              std::stop_token stop = {});

  // Runs `work` while no pass runs on the device, before passes that wait.
  void exclusively(const std::function<void(Model&)>& work, std::stop_token stop = {});

  // Waits for the pass in flight; what is not done then, and what comes later, fails with an
  // error of its own from `error`. Returns when nobody is inside. The first close decides.
  void close(const std::function<std::exception_ptr()>& error);

  LaneStats stats() const;

 private:
  Executor& executor_;
  const std::unique_ptr<Executor::Queue> queue_;
};

}  // namespace roost::backend

#include "backend/batcher.h"

#include <algorithm>

#include "base/assert.h"
#include "roost/ids.h"
#include "base/thread_pool.h"
#include "base/working_for.h"
#include "roost/error.h"

namespace roost::backend {

// Guarded by the executor's mutex, but for what is const.
struct Executor::Queue {
  Queue(Model& the_model, std::string id, const LaneOptions& options)
      : model(the_model), model_id(std::move(id)), limits(options) {}

  Model& model;
  const std::string model_id;
  std::condition_variable_any empty;  // close() waits for the callers inside to leave

  std::deque<Request*> waiting;
  std::size_t exclusive_waiting = 0;
  bool listed = false;                         // in ready_
  std::size_t users = 0;                       // callers inside
  std::function<std::exception_ptr()> closed;  // empty while open
  PassLimits limits;
  LaneStats stats;
};

// A caller inside: while it is there close() does not return, so the model stays.
class Executor::Visit {
 public:
  Visit(Executor& executor, Queue& queue) : executor_(executor), queue_(queue) {
    if (WorkingFor::is(&executor)) {
      throw RoostError(ErrorCode::InvalidArgument,
                       "running '" + printable(queue.model_id) +
                           "' from code of a model that runs on the same device: it would wait "
                           "for itself; call it before or after");
    }
    MutexLock lock(executor_.mutex_);
    if (auto refused = executor_.refusal(queue_)) std::rethrow_exception(std::move(refused));
    ++queue_.users;
  }
  ~Visit() {
    MutexLock lock(executor_.mutex_);
    if (--queue_.users == 0 && queue_.closed) queue_.empty.notify_all();
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  Executor& executor_;
  Queue& queue_;
};

Executor::Executor(const std::string& device_id, Clock& clock, const void* owner) : clock_(clock) {
  MutexLock lock(mutex_);
  thread_ = std::jthread([this, owner, name = "exec " + device_id](std::stop_token stop) {
    set_up_thread(name, ThreadPriority::Normal);
    const WorkingFor mark(owner);
    work(std::move(stop));
  });
}

Executor::~Executor() {
  stop();
  MutexLock lock(mutex_);
  ROOST_ASSERT(lanes_ == 0);
}

void Executor::stop() {
  std::jthread thread;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    while (!ready_.empty()) fail_waiting(*ready_.front());
    exclusive_.notify_all();
    exclusive_.wait(mutex_, [this]() ROOST_REQUIRES(mutex_) { return !busy_; });
    thread.swap(thread_);
  }
  thread = {};  // asks it to stop and joins
}

void Executor::work(std::stop_token stop) {
  MutexLock lock(mutex_);
  while (work_.wait(mutex_, stop, [this]() ROOST_REQUIRES(mutex_) { return may_start(); })) {
    run_pass();
  }
}

bool Executor::may_start() const {
  return !busy_ && exclusive_waiting_ == 0 && !ready_.empty();
}

void Executor::wake_if_work() {
  if (may_start()) work_.notify_one();
}

void Executor::serve(Queue& queue, Request& request) {
  MutexLock lock(mutex_);
  request.error = refusal(queue);
  if (request.error) std::rethrow_exception(std::move(request.error));
  queue.waiting.push_back(&request);
  make_ready(queue);
  while (!request.done && may_start() && !request.stop.stop_requested()) run_pass();
  wake_if_work();
  if (!request.done) await(queue, request);
  if (request.error) std::rethrow_exception(std::move(request.error));
}

void Executor::await(Queue& queue, Request& request) {
  request.wake.emplace();
  if (request.wake->wait(mutex_, request.stop, [&] { return request.done; })) return;
  if (request.in_flight) {
    request.wake->wait(mutex_, [&] { return request.done; });  // commit() sees the stop request
    return;
  }
  std::erase(queue.waiting, &request);
  if (queue.waiting.empty() && queue.listed) {
    std::erase(ready_, &queue);
    queue.listed = false;
  }
  finish(request, std::make_exception_ptr(
                      CancelledException("a call of '" + printable(queue.model_id) +
                                         "' was cancelled while it waited for its turn")));
}

// Lets the lock go while f runs; busy_ keeps the device meanwhile. f must not throw.
template <class F>
void Executor::with_device(const Model& model, const F& f) {
  busy_ = true;
  mutex_.unlock();
  {
    const WorkingFor on_device(this), of_model(&model);
    f();
  }
  mutex_.lock();
  busy_ = false;
  if (exclusive_waiting_ > 0 || stopping_) exclusive_.notify_all();
}

void Executor::run_pass() {
  Queue& queue = *ready_.front();
  ready_.pop_front();
  queue.listed = false;
  assemble(queue);
  Duration took{};
  with_device(queue.model, [&]() noexcept {
    const Instant start = clock_.now();
    pass_.execute(queue.model);
    took = clock_.now() - start;
  });
  commit(queue, took);
}

// One task a pass: what asks for another keeps its place.
void Executor::assemble(Queue& queue) {
  const Task task = queue.waiting.front()->task;
  pass_.begin(task, queue.limits);
  std::size_t kept = 0;
  std::size_t seen = 0;
  for (; seen < queue.waiting.size() && !pass_.full(); ++seen) {
    Request* request = queue.waiting[seen];
    if (request->task == task && pass_.take(*request)) {
      request->in_flight = true;
    } else {
      queue.waiting[kept++] = request;
    }
  }
  const auto begin = queue.waiting.begin();
  queue.waiting.erase(begin + static_cast<std::ptrdiff_t>(kept),
                      begin + static_cast<std::ptrdiff_t>(seen));
}

void Executor::commit(Queue& queue, Duration took) {
  queue.limits = pass_.limits();
  if (pass_.went_smoothly()) queue.limits.passed(pass_.tokens(), took);
  LaneStats& stats = queue.stats;
  ++stats.passes;
  stats.sequences += pass_.sequences();
  stats.tokens += pass_.tokens();
  stats.out_of_memory += pass_.out_of_memory();
  stats.pass_times.add(took);

  const auto items = pass_.items();
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    Request& request = *item->request;
    request.in_flight = false;
    if (item->error || request.begun == request.sequences.size()) {
      finish(request, std::move(item->error));
    } else if (auto refused = refusal(queue)) {
      finish(request, std::move(refused));
    } else if (request.stop.stop_requested()) {
      finish(request, std::make_exception_ptr(CancelledException(
                          "a call of '" + printable(queue.model_id) + "' was cancelled after " +
                          std::to_string(request.begun) + " of " +
                          std::to_string(request.sequences.size()) + " sequences")));
    } else {
      queue.waiting.push_front(&request);
    }
  }
  make_ready(queue);
  if (refusal(queue)) fail_waiting(queue);  // stop() does not see a queue whose pass runs
}

void Executor::finish(Request& request, std::exception_ptr error) {
  request.error = std::move(error);
  request.done = true;
  if (request.wake) request.wake->notify_one();  // under the lock: the request is on its stack
}

void Executor::make_ready(Queue& queue) {
  if (queue.listed || queue.waiting.empty()) return;
  ready_.push_back(&queue);
  queue.listed = true;
}

std::exception_ptr Executor::refusal(const Queue& queue) const {
  if (queue.closed) return queue.closed();
  if (stopping_) return std::make_exception_ptr(EngineClosedException());
  return nullptr;
}

void Executor::fail_waiting(Queue& queue) {
  for (Request* request : queue.waiting) finish(*request, refusal(queue));
  queue.waiting.clear();
  if (queue.listed) std::erase(ready_, &queue);
  queue.listed = false;
}

void Executor::exclusively(Queue& queue, const std::function<void(Model&)>& work,
                           std::stop_token stop) {
  MutexLock lock(mutex_);
  ++exclusive_waiting_;
  ++queue.exclusive_waiting;
  exclusive_.wait(mutex_, stop, [this]() ROOST_REQUIRES(mutex_) { return !busy_ || stopping_; });
  --exclusive_waiting_;
  --queue.exclusive_waiting;
  std::exception_ptr error = refusal(queue);
  if (!error && stop.stop_requested()) {
    error = std::make_exception_ptr(CancelledException(
        "work on '" + printable(queue.model_id) + "' was cancelled while it waited for its turn"));
  }
  if (!error) {
    with_device(queue.model, [&]() noexcept {
      try {
        work(queue.model);
      } catch (...) {
        error = std::current_exception();
      }
    });
  }
  wake_if_work();
  if (error) std::rethrow_exception(std::move(error));
}

void Executor::close(Queue& queue, const std::function<std::exception_ptr()>& error) {
  MutexLock lock(mutex_);
  if (!queue.closed) queue.closed = error;
  fail_waiting(queue);
  queue.empty.wait(mutex_, [&] { return queue.users == 0; });
}

Lane::Lane(Executor& executor, Model& model, std::string model_id, const LaneOptions& options)
    : executor_(executor),
      queue_(std::make_unique<Executor::Queue>(model, std::move(model_id), options)) {
  MutexLock lock(executor_.mutex_);
  ++executor_.lanes_;
}

Lane::~Lane() {
  close([this] { return std::make_exception_ptr(LeaseRevokedException(queue_->model_id)); });
  MutexLock lock(executor_.mutex_);
  --executor_.lanes_;
}

void Lane::submit(Task task, std::span<const Sequence> sequences, std::span<float> outputs,
                  std::stop_token stop) {
  const Executor::Visit visit(executor_, *queue_);
  const std::size_t width = queue_->model.width(task);
  if (outputs.size() != sequences.size() * width) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "running '" + printable(queue_->model_id) +
                         "': " + std::to_string(sequences.size()) + " sequences need " +
                         std::to_string(sequences.size() * width) + " outputs, but " +
                         std::to_string(outputs.size()) + " were given");
  }
  if (stop.stop_requested()) {
    throw CancelledException("a call of '" + printable(queue_->model_id) + "' was cancelled");
  }
  if (sequences.empty()) return;
  Request request{task, sequences, outputs, width, std::move(stop)};
  executor_.serve(*queue_, request);
}

void Lane::exclusively(const std::function<void(Model&)>& work, std::stop_token stop) {
  const Executor::Visit visit(executor_, *queue_);
  executor_.exclusively(*queue_, work, std::move(stop));
}

void Lane::close(const std::function<std::exception_ptr()>& error) {
  executor_.close(*queue_, error);
}

LaneStats Lane::stats() const {
  MutexLock lock(executor_.mutex_);
  LaneStats stats = queue_->stats;
  stats.waiting = queue_->waiting.size() + queue_->exclusive_waiting;
  stats.token_budget = queue_->limits.tokens();
  stats.sequence_limit = queue_->limits.sequences();
  return stats;
}

}  // namespace roost::backend

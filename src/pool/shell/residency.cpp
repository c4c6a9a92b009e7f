#include "pool/shell/residency.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/foreign_code.h"
#include "base/working_for.h"
#include "roost/error.h"

namespace roost::pool {
namespace {

constexpr double kNewest = 0.1;  // weight of the newest call in decayed means
constexpr double kDegradedShare = 0.1;   // of recent calls that failed
constexpr double kUnhealthyShare = 0.5;  // likewise

// What the caller did wrong, or took back, says nothing about the model.
bool is_the_models_fault(ErrorCode code) {
  return code != ErrorCode::Cancelled && code != ErrorCode::InvalidArgument &&
         code != ErrorCode::ContextTooLong && code != ErrorCode::Unsupported &&
         code != ErrorCode::EngineClosed && code != ErrorCode::LeaseRevoked;
}

double milliseconds_between(Instant from, Instant to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// What is no number is a failure, however well the run went. Raw tensors may hold anything.
void check_outputs(const std::string& model, Task task, std::span<const float> outputs) {
  const auto is_number = [](float value) { return std::isfinite(value); };
  if (task == Task::Tensor || std::all_of(outputs.begin(), outputs.end(), is_number)) return;
  throw InferenceException(model, "its outputs are not finite numbers");
}

}  // namespace

void Returns::tell(SlotId slot) {
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    ++running_;
  }
  notice_(slot);
  MutexLock lock(mutex_);
  --running_;
  idle_.notify_all();
}

void Returns::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  idle_.wait(mutex_, [this]() ROOST_REQUIRES(mutex_) { return running_ == 0; });
}

// One use. Taken before the model is touched, so that no unload destroys it meanwhile.
class Residency::Call {
 public:
  explicit Call(Residency& residency)
      : residency_(residency), part_of_pool_(residency.parts_.owner), part_of_use_(&residency) {
    if (residency_.gate_.try_call()) return;
    if (residency_.engine_closed_.load(std::memory_order_acquire)) throw EngineClosedException();
    throw LeaseRevokedException(residency_.model_id());
  }
  ~Call() {
    const LeaseGate::Counts left = residency_.gate_.end_call();
    if (left.watched && left.calls == 0) residency_.parts_.returns->tell(residency_.parts_.slot);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  Residency& residency_;
  const WorkingFor part_of_pool_, part_of_use_;
};

namespace {

// Where it is the pool knows best.
ModelInfo info_of(const Model& model, const Device& device) {
  ModelInfo info = model.info();
  info.device_id = device.info().id;
  return info;
}

}  // namespace

Residency::Residency(Parts parts)
    : parts_(std::move(parts)),
      model_(parts_.model.get()),
      info_(info_of(*model_, *parts_.device)) {
  lane_ = std::make_unique<backend::Lane>(*parts_.executor, *parts_.model, parts_.model_id);
}

void Residency::drop_reference() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void Residency::end_lease() {
  if (!engine_closed_.load(std::memory_order_acquire)) {
    gate_.idle_from(parts_.clock->coarse_now());
  }
  end_probe();
}

void Residency::end_probe() {
  const LeaseGate::Counts left = gate_.end_lease();
  if (left.watched && left.leases == 0) parts_.returns->tell(parts_.slot);
}

bool Residency::is_used_here() const {
  return WorkingFor::is(this) || WorkingFor::is(model_);
}

std::size_t Residency::width(Task task) {
  const Call call(*this);
  return width_of_model(task);
}

std::size_t Residency::width_of_model(Task task) const {
  return run_foreign([&] { return parts_.model->width(task); },
                     [&](const std::string& why) { return InferenceException(model_id(), why); });
}

Sequence Residency::tokenize(Task task, std::string_view text, std::string_view pair) {
  const Call call(*this);
  return run_foreign([&] { return parts_.model->tokenize(task, text, pair); },
                     [&](const std::string& why) { return InferenceException(model_id(), why); });
}

void Residency::run(Task task, std::span<const Sequence> sequences, std::span<float> outputs,
                    std::stop_token stop) {
  const Call call(*this);
  const std::size_t wanted = sequences.size() * width_of_model(task);
  if (outputs.size() != wanted) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "running '" + model_id() + "': " + std::to_string(outputs.size()) +
                         " output floats given, " + std::to_string(wanted) + " are needed");
  }
  if (sequences.empty()) return;
  const Instant begin = parts_.clock->now();
  try {
    lane_->submit(task, sequences, outputs, std::move(stop));
    check_outputs(model_id(), task, outputs);
  } catch (const RoostError& error) {
    if (is_the_models_fault(error.code())) record_call(begin, true);
    throw;
  } catch (const std::exception& error) {
    record_call(begin, true);
    throw InferenceException(model_id(), error.what());
  } catch (...) {  // user code may throw anything
    record_call(begin, true);
    throw InferenceException(model_id(), "the model threw something unknown");
  }
  record_call(begin, false);
}

void Residency::warm_up(std::stop_token stop) {
  if (warmed_.load(std::memory_order_acquire)) return;
  const Call call(*this);
  if (info_.tasks.empty()) return;
  const Task task = info_.tasks.front();
  const Instant begin = parts_.clock->now();
  const auto run_once = [&] {
    const Sequence sample = parts_.model->tokenize(task, "warm-up", "warm-up");
    std::vector<float> output(parts_.model->width(task));
    lane_->submit(task, std::span(&sample, 1), output, std::move(stop));
    check_outputs(model_id(), task, output);
  };
  run_foreign(run_once,
              [&](const std::string& why) { return InferenceException(model_id(), why); });
  if (!warmed_.exchange(true)) {
    warm_up_ms_.store(milliseconds_between(begin, parts_.clock->now()), std::memory_order_relaxed);
  }
}

void Residency::with(const std::function<void(Model&)>& f) {
  const Call call(*this);
  const Instant begin = parts_.clock->now();
  try {
    f(*parts_.model);
  } catch (...) {  // the caller's code: only counted here
    record_call(begin, true);
    throw;
  }
  record_call(begin, false);
}

Finding Residency::probe(std::stop_token stop) {
  const Call call(*this);
  Finding found;
  try {
    run_foreign(
        [&] {
          lane_->exclusively([&](Model& model) { found.health = model.probe_health(stop); }, stop);
        },
        [](const std::string& why) { return RoostError(ErrorCode::HealthFailed, why); });
  } catch (const RoostError& error) {
    if (error.code() == ErrorCode::Cancelled) throw;
    found = {Health::Unhealthy, error.what()};
  }
  Finding of_calls = health_of_calls();
  return of_calls.health > found.health ? of_calls : found;
}

Finding Residency::health_of_calls() const {
  const double failing = failing_.load(std::memory_order_relaxed);
  if (failing < kDegradedShare) return {};
  return {failing < kUnhealthyShare ? Health::Degraded : Health::Unhealthy,
          std::to_string(std::lround(failing * 100)) + " % of its recent calls failed"};
}

Finding Residency::last_finding() const {
  MutexLock lock(mutex_);
  return last_finding_;
}

Health Residency::keep_finding(const Finding& finding) {
  MutexLock lock(mutex_);
  return std::exchange(last_finding_, finding).health;
}

LatencyReport Residency::latency() const {
  return {load_ms_.load(std::memory_order_relaxed), warm_up_ms_.load(std::memory_order_relaxed),
          first_call_ms_.load(std::memory_order_relaxed),
          steady_call_ms_.load(std::memory_order_relaxed), calls_.load(std::memory_order_relaxed)};
}

// Lost updates between threads only blur a mean.
void Residency::record_call(Instant begin, bool failed) {
  const Instant now = parts_.clock->now();
  const double ms = milliseconds_between(begin, now);
  UsageCounters& usage = *parts_.usage;
  (failed ? usage.failures : usage.successes).fetch_add(1, std::memory_order_relaxed);
  usage.busy_ns.fetch_add(std::chrono::nanoseconds(now - begin).count(),
                          std::memory_order_relaxed);
  const double failing = failing_.load(std::memory_order_relaxed);
  failing_.store(failing + kNewest * ((failed ? 1.0 : 0.0) - failing), std::memory_order_relaxed);
  if (failed) return;
  const std::uint64_t before = calls_.fetch_add(1, std::memory_order_relaxed);
  if (before == 0) {
    first_call_ms_.store(ms, std::memory_order_relaxed);
    return;
  }
  const double mean = steady_call_ms_.load(std::memory_order_relaxed);
  steady_call_ms_.store(before == 1 ? ms : mean + kNewest * (ms - mean),
                        std::memory_order_relaxed);
}

HostImages Residency::save_images(LoadContext& context, std::stop_token stop) {
  return parts_.model->save_images(context, std::move(stop));
}

void Residency::destroy_model(std::stop_token stop) {
  lane_->close([this] {
    return engine_closed_.load() ? std::make_exception_ptr(EngineClosedException())
                                 : std::make_exception_ptr(LeaseRevokedException(model_id()));
  });
  try {
    parts_.model->unload(std::move(stop));
  } catch (...) {
    parts_.model.reset();
    throw;
  }
  parts_.model.reset();
}

}  // namespace roost::pool

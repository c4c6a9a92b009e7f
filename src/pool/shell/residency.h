#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "backend/batcher.h"
#include "pool/core/core.h"
#include "roost/backend.h"
#include "roost/model_handle.h"

namespace roost::pool {

// Where a residency tells of its last return. Outlives the pool, so that handles may.
class Returns {
 public:
  using Notice = std::function<void(SlotId)>;
  explicit Returns(Notice notice) : notice_(std::move(notice)) {}
  void tell(SlotId slot);  // nothing once closed
  void close();            // returns when no notice is running

 private:
  Mutex mutex_;
  std::condition_variable_any idle_;
  const Notice notice_;
  std::size_t running_ ROOST_GUARDED_BY(mutex_) = 0;
  bool closed_ ROOST_GUARDED_BY(mutex_) = false;
};

// What a slot's copies were used for, this one and those before it. Lock-free.
struct UsageCounters {
  std::atomic<std::uint64_t> successes{0}, failures{0};
  std::atomic<std::int64_t> busy_ns{0};
};

// What a probe found. `why` it is not healthy; empty when nobody said.
struct Finding {
  Health health = Health::Unknown;
  std::string why;
};

// One loaded copy of a model: the object, who may use it, and how long it took. Counted by
// references: the pool holds one, every handle one; the object inside is destroyed by the pool's
// unload, once the gate is sealed, however many handles are still about.
class Residency {
 public:
  struct Parts {
    SlotId slot{};
    std::string model_id;
    std::unique_ptr<Model> model;
    std::shared_ptr<Device> device;
    std::shared_ptr<MemoryAccount> account;
    std::shared_ptr<backend::Executor> executor;
    std::shared_ptr<Returns> returns;
    std::shared_ptr<UsageCounters> usage;
    Clock* clock = nullptr;
    const void* owner = nullptr;  // what its uses are WorkingFor
    std::shared_future<void> gone;  // of an isolated one: ready when its memory is back
  };
  explicit Residency(Parts parts);
  Residency(const Residency&) = delete;
  Residency& operator=(const Residency&) = delete;

  LeaseGate& gate() { return gate_; }
  void add_reference() { references_.fetch_add(1, std::memory_order_relaxed); }
  void drop_reference();
  // A handle on a lease already taken from the gate and a reference already added.
  static ModelHandle handle(Residency* leased) { return ModelHandle(leased); }
  void end_lease();
  void end_probe();  // of a lease that was no use: it leaves the idle time as it was

  const std::string& model_id() const { return parts_.model_id; }
  const std::shared_future<void>& gone() const { return parts_.gone; }
  const ModelInfo& info() const { return info_; }
  const std::shared_ptr<Device>& device() const { return parts_.device; }
  MemoryAccount& account() const { return *parts_.account; }

  bool is_used_here() const;  // is this thread within a use of it?

  // --- uses; each is one call and throws LeaseRevoked or EngineClosed at a closed gate
  std::size_t width(Task task);
  Sequence tokenize(Task task, std::string_view text, std::string_view pair);
  void run(Task task, std::span<const Sequence> sequences, std::span<float> outputs,
           std::stop_token stop);
  void warm_up(std::stop_token stop);
  bool is_warm() const { return warmed_.load(std::memory_order_acquire); }
  void with(const std::function<void(Model&)>& f);
  // A real probe: Unhealthy when it throws, with that reason. Degraded or Unhealthy too when many
  // recent calls failed, however well the probe went.
  Finding probe(std::stop_token stop);

  // --- what it took
  LatencyReport latency() const;
  void set_load_ms(double ms) { load_ms_.store(ms, std::memory_order_relaxed); }
  Finding last_finding() const;
  Health keep_finding(const Finding& finding);  // returns what its health was before

  // --- the pool's unload, after the gate is sealed or revoked with no call left
  void engine_closes() { engine_closed_.store(true, std::memory_order_release); }
  HostImages save_images(LoadContext& context, std::stop_token stop);
  void destroy_model(std::stop_token stop);  // user code may throw; the model is gone all the same

 private:
  class Call;
  ~Residency() = default;
  std::size_t width_of_model(Task task) const;
  void record_call(Instant begin, bool failed);
  Finding health_of_calls() const;

  Parts parts_;
  const Model* const model_;  // still names it when it is gone
  const ModelInfo info_;
  std::unique_ptr<backend::Lane> lane_;
  LeaseGate gate_;
  std::atomic<std::uint64_t> references_{1};
  std::atomic<bool> engine_closed_{false};
  std::atomic<bool> warmed_{false};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<double> load_ms_{0}, warm_up_ms_{0}, first_call_ms_{0}, steady_call_ms_{0};
  std::atomic<double> failing_{0};  // decayed share of calls that failed

  mutable Mutex mutex_;
  Finding last_finding_ ROOST_GUARDED_BY(mutex_);
};

}  // namespace roost::pool

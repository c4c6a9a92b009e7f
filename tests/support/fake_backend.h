#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "roost/backend.h"
#include "support/gate.h"

namespace roost::test {

// What one model of a FakeBackend takes. All of it is really allocated, on the devices that the
// load context names and through its account.
struct FakeSpec {
  std::vector<Component> components;  // empty: no host tier
  std::uint64_t placement_bytes = 1 << 20;
  bool in_place = false;                 // runs from its images, whatever the device
  std::optional<LoadEstimate> estimate;  // what it says it takes; by default the truth
  std::size_t dimensions = 4;
};

// The model's weights are one component, "model", that is copied to the device it runs on.
FakeSpec fake_with_image(std::uint64_t bytes);

enum class FakeStep : std::uint8_t { Read, Load, Run, Probe, Save, Unload };
inline constexpr std::size_t kFakeSteps = 6;

// How the models of one source behave, and what they did. Thread-safe.
class FakeScript {
 public:
  explicit FakeScript(FakeSpec spec) : spec_(std::move(spec)) {}

  const FakeSpec& spec() const { return spec_; }

  // Every step first waits at its gate. With `ignore_stop` it waits there whatever the stop
  // token says: a load or unload that does not obey.
  Gate& gate(FakeStep step) { return gates_[index(step)]; }
  void ignore_stop(FakeStep step, bool ignore = true) { stubborn_[index(step)] = ignore; }

  // The nth such step from now on (1: the next) calls `raise` after its gate.
  void fail(FakeStep step, std::uint64_t nth, std::function<void()> raise);

  // Called in each run before the outputs are written.
  void on_run(std::function<void(const Batch&)> hook);

  void poison_outputs(bool poisoned = true) { poisoned_ = poisoned; }  // runs write NaN
  void set_health(Health health) { health_ = health; }

  // Models that are destroyed leave their placement behind, until give_back().
  void keep_memory(bool keep = true) { keep_memory_ = keep; }
  void give_back();

  std::uint64_t count(FakeStep step) const { return counts_[index(step)]; }  // begun
  std::size_t alive() const { return alive_; }                               // models
  bool ever_ran_two_at_once() const { return overlapped_; }

 private:
  friend class FakeBackend;
  friend class FakeModel;
  static std::size_t index(FakeStep step) { return static_cast<std::size_t>(step); }
  void reach(FakeStep step, const std::stop_token& stop);
  void run(const Batch& batch, const std::stop_token& stop);
  void keep(Region region);

  const FakeSpec spec_;

  std::array<Gate, kFakeSteps> gates_;
  std::array<std::atomic<bool>, kFakeSteps> stubborn_{};
  std::array<std::atomic<std::uint64_t>, kFakeSteps> counts_{};
  std::atomic<bool> poisoned_ = false;
  std::atomic<Health> health_ = Health::Healthy;
  std::atomic<bool> keep_memory_ = false;
  std::atomic<std::size_t> alive_ = 0;
  std::atomic<int> running_ = 0;
  std::atomic<bool> overlapped_ = false;

  Mutex mutex_;
  std::map<std::pair<FakeStep, std::uint64_t>, std::function<void()>> failures_
      ROOST_GUARDED_BY(mutex_);
  std::function<void(const Batch&)> hook_ ROOST_GUARDED_BY(mutex_);
  std::vector<Region> kept_ ROOST_GUARDED_BY(mutex_);
};

// Makes models of sources "fake:NAME" after their scripts. A text becomes one token a byte; what
// a model makes of a sequence depends on its tokens and the task alone. Thread-safe; its scripts
// outlive it and its models.
class FakeBackend final : public Backend {
 public:
  explicit FakeBackend(std::vector<ExecutionProvider> providers = {ExecutionProvider::Cpu,
                                                                   ExecutionProvider::Cuda,
                                                                   ExecutionProvider::CoreML});

  // Adds "fake:NAME", or replaces how it behaves from its next load on.
  std::shared_ptr<FakeScript> add(const std::string& name, FakeSpec spec = {});
  FakeScript& script(const std::string& name) const;

  std::string_view name() const override { return "fake"; }
  std::optional<std::string> why_not(const ModelDescription& description) const override;
  void check_options(const Value& options) const override;  // takes any object
  std::vector<ExecutionProvider> providers() const override { return providers_; }
  LoadEstimate estimate(const ModelDescription& description, const Device& device) const override;
  std::shared_ptr<const HostImage> read(const ModelDescription& description,
                                        const std::string& component, LoadContext& context,
                                        std::stop_token stop) override;
  std::unique_ptr<Model> load(const ModelDescription& description, LoadContext& context,
                              std::stop_token stop) override;

 private:
  std::shared_ptr<FakeScript> find(const ModelDescription& description) const;

  const std::vector<ExecutionProvider> providers_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<FakeScript>> scripts_ ROOST_GUARDED_BY(mutex_);
};

// What a fake model answers for `sequence` at place k of its row: a test's expectation.
float fake_output(Task task, const Sequence& sequence, std::size_t k);

}  // namespace roost::test

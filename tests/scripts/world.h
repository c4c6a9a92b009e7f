#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "roost/options.h"
#include "support/fake_backend.h"
#include "support/manual_clock.h"
#include "support/simulated_machine.h"

namespace roost::test {

inline constexpr std::uint64_t kMegabyte = 1 << 20;  // a script's "MB"

// What a script runs in, whatever the door: a made-up machine, a clock that is moved by hand and
// a scripted backend. An Api starts its engine from options() when it is first asked something.
class World {
 public:
  World() {
    options_.min_residency = std::chrono::milliseconds(0);
    options_.pressure_interval = std::chrono::milliseconds(0);
    options_.backends = {backend_};
    options_.log = [](LogLevel, std::string_view) {};
    options_.clock = &clock_;
  }

  // Before the engine starts.
  EngineOptions& options() { return options_; }
  SimulatedMachineOptions& machine_options() { return machine_options_; }

  // Makes the machine; the options are final from here on.
  const EngineOptions& start() {
    started_ = true;
    options_.machine = simulated_machine(machine_options_);
    return options_;
  }
  bool started() const { return started_; }

  ManualClock& clock() { return clock_; }
  FakeBackend& backend() { return *backend_; }

  FakeScript& add(const std::string& id, FakeSpec spec) {
    return *(scripts_[id] = backend_->add(id, std::move(spec)));
  }
  FakeScript* find(const std::string& id) const {
    const auto found = scripts_.find(id);
    return found == scripts_.end() ? nullptr : found->second.get();
  }
  void open_all_gates() {
    for (const auto& [id, script] : scripts_) {
      for (const FakeStep step : kAllFakeSteps) script->gate(step).open();
    }
  }

  // Bytes that are allocated on any device; of an engine that has started.
  std::uint64_t live_bytes() const {
    std::uint64_t live = simulated_host(*options_.machine).live_bytes();
    for (std::size_t i = 0; i < machine_options_.gpu_bytes.size(); ++i) {
      live += simulated_gpu(*options_.machine, i).live_bytes();
    }
    return live;
  }

 private:
  static constexpr FakeStep kAllFakeSteps[] = {FakeStep::Read,  FakeStep::Load, FakeStep::Run,
                                               FakeStep::Probe, FakeStep::Save, FakeStep::Unload};

  ManualClock clock_;
  std::shared_ptr<FakeBackend> backend_ = std::make_shared<FakeBackend>();
  std::map<std::string, std::shared_ptr<FakeScript>> scripts_;
  SimulatedMachineOptions machine_options_;
  EngineOptions options_;
  bool started_ = false;
};

}  // namespace roost::test

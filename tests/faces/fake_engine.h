#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "roost/engine.h"
#include "support/fake_backend.h"
#include "support/manual_clock.h"
#include "support/simulated_machine.h"

namespace roost::test {

// A text too long to be an id.
inline std::string long_name() {
  return std::string(10'000, 'a');
}

struct BadName {
  std::string name;
  ErrorCode code;
};

// Names that no model can have, and names that none has.
inline std::vector<BadName> bad_names() {
  return {{"", ErrorCode::InvalidArgument},
          {long_name(), ErrorCode::InvalidArgument},
          {"a\x01"
           "b",
           ErrorCode::InvalidArgument},
          {"a\nb", ErrorCode::InvalidArgument},
          {"../secret", ErrorCode::ModelNotFound},
          {"a/../b", ErrorCode::ModelNotFound},
          {"a b", ErrorCode::ModelNotFound}};
}

// An engine on a simulated machine whose models are fakes. A failed load may be tried again at
// once, and nothing is measured against the real machine. With a clock that stands still, equal
// states are shown by equal texts.
class FakeEngine {
 public:
  explicit FakeEngine(SimulatedMachineOptions machine_options = {}, Clock* clock = nullptr)
      : machine_(simulated_machine(machine_options)),
        backend_(std::make_shared<FakeBackend>()),
        engine_(options(clock)) {}

  Engine& operator*() { return engine_; }
  Engine* operator->() { return &engine_; }

  // Registers `id`, whose weights are `bytes` big, and returns its script.
  FakeScript& add(const std::string& id, std::uint64_t bytes = 1 << 20) {
    const auto script = backend_->add(id, fake_with_image(bytes));
    engine_.register_model(id, "fake:" + id);
    return *script;
  }

  SimulatedHost& host() { return simulated_host(machine_); }
  SimulatedDevice& gpu() { return simulated_gpu(machine_); }

  // Returns when a load that failed has let its memory go; it says so before.
  void await_no_host_bytes() {
    while (host().live_bytes() != 0) std::this_thread::yield();
  }

  // What the engine shows of its models, as text.
  std::string shown() const {
    std::string text;
    for (const ModelStatus& model : engine_.models()) {
      const UsageReport usage = engine_.usage(model.id);
      text += model.id + " " + std::string(to_string(model.state)) + " " +
              std::string(to_string(model.tier)) + " leases " + std::to_string(model.leases) +
              " waiters " + std::to_string(model.waiters) + " uses " + std::to_string(model.uses) +
              " used at " + time(model.last_used) + " loaded at " + time(model.loaded_at) +
              " requests " + std::to_string(usage.requests) + " footprint " +
              to_string(model.footprint) + " failures " + std::to_string(model.failures_in_a_row) +
              "\n";
    }
    return text;
  }

 private:
  static std::string time(const std::optional<std::chrono::system_clock::time_point>& at) {
    return at ? std::to_string(at->time_since_epoch().count()) : "never";
  }
  EngineOptions options(Clock* clock) const {
    EngineOptions options;
    options.clock = clock;
    options.machine = machine_;
    options.backends = {backend_};
    options.backoff_first = options.backoff_most = std::chrono::milliseconds(0);
    options.min_residency = std::chrono::milliseconds(0);
    options.pressure_interval = std::chrono::milliseconds(0);
    return options;
  }

  const Machine machine_;
  const std::shared_ptr<FakeBackend> backend_;
  Engine engine_;
};

// The code of the RoostError that f throws; Internal and a failed test when it throws none.
template <class F>
ErrorCode code_of(F&& f) {
  try {
    f();
  } catch (const RoostError& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::Internal;
}

}  // namespace roost::test

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "roost/engine.h"
#include "support/fake_backend.h"
#include "support/manual_clock.h"
#include "support/scripted_source.h"
#include "support/simulated_machine.h"

namespace roost::test {

inline constexpr std::uint64_t kMiB = 1 << 20;

// An engine on a made-up machine with a scripted backend. Nothing happens in it but what a test
// asks for: no pressure, no health watch, no minimum residency.
class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    options.min_residency = std::chrono::milliseconds(0);
    options.pressure_interval = std::chrono::milliseconds(0);
    options.backends = {backend};
    options.log = [](LogLevel, std::string_view) {};
  }

  // The engine is made at first use, so that a test may change the options before.
  Engine& engine() {
    if (engine_ == nullptr) {
      options.machine = machine;
      engine_ = std::make_unique<Engine>(options);
    }
    return *engine_;
  }
  void destroy_engine() { engine_.reset(); }
  void use_manual_clock() { options.clock = &manual_clock; }

  // A model "NAME" from "fake:NAME" that takes `bytes` where it is placed.
  FakeScript& add(const std::string& name, std::uint64_t bytes) {
    FakeSpec spec;
    spec.placement_bytes = bytes;
    return add(name, spec);
  }
  FakeScript& add(const std::string& name, const FakeSpec& spec) {
    scripts.push_back(backend->add(name, spec));
    engine().register_model(name, "fake:" + name);
    return *scripts.back();
  }

  // Likewise, with files that have to be fetched first.
  ScriptedSource& add_remote(const std::string& name, std::uint64_t bytes) {
    FakeSpec spec;
    spec.placement_bytes = bytes;
    scripts.push_back(backend->add(name, spec));
    ModelRegistration registration;
    registration.id = name;
    registration.source = "fake:" + name;
    auto files = std::make_shared<ScriptedSource>();
    registration.files = files;
    engine().register_model(registration);
    sources.push_back(files);
    return *files;
  }
  FakeScript& script(const std::string& name) { return backend->script(name); }

  std::uint64_t reserved(MemoryId memory = MemoryId::Host) {
    for (const MemoryLine& line : engine().memory().memories) {
      if (line.memory == memory) return line.reserved;
    }
    return 0;
  }

  // What the pool holds of a simulated GPU's memory or the host's, by the device's own count.
  std::uint64_t live_on_host() { return simulated_host(machine).live_bytes(); }

  std::vector<Event> events_of(const std::string& model, EventKind kind) {
    std::vector<Event> found;
    for (const Event& event : engine().events(std::nullopt, 100'000).events) {
      if (event.model == model && event.kind == kind) found.push_back(event);
    }
    return found;
  }

  template <class F>
  static ErrorCode code_of(F&& f) {
    try {
      f();
    } catch (const RoostError& error) {
      last_message() = error.what();
      return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    last_message().clear();
    return ErrorCode::Internal;
  }
  template <class F>
  static std::optional<ErrorCode> code_or_nothing(F&& f) {
    try {
      f();
      return std::nullopt;
    } catch (const RoostError& error) {
      return error.code();
    }
  }
  template <class T>
  static ErrorCode code_of(std::future<T>& future) {
    return code_of([&] { future.get(); });
  }
  static std::string& last_message() {
    static thread_local std::string text;
    return text;
  }

  ManualClock manual_clock;
  Machine machine = simulated_machine();
  std::shared_ptr<FakeBackend> backend = std::make_shared<FakeBackend>();
  std::vector<std::shared_ptr<FakeScript>> scripts;
  std::vector<std::shared_ptr<ScriptedSource>> sources;
  EngineOptions options;

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace roost::test

#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "backend/batcher.h"
#include "roost/error.h"
#include "support/fake_backend.h"
#include "support/manual_clock.h"
#include "support/simulated_machine.h"

namespace roost::test {

inline std::exception_ptr closed_by_test() {
  return std::make_exception_ptr(RoostError(ErrorCode::LeaseRevoked, "closed by a test"));
}

// A fake model with its lane. Its runs wait at the script's gate.
struct FakeLane {
  FakeLane(backend::Executor& executor, FakeBackend& backend, const Machine& machine,
           const std::string& name, const backend::LaneOptions& options = {})
      : script(backend.add(name)) {
    LoadContext context;
    context.device = context.host = machine.find("cpu");
    context.memory = MemoryAccount::create();
    model = backend.load({name, "fake:" + name, "1", "", {}}, context, {});
    lane = std::make_unique<backend::Lane>(executor, *model, name, options);
  }
  ~FakeLane() { script->gate(FakeStep::Run).open(); }

  Gate& gate() { return script->gate(FakeStep::Run); }
  std::uint64_t runs() const { return script->count(FakeStep::Run); }

  // Until that many requests wait; the test's own time limit ends it otherwise.
  void await_waiting(std::size_t requests) const {
    while (lane->stats().waiting != requests) std::this_thread::yield();
  }

  void await_runs(std::uint64_t begun) const {
    while (runs() < begun) std::this_thread::yield();
  }

  void await_refusal() const {
    try {
      for (;;) lane->submit(Task::Embed, {}, {});
    } catch (const RoostError&) {
    }
  }

  std::shared_ptr<FakeScript> script;
  std::unique_ptr<Model> model;
  std::unique_ptr<backend::Lane> lane;
};

class BatcherTest : public testing::Test {
 protected:
  // A call on a thread of its own: `count` sequences of `tokens` tokens, all `token`. Its future
  // throws what the call threw, and checks what it answered.
  std::future<void> submit(FakeLane& to, std::size_t count, std::uint32_t token,
                           std::size_t tokens = 1, Task task = Task::Embed,
                           std::stop_token stop = {}) {
    return std::async(std::launch::async, [=, &to] {
      const std::vector<Sequence> sequences(count, {std::vector<std::uint32_t>(tokens, token), {}});
      const std::size_t width = to.model->width(task);
      std::vector<float> outputs(count * width, -1.0f);
      to.lane->submit(task, sequences, outputs, stop);
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        ASSERT_EQ(outputs[i], fake_output(task, sequences[i / width], i % width));
      }
    });
  }

  // Holds the device with a call of one sequence until release().
  void hold(FakeLane& lane) {
    lane.gate().shut();
    holder_ = submit(lane, 1, 1);
    lane.gate().await_arrivals();
  }
  void release(FakeLane& lane) {
    lane.gate().open();
    holder_.get();
  }

  static ErrorCode code_of(std::future<void>& call) {
    try {
      call.get();
    } catch (const RoostError& error) {
      return error.code();
    }
    ADD_FAILURE() << "the call did not fail";
    return ErrorCode::Internal;
  }

  Machine machine_ = simulated_machine();
  FakeBackend fakes_;
  ManualClock clock_;
  backend::Executor executor_{"cpu", clock_};
  std::future<void> holder_;
};

}  // namespace roost::test

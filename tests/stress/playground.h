#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "roost/engine.h"
#include "stress/crowd.h"
#include "support/fake_backend.h"
#include "support/manual_clock.h"
#include "support/simulated_machine.h"

namespace roost::test {

// An engine with two GPUs and a dozen models of every kind, several times more than fits. One of
// them, "keep", is loaded and pinned; nobody unloads it.
class Playground {
 public:
  static constexpr std::size_t kModels = 12;

  // `clock`: null for real time.
  explicit Playground(ManualClock* clock);

  Engine& engine() { return *engine_; }
  ManualClock* clock() { return clock_; }
  const std::string& name(std::size_t model) const { return names_[model]; }
  FakeScript& script(std::size_t model) { return *scripts_[model]; }

  // Of a model's leases. One that was asked for when some had ended is disturbed only by those
  // that began besides.
  struct Revocations {
    std::atomic<unsigned> begun{0}, ended{0};
  };
  Revocations& revocations(std::size_t model) { return revocations_[model]; }

  void take_step() { ++steps_; }
  std::uint64_t steps() const { return steps_; }
  std::string picture() const;  // of every model and memory, for messages

  // What holds at any moment, whoever does what.
  void check_laws(Complaints& complaints);
  // What holds besides when no load and no unload runs; waits for that first.
  void check_quiet_laws(Complaints& complaints);
  void expect_everything_back(Complaints& complaints);

 private:
  bool is_quiet() const;  // no work runs, and the ledger is what is allocated
  bool come_to_rest(Complaints& complaints) const;
  std::string balance() const;
  void add(std::size_t model);
  void check_history(const std::string& name, Complaints& complaints);
  std::uint64_t live_bytes(const MemoryLine& line) const;

  ManualClock* const clock_;
  const Machine machine_;
  const std::shared_ptr<FakeBackend> backend_ = std::make_shared<FakeBackend>();
  std::vector<std::string> names_;
  std::vector<std::shared_ptr<FakeScript>> scripts_;
  std::array<Revocations, kModels> revocations_;
  std::atomic<std::uint64_t> steps_{0};
  std::unique_ptr<Engine> engine_;
};

}  // namespace roost::test

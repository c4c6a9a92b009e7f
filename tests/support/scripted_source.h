#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "roost/backend.h"
#include "roost/error.h"
#include "support/gate.h"

namespace roost::test {

// Files that a test says are there or not. A fetch tells half of its bytes, waits at its gate,
// then tells the rest. Thread-safe; set the plain members before it is used.
class ScriptedSource final : public ModelSource {
 public:
  explicit ScriptedSource(std::uint64_t bytes = 100) : bytes_(bytes) {}

  Gate gate;
  std::function<void()> fail;   // called after the gate
  std::function<void()> look;   // called by is_present()
  bool delivers = true;         // false: a fetch ends well, yet the files are not there
  std::atomic<bool> obeys{true};  // false: the gate is waited for whatever the stop token says
  std::atomic<bool> present{false};

  std::uint64_t fetches() const { return fetches_; }

  bool is_present() const override {
    if (look) look();
    return present;
  }
  std::uint64_t estimate() const override { return bytes_; }
  void fetch(const Progress& progress, std::stop_token stop) override {
    ++fetches_;
    progress(bytes_ / 2, bytes_);
    gate.pass(obeys ? stop : std::stop_token());
    if (fail) fail();
    if (obeys && stop.stop_requested()) throw CancelledException("a scripted fetch was stopped");
    progress(bytes_, bytes_);
    present = delivers;
  }

 private:
  const std::uint64_t bytes_;
  std::atomic<std::uint64_t> fetches_{0};
};

}  // namespace roost::test

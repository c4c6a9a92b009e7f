#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/fixture.h"
#include "roost/single_model_manager.h"

namespace roost::test {

// A slot over an engine on a made-up machine.
class SlotTest : public EngineTest {
 protected:
  ~SlotTest() override { manager_.reset(); }

  SingleModelManager& manager(LoadPolicy policy = LoadPolicy::Replace) {
    if (!manager_) manager_ = std::make_unique<SingleModelManager>(engine(), policy);
    return *manager_;
  }
  void destroy_manager() { manager_.reset(); }

  // A load that hangs in the backend.
  std::future<Value> begin_load(const std::string& name, FakeScript& script) {
    script.gate(FakeStep::Load).shut();
    auto load = manager().load_model_async(name);
    script.gate(FakeStep::Load).await_arrivals();
    return load;
  }

  std::vector<std::string> states() {
    std::vector<std::string> result;
    for (const HistoryEntry& entry : manager().state_manager().history()) {
      result.emplace_back(to_string(entry.to));
    }
    return result;
  }

  std::uint64_t host_bytes() { return simulated_host(machine).live_bytes(); }

 private:
  std::unique_ptr<SingleModelManager> manager_;
};

}  // namespace roost::test

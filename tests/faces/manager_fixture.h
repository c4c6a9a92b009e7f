#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/fixture.h"
#include "faces/scripted_model.h"
#include "roost/model_manager.h"

namespace roost::test {

inline mm::ModelInfo caption_info(const std::string& id) {
  mm::ModelInfo info;
  info.model_id = id;
  info.model_type = ModelType::CaptionGenerator;
  info.repo_id = "my-org/" + id;
  info.description = "A caption generation model";
  info.total_size_estimate = 1'000;
  info.file_count_estimate = 3;
  return info;
}

// A manager with an engine of its own, on a made-up machine.
class ManagerTest : public EngineTest {
 protected:
  mm::ModelManager& manager() {
    if (!manager_) {
      config.engine = options;
      config.engine.machine = machine;
      config.log = [this](LogLevel, std::string_view text) {
        const MutexLock lock(log_mutex);
        log.emplace_back(text);
      };
      manager_ = std::make_unique<mm::ModelManager>(config);
    }
    return *manager_;
  }
  void destroy_manager() { manager_.reset(); }
  ~ManagerTest() override { manager_.reset(); }

  std::shared_ptr<ScriptedModel> add_own(const std::string& id, Value settings = Value::Object{}) {
    auto model = std::make_shared<ScriptedModel>(id, std::move(settings));
    manager().register_model(caption_info(id), model);
    return model;
  }

  std::uint64_t host_bytes() { return simulated_host(machine).live_bytes(); }

  bool logged(const std::string& part) {
    const MutexLock lock(log_mutex);
    for (const std::string& line : log) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  mm::ModelManagerConfig config;
  Mutex log_mutex;
  std::vector<std::string> log;

 private:
  std::unique_ptr<mm::ModelManager> manager_;
};

}  // namespace roost::test

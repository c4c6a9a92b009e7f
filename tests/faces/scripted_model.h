#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "roost/base_model.h"
#include "support/gate.h"

namespace roost::test {

namespace mm = model_management;

// How many loads ran at once, of all models that share it.
class LoadMeter {
 public:
  class Inside {
   public:
    explicit Inside(LoadMeter& meter) : meter_(meter) {
      const int now = ++meter_.now_;
      for (int most = meter_.most_; now > most && !meter_.most_.compare_exchange_weak(most, now);) {
      }
    }
    ~Inside() { --meter_.now_; }

   private:
    LoadMeter& meter_;
  };
  int now() const { return now_; }
  int most() const { return most_; }

 private:
  std::atomic<int> now_{0}, most_{0};
};

// A model of a user's own whose every step waits at a gate and may throw. Thread-safe.
class ScriptedModel : public BaseModel {
 public:
  explicit ScriptedModel(std::string id, Value config = Value::Object{},
                         ModelType type = ModelType::CaptionGenerator)
      : BaseModel(std::move(id), type, std::move(config)) {}

  void download(const Progress& progress, std::stop_token stop) override {
    ++downloads;
    for (std::uint64_t part = 1; part <= 4; ++part) {
      download_gate.pass(stop);
      progress(part * 25, 100);
    }
    if (on_download) on_download();
    available = leaves_files;
  }

  void load(const Value& config, std::stop_token stop) override {
    ++loads;
    const LoadMeter::Inside inside(*meter);
    loaded_with = config;
    if (bytes > 0) regions.push_back(allocate(bytes));
    load_gate.pass(stop);
    if (on_load) on_load();
  }

  void unload() override {
    ++unloads;
    regions.clear();
    if (on_unload) on_unload();
  }

  mm::ModelHealth health_check() override {
    ++probes;
    if (on_probe) on_probe();
    return next_health;
  }

  bool is_available() const override { return available; }
  std::uint64_t memory_estimate() const override { return bytes; }
  std::vector<ExecutionProvider> providers() const override { return can_run_on; }
  void validate_config(const Value& config) const override {
    if (on_validate) on_validate(config);
  }
  void config_changed() override { ++config_changes; }

  std::string folder() const { return download_directory(); }

  Gate download_gate, load_gate;
  std::function<void()> on_download, on_load, on_unload, on_probe;
  std::function<void(const Value&)> on_validate;
  std::vector<ExecutionProvider> can_run_on = {ExecutionProvider::Cpu};
  std::uint64_t bytes = 0;
  std::atomic<mm::ModelHealth> next_health{mm::ModelHealth::Healthy};
  std::atomic<bool> available{true};
  bool leaves_files = true;

  Value loaded_with;
  std::vector<Region> regions;
  std::atomic<int> downloads{0}, loads{0}, unloads{0}, probes{0}, config_changes{0};

  std::shared_ptr<LoadMeter> meter = std::make_shared<LoadMeter>();
};

}  // namespace roost::test

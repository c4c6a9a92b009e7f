#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "roost/model_manager.h"

// A small model of a program's own, for the examples of ModelManager: its "weights" are words.
class MyCaptionModel : public roost::BaseModel {
 public:
  explicit MyCaptionModel(std::string id = "my-caption-model")
      : BaseModel(std::move(id), roost::ModelType::CaptionGenerator,
                  roost::Value::Object{{"threshold", 0.2}, {"forceCpu", false}}) {}

  void download(const Progress& progress, std::stop_token stop) override {
    for (std::uint64_t file = 1; file <= 3 && !stop.stop_requested(); ++file) {
      progress(file, 3);
    }
    downloaded_ = true;
  }

  void load(const roost::Value&, std::stop_token) override {
    weights_ = allocate(1 << 20);
    words_ = {"a cat", "on a mat"};
  }

  void unload() override {
    words_.clear();
    weights_.reset();
  }

  roost::model_management::ModelHealth health_check() override {
    using roost::model_management::ModelHealth;
    return words_.empty() ? ModelHealth::Unhealthy : ModelHealth::Healthy;
  }

  bool is_available() const override { return downloaded_; }

  std::uint64_t memory_estimate() const override { return 1 << 20; }

  std::string caption() const { return words_.at(0) + " " + words_.at(1); }

 private:
  std::atomic<bool> downloaded_{false};
  roost::Region weights_;
  std::vector<std::string> words_;
};

inline roost::model_management::ModelInfo caption_model_info() {
  roost::model_management::ModelInfo info;
  info.model_id = "my-caption-model";
  info.model_type = roost::ModelType::CaptionGenerator;
  info.repo_id = "my-org/my-caption-model";
  info.description = "A caption generation model";
  info.total_size_estimate = 500'000'000;  // 500 MB
  info.file_count_estimate = 3;
  return info;
}

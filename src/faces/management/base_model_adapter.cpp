#include "faces/management/base_model_adapter.h"

#include <utility>

#include "faces/management/user_code.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::faces {
namespace {

class Files final : public ModelSource {
 public:
  Files(std::shared_ptr<BaseModel> model, std::uint64_t bytes)
      : model_(std::move(model)), bytes_(bytes) {}
  bool is_present() const override { return BaseModelDriver(*model_).available(); }
  std::uint64_t estimate() const override { return bytes_; }
  void fetch(const Progress& progress, std::stop_token stop) override {
    BaseModelDriver(*model_).download(
        progress ? progress : [](std::uint64_t, std::uint64_t) {}, std::move(stop));
  }

 private:
  const std::shared_ptr<BaseModel> model_;
  const std::uint64_t bytes_;
};

class Loaded final : public Model {
 public:
  Loaded(std::shared_ptr<BaseModel> model, const LoadContext& context, std::stop_token stop)
      : model_(std::move(model)), device_(context.device->info()) {
    BaseModelDriver(*model_).load(context.memory, context.device, std::move(stop));
  }
  ~Loaded() override {
    if (in_memory_) call_user_quietly([this] { unload({}); });
  }

  BaseModel& model() const { return *model_; }

  ModelInfo info() const override {
    ModelInfo info;
    info.model_id = model_->model_id();
    info.backend = "base_model";
    info.family = std::string(to_string(model_->model_type()));
    info.description = "a model of the program's own";
    info.device_id = device_.id;
    info.active_providers = {device_.provider};
    info.is_gpu_active = device_.provider != ExecutionProvider::Cpu;
    return info;
  }

  std::size_t width(Task task) const override { refuse(task); }
  Sequence tokenize(Task task, std::string_view, std::string_view) const override { refuse(task); }
  void run(const Batch& batch, std::stop_token) override { refuse(batch.task); }
  Health probe_health(std::stop_token stop) override {
    return BaseModelDriver(*model_).probe(std::move(stop));
  }
  void unload(std::stop_token) override {
    if (!std::exchange(in_memory_, false)) return;
    BaseModelDriver(*model_).unload();
  }

 private:
  [[noreturn]] void refuse(Task task) const {
    throw RoostError(ErrorCode::Unsupported,
                     "'" + model_->model_id() +
                         "' is a model of the program's own and has no task '" +
                         std::string(to_string(task)) + "'; use it through ModelManager::use()");
  }

  const std::shared_ptr<BaseModel> model_;
  const DeviceInfo device_;
  bool in_memory_ = true;
};

class AdapterBackend final : public Backend {
 public:
  AdapterBackend(std::shared_ptr<BaseModel> model, std::uint64_t bytes)
      : model_(std::move(model)), bytes_(bytes) {}

  const std::shared_ptr<BaseModel>& model() const { return model_; }

  std::string_view name() const override { return "base_model"; }
  std::optional<std::string> why_not(const ModelDescription& description) const override {
    if (description.id == model_->model_id()) return std::nullopt;
    return "it makes the model '" + model_->model_id() + "' only";
  }
  void check_options(const Value& options) const override {
    if (!options.is_object() || options.as_object().empty()) return;
    throw RoostError(ErrorCode::UnknownOption,
                     "'" + model_->model_id() + "': backend option '" +
                         printable(options.as_object().begin()->first) +
                         "' is not known; put what the model itself takes into its config");
  }
  std::vector<ExecutionProvider> providers() const override {
    const PartOf mark(&kUserCode);
    return model_->providers();
  }
  LoadEstimate estimate(const ModelDescription&, const Device&) const override {
    const PartOf mark(&kUserCode);
    LoadEstimate estimate;
    const std::uint64_t own = model_->memory_estimate();
    estimate.placement_bytes = own != 0 ? own : bytes_;
    return estimate;
  }
  std::unique_ptr<Model> load(const ModelDescription&, LoadContext& context,
                              std::stop_token stop) override {
    return std::make_unique<Loaded>(model_, context, std::move(stop));
  }

 private:
  const std::shared_ptr<BaseModel> model_;
  const std::uint64_t bytes_;
};

}  // namespace

BaseModelAdapter adapt(const std::shared_ptr<BaseModel>& model, std::uint64_t size_estimate) {
  return {std::make_shared<Files>(model, size_estimate),
          std::make_shared<AdapterBackend>(model, size_estimate)};
}

std::shared_ptr<BaseModel> adapted_model(const std::shared_ptr<Backend>& backend) {
  const auto adapter = std::dynamic_pointer_cast<AdapterBackend>(backend);
  return adapter ? adapter->model() : nullptr;
}

}  // namespace roost::faces

namespace roost::model_management {

BaseModel* base_model_of(Model& model) {
  const auto* loaded = dynamic_cast<faces::Loaded*>(&model);
  return loaded ? &loaded->model() : nullptr;
}

}  // namespace roost::model_management

#include "roost/pipeline_manager.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <cstdio>
#include <mutex>
#include <utility>

#include "faces/management/part_of.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost {
namespace {

// What sample_size holds besides sizes above 0.
constexpr int kNoModel = 0;
constexpr int kNoSize = -1;

using Handle = std::shared_ptr<ModelHandle>;

int size_in(const Value& config) {
  const Value* size = config.find("sample_size");
  if (!size || !size->is_int() || size->as_int() < 1 || size->as_int() > INT_MAX) return kNoSize;
  return static_cast<int>(size->as_int());
}

std::string number_text(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", number);
  return text.data();
}

[[noreturn]] void throw_no_model(const char* what) {
  throw RoostError(ErrorCode::NotLoaded, std::string(what) + ": no model is loaded");
}

}  // namespace

struct PipelineManager::Impl {
  explicit Impl(Engine& given) : engine(given) {}

  Handle current(const char* what) const {
    const std::lock_guard lock(mutex);
    if (!handle) throw_no_model(what);
    return handle;
  }

  Handle exchange(Handle next, int size) {
    const std::lock_guard lock(mutex);
    sample_size = size;
    return std::exchange(handle, std::move(next));
  }

  Engine& engine;
  std::atomic<int> sample_size{kNoModel};

  mutable std::mutex mutex;  // guards handle; never held over a call out
  Handle handle;
};

PipelineManager::PipelineManager(Engine& engine) : impl_(std::make_unique<Impl>(engine)) {}
PipelineManager::~PipelineManager() = default;

Handle PipelineManager::set_pipeline(ModelHandle handle) {
  const int size = size_in(config_of(handle));
  return impl_->exchange(std::make_shared<ModelHandle>(std::move(handle)), size);
}

Handle PipelineManager::clear_pipeline() {
  return impl_->exchange(nullptr, kNoModel);
}

bool PipelineManager::has_model() const noexcept {
  return impl_->sample_size != kNoModel;
}

std::string PipelineManager::model_id() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->handle ? impl_->handle->id() : std::string();
}

bool PipelineManager::is_revoked() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->handle && impl_->handle->is_revoked();
}

ModelInfo PipelineManager::info() const {
  return impl_->current("model info")->info();
}

Value PipelineManager::config() const {
  return config_of(*impl_->current("configuration"));
}

Value PipelineManager::config_of(const ModelHandle& handle) const {
  Value config = Value::Object{};
  const Value said = handle.info().extra;
  if (said.is_object()) config.merge_patch(said);
  config.merge_patch(impl_->engine.model_options(handle.id()).config);
  return config;
}

void PipelineManager::with(const std::function<void(Model&)>& f) const {
  const faces::PartOf mark(this);
  impl_->current("using the model")->with(f);
}

int PipelineManager::sample_size() const {
  const int size = impl_->sample_size;
  if (size == kNoModel) throw_no_model("sample_size");
  if (size == kNoSize) {
    throw RoostError(ErrorCode::Unsupported,
                     "sample_size: the configuration of '" + model_id() + "' has none");
  }
  return size;
}

void PipelineManager::refresh() {
  Handle handle;
  {
    const std::lock_guard lock(impl_->mutex);
    handle = impl_->handle;
  }
  if (!handle) return;
  const int size = size_in(config_of(*handle));
  const std::lock_guard lock(impl_->mutex);
  if (impl_->handle == handle) impl_->sample_size = size;
}

void PipelineManager::set_sampler(const std::string& name) {
  check_text("sampler", name, kMaxIdBytes);
  const Handle handle = impl_->current("setting the sampler");
  const Value config = config_of(*handle);
  if (const Value* known = config.find("samplers"); known && known->is_array()) {
    const auto& names = known->as_array();
    if (std::find(names.begin(), names.end(), Value(name)) == names.end()) {
      throw RoostError(ErrorCode::InvalidArgument, "sampler '" + printable(name) + "' of '" +
                                                       handle->id() + "': known are " +
                                                       known->to_json());
    }
  }
  Value patch;
  patch["config"]["sampler"] = name;
  impl_->engine.patch_options(handle->id(), patch);
}

void PipelineManager::load_loras(const std::vector<LoraWeight>& loras) {
  const Handle handle = impl_->current("loading LoRAs");
  for (const LoraWeight& lora : loras) {
    check_text("LoRA", lora.name, kMaxIdBytes);
    if (lora.weight >= 0 && lora.weight <= 2) continue;
    throw RoostError(ErrorCode::InvalidArgument, "LoRA '" + printable(lora.name) + "': weight " +
                                                     number_text(lora.weight) +
                                                     ", allowed is 0 to 2");
  }
  throw RoostError(ErrorCode::Unsupported,
                   "loading LoRAs into '" + handle->id() + "': no backend here merges them");
}

void PipelineManager::unload_loras() {
  const Handle handle = impl_->current("unloading LoRAs");
  throw RoostError(ErrorCode::Unsupported,
                   "unloading LoRAs from '" + handle->id() + "': no backend here merges them");
}

}  // namespace roost

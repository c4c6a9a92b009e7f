#include "support/fake_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/checksum.h"
#include "base/assert.h"
#include "roost/error.h"
#include "support/raw_image.h"

namespace roost::test {
namespace {

constexpr std::uint64_t kStep = 16 << 20;
constexpr std::uint64_t kMarkDistance = 64 << 10;
constexpr std::string_view kPrefix = "fake:";

void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw CancelledException("a fake was stopped");
}

// One word in every 64 KiB says what and where it is: enough to tell images apart.
void mark(std::byte* data, std::uint64_t from, std::uint64_t end, std::uint64_t name) {
  for (std::uint64_t at = from; at + sizeof name <= end; at += kMarkDistance) {
    const std::uint64_t word = name + at;
    std::memcpy(data + at, &word, sizeof word);
  }
}

}  // namespace

FakeSpec fake_with_image(std::uint64_t bytes) {
  FakeSpec spec;
  spec.components = {{"model", bytes}};
  spec.placement_bytes = bytes;
  return spec;
}

float fake_output(Task task, const Sequence& sequence, std::size_t k) {
  std::uint32_t sum = static_cast<std::uint32_t>(task) + 1;
  for (const std::uint32_t id : sequence.ids) sum = sum * 31 + id;
  return static_cast<float>(sum % 1000) / 1000 + static_cast<float>(k);
}

class FakeModel final : public Model {
 public:
  FakeModel(std::string id, std::shared_ptr<FakeScript> script, LoadContext& context,
            const std::stop_token& stop)
      : id_(std::move(id)), script_(std::move(script)), device_(context.device) {
    const FakeSpec& spec = script_->spec();
    placement_ = context.memory->allocate(device_, spec.placement_bytes);
    if (spec.in_place) {
      images_ = context.images;
    } else if (!context.images.empty()) {
      copy_to_device(context.images, placement_, stop);
    }
    ++script_->alive_;
  }

  ~FakeModel() override {
    if (script_->keep_memory_) script_->keep(std::move(placement_));
    --script_->alive_;
  }

  ModelInfo info() const override {
    ModelInfo info;
    info.model_id = id_;
    info.backend = "fake";
    info.family = "fake";
    info.description = "a script for tests";
    info.tasks = {Task::Embed, Task::Rerank, Task::Tensor};
    info.dimensions = script_->spec().dimensions;
    info.device_id = device_->info().id;
    info.active_providers = {device_->info().provider};
    info.is_gpu_active = device_->info().provider != ExecutionProvider::Cpu;
    info.estimated_memory_bytes = placement_.size();
    return info;
  }

  std::size_t width(Task task) const override {
    if (task == Task::Rerank) return 1;
    if (task == Task::Embed || task == Task::Tensor) return script_->spec().dimensions;
    throw RoostError(ErrorCode::Unsupported,
                     "'" + id_ + "' cannot " + std::string(to_string(task)));
  }

  Sequence tokenize(Task task, std::string_view text, std::string_view pair) const override {
    width(task);
    Sequence sequence;
    for (const std::string_view part : {text, pair}) {
      for (const char c : part) sequence.ids.push_back(static_cast<unsigned char>(c));
    }
    return sequence;
  }

  void run(const Batch& batch, std::stop_token stop) override {
    script_->run(batch, stop);
    const std::size_t width = this->width(batch.task);
    ROOST_ASSERT(batch.outputs.size() == batch.sequences.size() * width);
    for (std::size_t i = 0; i < batch.outputs.size(); ++i) {
      batch.outputs[i] = script_->poisoned_
                             ? std::numeric_limits<float>::quiet_NaN()
                             : fake_output(batch.task, *batch.sequences[i / width], i % width);
    }
  }

  Health probe_health(std::stop_token stop) override {
    script_->reach(FakeStep::Probe, stop);
    const Sequence sequence = tokenize(Task::Embed, "probe", {});
    const Sequence* const one = &sequence;
    std::vector<float> outputs(width(Task::Embed));
    run({Task::Embed, {&one, 1}, outputs}, stop);
    for (const float value : outputs) {
      if (!std::isfinite(value)) throw InferenceException(id_, "the outputs are not finite");
    }
    return script_->health_;
  }

  HostImages save_images(LoadContext& context, std::stop_token stop) override {
    const FakeSpec& spec = script_->spec();
    if (spec.components.empty()) return Model::save_images(context, std::move(stop));
    script_->reach(FakeStep::Save, stop);
    if (spec.in_place) return images_;
    return copy_from_device(placement_, spec.components, context, stop);
  }

  void unload(std::stop_token stop) override { script_->reach(FakeStep::Unload, stop); }

 private:
  const std::string id_;
  const std::shared_ptr<FakeScript> script_;
  const std::shared_ptr<Device> device_;
  HostImages images_;  // in place: what it runs from
  Region placement_;
};

void FakeScript::fail(FakeStep step, std::uint64_t nth, std::function<void()> raise) {
  MutexLock lock(mutex_);
  failures_[{step, count(step) + nth}] = std::move(raise);
}

void FakeScript::on_run(std::function<void(const Batch&)> hook) {
  MutexLock lock(mutex_);
  hook_ = std::move(hook);
}

void FakeScript::give_back() {
  std::vector<Region> kept;
  MutexLock lock(mutex_);
  kept.swap(kept_);
}

void FakeScript::keep(Region region) {
  MutexLock lock(mutex_);
  kept_.push_back(std::move(region));
}

void FakeScript::reach(FakeStep step, const std::stop_token& stop) {
  const std::uint64_t now = ++counts_[index(step)];
  gate(step).pass(stubborn_[index(step)] ? std::stop_token() : stop);
  std::function<void()> raise;
  {
    MutexLock lock(mutex_);
    if (const auto failure = failures_.find({step, now}); failure != failures_.end()) {
      raise = failure->second;
    }
  }
  if (raise) raise();
  if (!stubborn_[index(step)]) throw_if_stopped(stop);
}

void FakeScript::run(const Batch& batch, const std::stop_token& stop) {
  if (running_.fetch_add(1) != 0) overlapped_ = true;
  struct Leave {
    std::atomic<int>& running;
    ~Leave() { --running; }
  } leave{running_};
  reach(FakeStep::Run, stop);
  std::function<void(const Batch&)> hook;
  {
    MutexLock lock(mutex_);
    hook = hook_;
  }
  if (hook) hook(batch);
}

FakeBackend::FakeBackend(std::vector<ExecutionProvider> providers)
    : providers_(std::move(providers)) {}

std::shared_ptr<FakeScript> FakeBackend::add(const std::string& name, FakeSpec spec) {
  auto script = std::make_shared<FakeScript>(std::move(spec));
  MutexLock lock(mutex_);
  scripts_[name] = script;
  return script;
}

FakeScript& FakeBackend::script(const std::string& name) const {
  MutexLock lock(mutex_);
  return *scripts_.at(name);
}

std::shared_ptr<FakeScript> FakeBackend::find(const ModelDescription& description) const {
  if (const auto why = why_not(description)) throw ModelLoadException(description.id, *why);
  MutexLock lock(mutex_);
  return scripts_.at(description.source.substr(kPrefix.size()));
}

std::optional<std::string> FakeBackend::why_not(const ModelDescription& description) const {
  if (!description.source.starts_with(kPrefix)) return "'" + description.source + "' is no fake";
  MutexLock lock(mutex_);
  if (scripts_.contains(description.source.substr(kPrefix.size()))) return std::nullopt;
  return "no script for '" + description.source + "'";
}

void FakeBackend::check_options(const Value& options) const {
  if (!options.is_null()) options.as_object();
}

LoadEstimate FakeBackend::estimate(const ModelDescription& description, const Device&) const {
  const auto script = find(description);
  const FakeSpec& spec = script->spec();
  if (spec.estimate) return *spec.estimate;
  return {spec.components, spec.placement_bytes, spec.in_place};
}

std::shared_ptr<const HostImage> FakeBackend::read(const ModelDescription& description,
                                                   const std::string& component,
                                                   LoadContext& context, std::stop_token stop) {
  const auto script = find(description);
  const auto& components = script->spec().components;
  const auto wanted =
      std::find_if(components.begin(), components.end(),
                   [&](const Component& candidate) { return candidate.name == component; });
  if (wanted == components.end()) return Backend::read(description, component, context, stop);
  Region region = context.memory->allocate(context.host, wanted->host_bytes);
  script->reach(FakeStep::Read, stop);
  const std::string name = description.source + "/" + component;
  const std::uint64_t tag = backend::checksum(std::as_bytes(std::span(name)));
  for (std::uint64_t at = 0; at < region.size(); at += kStep) {
    throw_if_stopped(stop);
    const std::uint64_t end = std::min(at + kStep, region.size());
    mark(region.data(), at, end, tag);
    const auto done = static_cast<double>(end) / static_cast<double>(region.size());
    if (context.progress) context.progress(done);
  }
  return std::make_shared<RawImage>(std::move(region));
}

std::unique_ptr<Model> FakeBackend::load(const ModelDescription& description, LoadContext& context,
                                         std::stop_token stop) {
  auto script = find(description);
  script->reach(FakeStep::Load, stop);
  return std::make_unique<FakeModel>(description.id, std::move(script), context, stop);
}

}  // namespace roost::test

#include "support/raw_file_backend.h"

#include "backend/file_source.h"
#include "roost/error.h"
#include "support/fake_backend.h"
#include "support/raw_image.h"

namespace roost::test {
namespace {

backend::FileSource file_of(const ModelDescription& description) {
  return backend::FileSource(description.path.empty() ? description.source : description.path);
}

class RawFileModel final : public Model {
 public:
  RawFileModel(const ModelDescription& description, LoadContext& context,
               const std::stop_token& stop)
      : id_(description.id), path_(file_of(description).path()), device_(context.device) {
    bytes_ = context.images.at(0)->bytes();
    if (device_->info().memory == MemoryId::Host) {
      images_ = context.images;
      return;
    }
    table_ = context.memory->allocate(device_, bytes_);
    copy_to_device(context.images, table_, stop);
  }

  ModelInfo info() const override {
    ModelInfo info;
    info.model_id = id_;
    info.path = path_;
    info.backend = "raw_file";
    info.family = "raw";
    info.description = "the bytes of a file, for tests";
    info.tasks = {Task::Embed, Task::Rerank};
    info.dimensions = kDimensions;
    info.device_id = device_->info().id;
    info.active_providers = {device_->info().provider};
    info.is_gpu_active = device_->info().provider != ExecutionProvider::Cpu;
    info.estimated_memory_bytes = bytes_;
    return info;
  }

  std::size_t width(Task task) const override {
    if (task == Task::Embed) return kDimensions;
    if (task == Task::Rerank) return 1;
    throw RoostError(ErrorCode::Unsupported, "a raw file cannot " + std::string(to_string(task)));
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
    if (stop.stop_requested()) throw CancelledException("a run of '" + id_ + "' was cancelled");
    const std::size_t width = this->width(batch.task);
    for (std::size_t i = 0; i < batch.outputs.size(); ++i) {
      batch.outputs[i] = fake_output(batch.task, *batch.sequences[i / width], i % width);
    }
  }

  Health probe_health(std::stop_token) override {
    return bytes_ > 0 ? Health::Healthy : Health::Unhealthy;
  }

  HostImages save_images(LoadContext& context, std::stop_token stop) override {
    if (!images_.empty()) return images_;
    return copy_from_device(table_, {{"model", bytes_}}, context, stop);
  }

 private:
  static constexpr std::size_t kDimensions = 4;

  const std::string id_;
  const std::string path_;
  const std::shared_ptr<Device> device_;
  std::uint64_t bytes_ = 0;
  HostImages images_;  // on the host
  Region table_;       // elsewhere
};

}  // namespace

std::optional<std::string> RawFileBackend::why_not(const ModelDescription& description) const {
  if (description.source.starts_with("file:")) return std::nullopt;
  return "'" + description.source + "' is no file";
}

void RawFileBackend::check_options(const Value& options) const {
  if (options.is_null() || options.as_object().empty()) return;
  throw RoostError(ErrorCode::UnknownOption, "a raw file takes no option, so not '" +
                                                 options.as_object().begin()->first + "'");
}

std::vector<ExecutionProvider> RawFileBackend::providers() const {
  return {ExecutionProvider::Cuda, ExecutionProvider::CoreML, ExecutionProvider::Cpu};
}

LoadEstimate RawFileBackend::estimate(const ModelDescription& description,
                                      const Device& device) const {
  const std::uint64_t bytes = file_of(description).estimate();
  const bool in_place = device.info().memory == MemoryId::Host;
  return {{{"model", bytes}}, in_place ? 0 : bytes, in_place};
}

std::shared_ptr<const HostImage> RawFileBackend::read(const ModelDescription& description,
                                                      const std::string& component,
                                                      LoadContext& context, std::stop_token stop) {
  if (component != "model") return Backend::read(description, component, context, stop);
  const backend::FileSource file = file_of(description);
  Region region = context.memory->allocate(context.host, file.estimate());
  backend::read_file(file.path(), 0, {region.data(), region.size()}, stop);
  if (context.progress) context.progress(1.0);
  return std::make_shared<RawImage>(std::move(region));
}

std::unique_ptr<Model> RawFileBackend::load(const ModelDescription& description,
                                            LoadContext& context, std::stop_token stop) {
  return std::make_unique<RawFileModel>(description, context, stop);
}

}  // namespace roost::test

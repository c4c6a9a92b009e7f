#include "backend/native/native_backend.h"

#include <filesystem>

#include "backend/native/checkpoint_source.h"
#include "backend/native/model_folder.h"
#include "backend/native/native_image.h"
#include "backend/native/native_model.h"
#include "device/processor.h"
#include "roost/error.h"
#include "roost/ids.h"

namespace roost::backend {
namespace {

constexpr std::string_view kComponent = "model";
constexpr std::uint64_t kPageBytes = 4096;

std::uint64_t whole_pages(std::uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

CheckpointSource source_of(const ModelFolder& folder) {
  formats::Checkpoint checkpoint = folder.weights();
  std::vector<formats::File> files = formats::open_files(folder.folder(), checkpoint);
  return {std::move(checkpoint), std::move(files)};
}

}  // namespace

// Files that contradict themselves are an error, not a reason to look for another backend.
std::optional<std::string> NativeBackend::why_not(const ModelDescription& description) const {
  if (description.path.empty()) return "it has no files here";
  std::error_code none;
  if (!std::filesystem::exists(std::filesystem::path(description.path) / "config.json", none)) {
    return "there is no folder with a config.json";
  }
  try {
    const ModelFolder folder(description.path);
    nets::Head::of(folder.config(), folder.shape());
    folder.weights();
    return std::nullopt;
  } catch (const RoostError& error) {
    if (error.code() == ErrorCode::BadFile) throw;
    return std::string(error.what());
  }
}

void NativeBackend::check_options(const Value& options) const {
  parse_native_options(options);
}

unsigned NativeBackend::threads() const {
  if (threads_ != 0) return threads_;
  return device::read_processor("/", device::schedulable_processors()).cores;
}

std::shared_ptr<Compute> NativeBackend::compute() {
  MutexLock lock(mutex_);
  std::shared_ptr<Compute> shared = compute_.lock();
  if (!shared) compute_ = shared = std::make_shared<Compute>(threads());
  return shared;
}

LoadEstimate NativeBackend::estimate(const ModelDescription& description, const Device&) const {
  const NativeOptions options = parse_native_options(description.options);
  const ModelFolder folder(description.path);
  const nets::EncoderWeights weights(folder.shape(), options.precision);
  const auto head = nets::Head::of(folder.config(), folder.shape());
  LoadEstimate estimate;
  estimate.in_place = true;
  estimate.components = {
      {std::string(kComponent), whole_pages(NativeImage::bytes_of(weights, head))}};
  estimate.placement_bytes =
      whole_pages(NativeModel::workspace_bytes(weights, threads(), folder.max_tokens(options)));
  return estimate;
}

std::shared_ptr<const HostImage> NativeBackend::read(const ModelDescription& description,
                                                     const std::string& component,
                                                     LoadContext& context, std::stop_token stop) {
  if (component != kComponent) {
    throw RoostError(ErrorCode::InvalidArgument, "'" + printable(description.id) +
                                                     "' has no component '" + printable(component) +
                                                     "'; it has 'model'");
  }
  const NativeOptions options = parse_native_options(description.options);
  const ModelFolder folder(description.path);
  const auto weights =
      std::make_shared<const nets::EncoderWeights>(folder.shape(), options.precision);
  auto head = nets::Head::of(folder.config(), folder.shape());
  Region region = context.memory->allocate(context.host, NativeImage::bytes_of(*weights, head));
  const CheckpointSource source = source_of(folder);
  weights->fill(source, region.data(), context.progress, stop);
  if (head) head->fill(source, region.data() + weights->bytes(), stop);
  return std::make_shared<NativeImage>(weights, std::move(head), std::move(region));
}

std::unique_ptr<Model> NativeBackend::load(const ModelDescription& description,
                                           LoadContext& context, std::stop_token) {
  auto image = context.images.size() == 1
                   ? std::dynamic_pointer_cast<const NativeImage>(context.images.front())
                   : nullptr;
  if (!image) {
    throw ModelLoadException(description.id,
                             "a native model loads from its one component 'model', and " +
                                 std::to_string(context.images.size()) +
                                 " images were given, none of them its own",
                             ErrorCode::Internal);
  }
  return std::make_unique<NativeModel>(description, ModelFolder(description.path),
                                       parse_native_options(description.options), std::move(image),
                                       compute(), context);
}

}  // namespace roost::backend

#include "backend/builtin/lexical_backend.h"

#include "backend/builtin/lexical_image.h"
#include "backend/builtin/lexical_model.h"
#include "backend/builtin/lexical_options.h"
#include "roost/ids.h"
#include "roost/error.h"

namespace roost::backend {
namespace {

constexpr std::string_view kSource = "builtin:lexical";
constexpr std::string_view kComponent = "model";

}  // namespace

LexicalBackend::LexicalBackend(std::vector<ExecutionProvider> providers)
    : providers_(std::move(providers)) {}

std::optional<std::string> LexicalBackend::why_not(const ModelDescription& description) const {
  if (description.source == kSource) return std::nullopt;
  if (description.source.starts_with("builtin:")) {
    return "the built-in model is '" + std::string(kSource) + "'";
  }
  return "it is not a built-in model";
}

void LexicalBackend::check_options(const Value& options) const {
  parse_lexical_options(options);
}

LoadEstimate LexicalBackend::estimate(const ModelDescription& description,
                                      const Device& device) const {
  const TableShape shape = parse_lexical_options(description.options);
  const std::uint64_t workspace = LexicalModel::workspace_bytes(shape);
  LoadEstimate estimate;
  estimate.in_place = device.info().memory == MemoryId::Host;
  estimate.placement_bytes = estimate.in_place ? workspace : shape.bytes();
  // A model on a device works in host memory too.
  const std::uint64_t host_bytes = shape.bytes() + (estimate.in_place ? 0 : workspace);
  estimate.components = {{std::string(kComponent), host_bytes}};
  return estimate;
}

std::shared_ptr<const HostImage> LexicalBackend::read(const ModelDescription& description,
                                                      const std::string& component,
                                                      LoadContext& context, std::stop_token stop) {
  if (component != kComponent) {
    throw RoostError(ErrorCode::InvalidArgument, "builtin:lexical has no component '" +
                                                     printable(component) + "'; it has 'model'");
  }
  const TableShape shape = parse_lexical_options(description.options);
  if (stop.stop_requested()) {
    throw CancelledException("loading '" + printable(description.id) + "' was cancelled");
  }
  Region region = context.memory->allocate(context.host, shape.bytes());
  const std::span<float> table(reinterpret_cast<float*>(region.data()), shape.floats());
  generate_table(shape, table, context.threads, context.progress, std::move(stop));
  return std::make_shared<LexicalImage>(shape, std::move(region));
}

std::unique_ptr<Model> LexicalBackend::load(const ModelDescription& description,
                                            LoadContext& context, std::stop_token stop) {
  auto image = context.images.size() == 1
                   ? std::dynamic_pointer_cast<const LexicalImage>(context.images.front())
                   : nullptr;
  if (!image) {
    throw ModelLoadException(description.id,
                             "builtin:lexical loads from its one component 'model', and " +
                                 std::to_string(context.images.size()) +
                                 " images were given, none of them its own",
                             ErrorCode::Internal);
  }
  return std::make_unique<LexicalModel>(description.id, std::move(image), context, std::move(stop));
}

}  // namespace roost::backend

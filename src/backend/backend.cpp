#include "roost/backend.h"

#include "roost/ids.h"
#include "roost/error.h"

namespace roost {

std::string_view to_string(Task task) {
  switch (task) {
    case Task::Embed:
      return "embed";
    case Task::Rerank:
      return "rerank";
    case Task::Classify:
      return "classify";
    case Task::TokenClassify:
      return "token_classify";
    case Task::Tensor:
      return "tensor";
  }
  return "tensor";
}

std::string_view to_string(Health health) {
  switch (health) {
    case Health::Unknown:
      return "unknown";
    case Health::Healthy:
      return "healthy";
    case Health::Degraded:
      return "degraded";
    case Health::Unhealthy:
      return "unhealthy";
  }
  return "unknown";
}

HostImages Model::save_images(LoadContext&, std::stop_token) {
  throw RoostError(ErrorCode::Unsupported,
                   "saving the weights of '" + printable(info().model_id) +
                       "' to host memory: its backend '" + info().backend +
                       "' has no components; unload the model instead of demoting it");
}

std::shared_ptr<const HostImage> Backend::read(const ModelDescription& description,
                                               const std::string& component, LoadContext&,
                                               std::stop_token) {
  throw RoostError(ErrorCode::Unsupported, "reading component '" + printable(component) + "' of '" +
                                               printable(description.id) + "': backend '" +
                                               std::string(name()) +
                                               "' has no components; load the model whole");
}

}  // namespace roost

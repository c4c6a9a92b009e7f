#include "faces/management/user_code.h"

namespace roost::faces {

void throw_user_failure(const UserCall& call, ErrorCode code, const std::string& why) {
  const std::string what = std::string(call.function) + " of the model '" + call.model + "'";
  if (code == ErrorCode::Cancelled) throw CancelledException(what + " was cancelled");
  if (call.failed == ErrorCode::LoadFailed) {
    throw ModelLoadException(call.model, std::string(call.function) + " threw: " + why, code);
  }
  throw RoostError(code, what + " threw: " + why);
}

}  // namespace roost::faces

#pragma once

#include <memory>
#include <string>

#include "roost/engine.h"
#include "roost/log.h"

namespace roost::faces {

// How a face ends its use of a model. Never throws: it runs in destructors, perhaps while an
// exception is on its way; what goes wrong is logged.
struct AfterUse {
  Engine* engine = nullptr;
  std::shared_ptr<Engine> owned = {};  // ends with the use; then `engine` is this one
  bool free = true;  // unload the model unless somebody else uses it or it is pinned
  LogSink log = {};  // empty: standard error

  // Gives the lease back; of an isolated instance returns when its memory is back.
  void close(TaskModel& model, const std::string& id) const noexcept;
  // Unloads what nobody uses.
  void free_unused(const std::string& id) const noexcept;
};

}  // namespace roost::faces

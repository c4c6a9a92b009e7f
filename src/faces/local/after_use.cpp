#include "faces/local/after_use.h"

#include <exception>

namespace roost::faces {
namespace {

// Runs a step of a clean-up. That the engine closed, or the model was unregistered, means that
// somebody else has done it.
template <class F>
void log_failure(const LogSink& log, const std::string& id, F&& step) noexcept {
  const auto warn = [&](const char* why) {
    (log ? log : stderr_log())(LogLevel::Warning, "freeing '" + id + "' after its use: " + why);
  };
  try {
    step();
  } catch (const RoostError& error) {
    const bool done =
        error.code() == ErrorCode::EngineClosed || error.code() == ErrorCode::ModelNotFound;
    if (!done) warn(error.what());
  } catch (const std::exception& error) {
    warn(error.what());
  }
}

}  // namespace

void AfterUse::close(TaskModel& model, const std::string& id) const noexcept {
  log_failure(log, id, [&] { model.close_async().get(); });
  if (owned) {
    owned->close();
  } else if (free) {
    free_unused(id);
  }
}

void AfterUse::free_unused(const std::string& id) const noexcept {
  log_failure(log, id, [&] { engine->unload(id, {.only_if_unused = true}); });
}

}  // namespace roost::faces

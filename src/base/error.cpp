#include "roost/error.h"

#include <array>

#include "roost/ids.h"

namespace roost {
namespace {

// gRPC: 1 CANCELLED, 3 INVALID_ARGUMENT, 4 DEADLINE_EXCEEDED, 5 NOT_FOUND, 6 ALREADY_EXISTS,
// 8 RESOURCE_EXHAUSTED, 9 FAILED_PRECONDITION, 12 UNIMPLEMENTED, 13 INTERNAL, 14 UNAVAILABLE.
constexpr std::array kKinds = {
    ErrorKind{ErrorCode::InvalidArgument, "invalid_argument", 400, 3, 2},
    ErrorKind{ErrorCode::InvalidModelId, "invalid_model_id", 400, 3, 2},
    ErrorKind{ErrorCode::UnknownOption, "unknown_option", 400, 3, 2},
    ErrorKind{ErrorCode::ModelNotFound, "model_not_found", 404, 5, 4},
    ErrorKind{ErrorCode::ModelExists, "model_exists", 409, 6, 5},
    ErrorKind{ErrorCode::AliasConflict, "alias_conflict", 409, 6, 5},
    ErrorKind{ErrorCode::AliasChain, "alias_chain", 400, 3, 2},
    ErrorKind{ErrorCode::NotLoaded, "not_loaded", 409, 9, 5},
    ErrorKind{ErrorCode::DuplicateLoad, "duplicate_load", 409, 6, 5},
    ErrorKind{ErrorCode::InvalidTransition, "invalid_transition", 409, 9, 5},
    ErrorKind{ErrorCode::InUse, "in_use", 409, 9, 5},
    ErrorKind{ErrorCode::LoadFailed, "load_failed", 500, 13, 6},
    ErrorKind{ErrorCode::LoadBackoff, "load_backoff", 503, 14, 7},
    ErrorKind{ErrorCode::DownloadFailed, "download_failed", 502, 14, 6},
    ErrorKind{ErrorCode::InferenceFailed, "inference_failed", 500, 13, 6},
    ErrorKind{ErrorCode::ContextTooLong, "context_too_long", 413, 3, 2},
    ErrorKind{ErrorCode::OutOfMemory, "out_of_memory", 507, 8, 8},
    ErrorKind{ErrorCode::BudgetExceeded, "budget_exceeded", 507, 8, 8},
    ErrorKind{ErrorCode::DeviceNotFound, "device_not_found", 404, 5, 4},
    ErrorKind{ErrorCode::ProviderUnavailable, "provider_unavailable", 503, 9, 9},
    ErrorKind{ErrorCode::HealthFailed, "health_failed", 503, 14, 6},
    ErrorKind{ErrorCode::QueueFull, "queue_full", 503, 8, 7},
    ErrorKind{ErrorCode::Cancelled, "cancelled", 499, 1, 130},
    ErrorKind{ErrorCode::DeadlineExceeded, "deadline_exceeded", 504, 4, 10},
    ErrorKind{ErrorCode::LeaseRevoked, "lease_revoked", 410, 9, 5},
    ErrorKind{ErrorCode::EngineClosed, "engine_closed", 503, 14, 7},
    ErrorKind{ErrorCode::Unsupported, "unsupported", 501, 12, 3},
    ErrorKind{ErrorCode::IoError, "io_error", 500, 13, 6},
    ErrorKind{ErrorCode::BadFile, "bad_file", 422, 15, 6},
    ErrorKind{ErrorCode::Internal, "internal", 500, 13, 1},
};

constexpr bool rows_follow_the_enum() {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (static_cast<std::size_t>(kKinds[i].code) != i) return false;
  }
  return kKinds.size() == static_cast<std::size_t>(ErrorCode::Internal) + 1;
}
static_assert(rows_follow_the_enum(), "one row per code, in the order of the enum");

std::string not_found_text(const std::string& id, const std::string& why,
                           const std::vector<std::string>& suggestions) {
  std::string text = "model '" + printable(id) + "' was not found: " + why;
  for (std::size_t i = 0; i < suggestions.size(); ++i) {
    text += (i == 0 ? "; did you mean '" : "', '") + suggestions[i];
  }
  if (!suggestions.empty()) text += "'?";
  return text;
}

// Those that the reason does not tell itself.
std::string figures(const MemoryVector& need, const MemoryVector& free,
                    const MemoryVector& short_by, const std::string& why) {
  const auto says = [&why](const std::string& words) {
    return why.find(words) != std::string::npos;
  };
  std::string text = " (";
  if (!says("needs " + to_string(need))) text += "needs " + to_string(need) + "; ";
  text += "free " + to_string(free);
  if (!says(to_string(short_by) + " short")) text += "; short by " + to_string(short_by);
  return text + ")";
}

// A reason that begins with the model's name, or with what was done, needs no other beginning.
std::string load_text(const std::string& id, const std::string& why) {
  const std::string name = "'" + printable(id) + "'";
  for (const std::string_view done : {"", "loading ", "fetching "}) {
    if (why.starts_with(done) && why.substr(done.size()).starts_with(name)) return why;
  }
  return "loading " + name + ": " + why;
}

}  // namespace

std::span<const ErrorKind> error_kinds() { return kKinds; }

const ErrorKind& error_kind(ErrorCode code) { return kKinds[static_cast<std::size_t>(code)]; }

ModelNotFoundException::ModelNotFoundException(std::string model_id, const std::string& why,
                                               std::vector<std::string> suggestions)
    : RoostError(ErrorCode::ModelNotFound, not_found_text(model_id, why, suggestions)),
      model_id_(std::move(model_id)),
      suggestions_(std::move(suggestions)) {}

ModelLoadException::ModelLoadException(std::string model_id, const std::string& why, ErrorCode code)
    : RoostError(code, load_text(model_id, why)), model_id_(std::move(model_id)) {}

LoadBackoffException::LoadBackoffException(std::string model_id, const std::string& why,
                                           std::chrono::milliseconds retry_after)
    : ModelLoadException(std::move(model_id), why, ErrorCode::LoadBackoff),
      retry_after_(retry_after) {}

InferenceException::InferenceException(std::string model_id, const std::string& why, ErrorCode code)
    : RoostError(code, "running '" + printable(model_id) + "': " + why),
      model_id_(std::move(model_id)) {}

BudgetExceededException::BudgetExceededException(std::string model_id, const MemoryVector& need,
                                                 const MemoryVector& free,
                                                 const MemoryVector& short_by,
                                                 const std::string& why)
    : ModelLoadException(std::move(model_id), why + figures(need, free, short_by, why),
                         ErrorCode::BudgetExceeded),
      need_(need),
      free_(free),
      short_by_(short_by) {}

LeaseRevokedException::LeaseRevokedException(const std::string& model_id)
    : RoostError(ErrorCode::LeaseRevoked,
                 "the lease on '" + printable(model_id) + "' was revoked by a forced unload") {}

}  // namespace roost

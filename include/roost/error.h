#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "roost/memory.h"

namespace roost {

// One code per kind of failure. Programs decide by code; the message is for people.
enum class ErrorCode : std::uint8_t {
  InvalidArgument,
  InvalidModelId,
  UnknownOption,
  ModelNotFound,
  ModelExists,
  AliasConflict,
  AliasChain,
  NotLoaded,
  DuplicateLoad,
  InvalidTransition,
  InUse,
  LoadFailed,
  LoadBackoff,
  DownloadFailed,
  InferenceFailed,
  ContextTooLong,
  OutOfMemory,
  BudgetExceeded,
  DeviceNotFound,
  ProviderUnavailable,
  HealthFailed,
  QueueFull,
  Cancelled,
  DeadlineExceeded,
  LeaseRevoked,
  EngineClosed,
  Unsupported,
  IoError,
  BadFile,
  Internal,
};

// How a code leaves the process. One row per code; every face maps through this table.
struct ErrorKind {
  ErrorCode code;
  std::string_view name;  // stable, snake_case: the wire's "code"
  int http_status;
  int grpc_status;
  int exit_code;
};
std::span<const ErrorKind> error_kinds();
const ErrorKind& error_kind(ErrorCode code);
inline std::string_view to_string(ErrorCode code) { return error_kind(code).name; }

// Root of every exception Roost throws. The message says what was attempted, on which model,
// and why it failed, for the person who runs the program.
class RoostError : public std::runtime_error {
 public:
  RoostError(ErrorCode code, const std::string& what) : std::runtime_error(what), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

// No such model is registered, installed or known under this name.
class ModelNotFoundException : public RoostError {
 public:
  ModelNotFoundException(std::string model_id, const std::string& why,
                         std::vector<std::string> suggestions = {});
  const std::string& model_id() const noexcept { return model_id_; }
  const std::vector<std::string>& suggestions() const noexcept { return suggestions_; }

 private:
  std::string model_id_;
  std::vector<std::string> suggestions_;
};

// A model is known but could not be made ready.
class ModelLoadException : public RoostError {
 public:
  ModelLoadException(std::string model_id, const std::string& why,
                     ErrorCode code = ErrorCode::LoadFailed);
  const std::string& model_id() const noexcept { return model_id_; }

 private:
  std::string model_id_;
};

// The load, or the fetch of its files, failed a short while ago; the next try is allowed after
// `retry_after`.
class LoadBackoffException : public ModelLoadException {
 public:
  LoadBackoffException(std::string model_id, const std::string& why,
                       std::chrono::milliseconds retry_after);
  std::chrono::milliseconds retry_after() const noexcept { return retry_after_; }

 private:
  std::chrono::milliseconds retry_after_;
};

// A loaded model failed while it ran.
class InferenceException : public RoostError {
 public:
  InferenceException(std::string model_id, const std::string& why,
                     ErrorCode code = ErrorCode::InferenceFailed);
  const std::string& model_id() const noexcept { return model_id_; }

 private:
  std::string model_id_;
};

// The model cannot fit, whatever idle model is evicted; or, with fail_fast or beside a pinned model
// of its group, it cannot now. One code for both: what is missing is room, and who needs to know for
// how long asks plan() without fail_fast, which then says Wait, or Refuse short of nothing. All
// figures are bytes per memory.
class BudgetExceededException : public ModelLoadException {
 public:
  BudgetExceededException(std::string model_id, const MemoryVector& need, const MemoryVector& free,
                          const MemoryVector& short_by, const std::string& why);
  const MemoryVector& need() const noexcept { return need_; }
  const MemoryVector& free() const noexcept { return free_; }
  const MemoryVector& short_by() const noexcept { return short_by_; }

 private:
  MemoryVector need_, free_, short_by_;
};

class CancelledException : public RoostError {
 public:
  explicit CancelledException(const std::string& what) : RoostError(ErrorCode::Cancelled, what) {}
};

class DeadlineExceededException : public RoostError {
 public:
  explicit DeadlineExceededException(const std::string& what)
      : RoostError(ErrorCode::DeadlineExceeded, what) {}
};

class LeaseRevokedException : public RoostError {
 public:
  explicit LeaseRevokedException(const std::string& model_id);
};

class EngineClosedException : public RoostError {
 public:
  EngineClosedException() : RoostError(ErrorCode::EngineClosed, "the engine is closed") {}
};

}  // namespace roost

#pragma once

#include <cstdint>
#include <string>

#include "faces/management/callback_gate.h"
#include "roost/engine.h"
#include "roost/model_management.h"

namespace roost::faces {

namespace mm = model_management;

// Turns what the engine tells of a fetch into a caller's progress: never falling, 100 exactly
// once and last, nothing after the caller's call has ended. For one fetch thread and the caller's.
class ProgressMeter {
 public:
  ProgressMeter(std::string model_id, mm::ProgressCallback callback, LogSink log);

  void update(const FetchProgress& fetched);
  void complete(std::uint64_t size_estimate);  // the last word

  // While it lives the callback may be called; its end waits for a call that runs.
  class Listening {
   public:
    explicit Listening(ProgressMeter& meter) : meter_(meter) {}
    ~Listening() { meter_.gate_.close(); }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

   private:
    ProgressMeter& meter_;
  };

 private:
  void tell() const;

  const mm::ProgressCallback callback_;
  const LogSink log_;

  CallbackGate gate_;
  mm::ModelDownloadProgress last_;  // touched inside the gate, or after it is closed
};

}  // namespace roost::faces

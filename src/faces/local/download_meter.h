#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "roost/download_progress.h"
#include "roost/engine.h"

namespace roost::faces {

// Turns what the engine tells of a fetch into a caller's DownloadProgress: never falling, at most
// one report per percent or quarter of a second, Complete once. For one thread at a time.
class DownloadMeter {
 public:
  DownloadMeter(DownloadProgressSink sink, std::string model);

  void preparing();
  void update(const FetchProgress& fetched);
  void complete();

 private:
  void set(std::uint64_t done, std::uint64_t total);
  void tell(std::chrono::steady_clock::time_point now);

  const DownloadProgressSink sink_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  DownloadProgress now_;
  double told_percent_ = 0;
  std::chrono::steady_clock::time_point told_at_{};
};

}  // namespace roost::faces

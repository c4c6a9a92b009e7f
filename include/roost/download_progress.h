#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace roost {

enum class DownloadPhase : std::uint8_t {
  Preparing,
  Downloading,
  Extracting,
  Verifying,
  Finalizing,
  Complete,
};
std::string_view to_string(DownloadPhase phase);  // "preparing", ...

enum class DownloadKind : std::uint8_t { Model, Runtime };
std::string_view to_string(DownloadKind kind);

// How far a download is. Reports never fall; Complete is told exactly once, last, with 100 percent,
// also when the files were there already. A failed or cancelled download tells no Complete.
struct DownloadProgress {
  std::string file_name;  // the model's id where its files are not told apart
  std::uint64_t bytes_downloaded = 0, total_bytes = 0;  // of this file; total 0: not known yet
  std::uint64_t overall_bytes_downloaded = 0, overall_total_bytes = 0;
  double progress_percentage = 0;       // a fraction, 0..1
  double percent_complete = 0;          // the same, 0..100
  double overall_percent_complete = 0;  // of all files by bytes, 0..100
  std::size_t current_file_index = 1;   // from 1 on
  std::size_t total_file_count = 1;
  std::optional<double> bytes_per_second;
  std::optional<std::chrono::milliseconds> estimated_remaining;
  DownloadPhase phase = DownloadPhase::Preparing;
  DownloadKind kind = DownloadKind::Model;
};

// Called from the thread that downloads or that loads; must not throw.
using DownloadProgressSink = std::function<void(const DownloadProgress&)>;

}  // namespace roost

#include "faces/local/download_meter.h"

#include <algorithm>
#include <array>
#include <utility>

namespace roost {

std::string_view to_string(DownloadPhase phase) {
  constexpr std::array<std::string_view, 6> kNames = {"preparing", "downloading", "extracting",
                                                      "verifying", "finalizing",  "complete"};
  return kNames[static_cast<std::size_t>(phase)];
}

std::string_view to_string(DownloadKind kind) {
  return kind == DownloadKind::Model ? "model" : "runtime";
}

namespace faces {
namespace {

constexpr double kPercentStep = 1;
constexpr std::chrono::milliseconds kTimeStep{250};

}  // namespace

DownloadMeter::DownloadMeter(DownloadProgressSink sink, std::string model)
    : sink_(std::move(sink)) {
  now_.file_name = std::move(model);
}

void DownloadMeter::preparing() {
  tell(std::chrono::steady_clock::now());
}

void DownloadMeter::update(const FetchProgress& fetched) {
  const bool first = now_.phase == DownloadPhase::Preparing;
  now_.phase = DownloadPhase::Downloading;
  set(fetched.done_bytes, fetched.total_bytes);
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> spent = now - started_;
  if (spent.count() > 0 && now_.bytes_downloaded > 0) {
    const double rate = static_cast<double>(now_.bytes_downloaded) / spent.count();
    const auto left = static_cast<double>(now_.total_bytes - now_.bytes_downloaded);
    now_.bytes_per_second = rate;
    now_.estimated_remaining =
        std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(1000 * left / rate));
  }
  if (first || now_.percent_complete >= told_percent_ + kPercentStep ||
      now >= told_at_ + kTimeStep) {
    tell(now);
  }
}

void DownloadMeter::complete() {
  if (now_.phase == DownloadPhase::Complete) return;
  now_.phase = DownloadPhase::Complete;
  now_.bytes_downloaded = now_.overall_bytes_downloaded = now_.total_bytes;
  now_.progress_percentage = 1;
  now_.percent_complete = now_.overall_percent_complete = 100;
  now_.estimated_remaining = std::chrono::milliseconds(0);
  tell(std::chrono::steady_clock::now());
}

// 100 percent is kept for complete(): bytes that are here may still be refused.
void DownloadMeter::set(std::uint64_t done, std::uint64_t total) {
  constexpr double kMost = 0.999;
  now_.total_bytes = std::max(total, now_.total_bytes);
  now_.bytes_downloaded = std::min(std::max(done, now_.bytes_downloaded), now_.total_bytes);
  now_.overall_total_bytes = now_.total_bytes;
  now_.overall_bytes_downloaded = now_.bytes_downloaded;
  const double fraction = now_.total_bytes == 0 ? 0
                                                : static_cast<double>(now_.bytes_downloaded) /
                                                      static_cast<double>(now_.total_bytes);
  now_.progress_percentage = std::max(now_.progress_percentage, std::min(fraction, kMost));
  now_.percent_complete = now_.overall_percent_complete = 100 * now_.progress_percentage;
}

void DownloadMeter::tell(std::chrono::steady_clock::time_point now) {
  told_percent_ = now_.percent_complete;
  told_at_ = now;
  sink_(now_);
}

}  // namespace faces
}  // namespace roost

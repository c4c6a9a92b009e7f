#include "faces/management/progress_meter.h"

#include <chrono>
#include <utility>

#include "faces/management/user_code.h"

namespace roost::faces {
namespace {

constexpr double kStep = 0.01;  // reports between are not passed on

std::chrono::milliseconds remaining(const mm::ModelDownloadProgress& progress) {
  const std::chrono::duration<double> spent =
      std::chrono::system_clock::now() - *progress.start_time;
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      spent * ((1 - progress.fraction) / progress.fraction));
}

}  // namespace

ProgressMeter::ProgressMeter(std::string model_id, mm::ProgressCallback callback, LogSink log)
    : callback_(std::move(callback)), log_(std::move(log)) {
  last_.model_id = std::move(model_id);
  last_.status = mm::ModelStatus::Downloading;
  last_.start_time = std::chrono::system_clock::now();
}

void ProgressMeter::update(const FetchProgress& fetched) {
  gate_.call([&] {
    const bool first = last_.downloaded_bytes == 0 && fetched.done_bytes > 0;
    const bool news = first || fetched.fraction >= last_.fraction + kStep;
    if (!news || fetched.fraction >= 1) return;
    last_.fraction = fetched.fraction;
    last_.progress = fetched.fraction * 100;
    last_.downloaded_bytes = fetched.done_bytes;
    last_.total_bytes = fetched.total_bytes;
    if (last_.fraction > 0) last_.estimated_time_remaining = remaining(last_);
    tell();
  });
}

void ProgressMeter::complete(std::uint64_t size_estimate) {
  gate_.close();
  last_.status = mm::ModelStatus::Downloaded;
  last_.fraction = 1;
  last_.progress = 100;
  if (last_.total_bytes == 0) last_.total_bytes = size_estimate;
  last_.downloaded_bytes = last_.total_bytes;
  last_.estimated_time_remaining = std::chrono::milliseconds(0);
  tell();
}

void ProgressMeter::tell() const {
  if (!callback_ || call_user_quietly([&] { callback_(last_); })) return;
  log_(LogLevel::Warning,
       "downloading '" + last_.model_id + "': the progress callback threw; the download goes on");
}

}  // namespace roost::faces

#include "faces/management/download_book.h"

#include <algorithm>

namespace roost::faces {
namespace {

using mm::ModelDownloadProgress;
using mm::ModelStatus;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::uint64_t bytes_in(const Value& data, std::string_view key) {
  const Value* value = data.find(key);
  if (!value || !value->is_number()) return 0;
  return static_cast<std::uint64_t>(std::max(0.0, value->as_double()));
}

std::string text_in(const Value& data, std::string_view key) {
  const Value* value = data.find(key);
  return value && value->is_string() ? value->as_string() : std::string();
}

void start(ModelDownloadProgress& download, const Event& event) {
  download = {};
  download.model_id = event.model;
  download.status = ModelStatus::Downloading;
  download.start_time = event.at;
  download.total_bytes = bytes_in(event.data, "total_bytes");
}

void advance(ModelDownloadProgress& download, const Event& event) {
  download.downloaded_bytes = bytes_in(event.data, "done_bytes");
  download.total_bytes = bytes_in(event.data, "total_bytes");
  download.current_file = text_in(event.data, "file");
  const Value* fraction = event.data.find("fraction");
  download.fraction = fraction && fraction->is_number() ? fraction->as_double() : 0;
  download.progress = download.fraction * 100;
  if (download.start_time && download.fraction > 0) {
    const auto spent = std::chrono::duration<double>(event.at - *download.start_time);
    download.estimated_time_remaining =
        duration_cast<milliseconds>(spent * ((1 - download.fraction) / download.fraction));
  }
}

void end(ModelDownloadProgress& download) {
  download.status = ModelStatus::Downloaded;
  download.fraction = 1;
  download.progress = 100;
  download.downloaded_bytes = std::max(download.downloaded_bytes, download.total_bytes);
  download.estimated_time_remaining = milliseconds(0);
  download.error.clear();
}

}  // namespace

void DownloadBook::follow() {
  const std::lock_guard lock(mutex_);
  read_on();
}

std::optional<ModelDownloadProgress> DownloadBook::find(const std::string& model_id) {
  const std::lock_guard lock(mutex_);
  read_on();
  const auto found = downloads_.find(model_id);
  if (found == downloads_.end()) return std::nullopt;
  return found->second;
}

std::map<std::string, ModelDownloadProgress> DownloadBook::all() {
  const std::lock_guard lock(mutex_);
  read_on();
  return downloads_;
}

mm::DownloadStatistics DownloadBook::statistics() {
  const std::lock_guard lock(mutex_);
  read_on();
  mm::DownloadStatistics statistics = statistics_;
  for (const auto& [id, download] : downloads_) {
    if (download.status == ModelStatus::Downloading) ++statistics.active;
  }
  return statistics;
}

bool DownloadBook::failed(const std::string& model_id) {
  const auto download = find(model_id);
  return download && download->status == ModelStatus::Error;
}

void DownloadBook::clear(const std::optional<std::string>& model_id) {
  const std::lock_guard lock(mutex_);
  read_on();
  std::erase_if(downloads_, [&](const auto& entry) {
    return (!model_id || entry.first == *model_id) &&
           entry.second.status != ModelStatus::Downloading;
  });
}

void DownloadBook::read_on() {
  while (true) {
    const EventPage page = engine_.events(next_);
    next_ = page.next;
    if (page.events.empty()) return;
    for (const Event& event : page.events) note(event);
  }
}

void DownloadBook::note(const Event& event) {
  switch (event.kind) {
    case EventKind::DownloadStart:
      ++statistics_.total_downloads;
      start(downloads_[event.model], event);
      return;
    case EventKind::DownloadProgress:
      advance(downloads_[event.model], event);
      return;
    case EventKind::DownloadComplete: {
      ModelDownloadProgress& download = downloads_[event.model];
      end(download);
      ++statistics_.completed;
      statistics_.total_bytes_downloaded += download.downloaded_bytes;
      return;
    }
    case EventKind::DownloadError: {
      ModelDownloadProgress& download = downloads_[event.model];
      const bool cancelled = text_in(event.data, "code") == to_string(ErrorCode::Cancelled);
      download.status = cancelled ? ModelStatus::NotDownloaded : ModelStatus::Error;
      download.error = text_in(event.data, "message");
      if (!cancelled) ++statistics_.failed;
      return;
    }
    case EventKind::ModelUnregistered:
      downloads_.erase(event.model);
      return;
    default:
      return;
  }
}

}  // namespace roost::faces

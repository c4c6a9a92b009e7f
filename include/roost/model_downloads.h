#pragma once

#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "roost/model_management.h"

namespace roost::faces {
struct ManagerCore;
}

namespace roost::model_management {

// A manager's downloads: what runs, how far it is, and how earlier ones ended. Thread-safe.
class DownloadManager {
 public:
  explicit DownloadManager(faces::ManagerCore& core) : core_(&core) {}

  // Gets the files unless they are there. A second call for a model joins the first: one
  // transfer, both hear of its progress, and it ends when the last of them has given up. More
  // than the limit wait. `progress` runs on a download thread; what it throws is logged.
  void download_model(const std::string& model_id, const ProgressCallback& progress = {},
                      std::stop_token stop = {});
  std::future<void> download_model_async(const std::string& model_id,
                                         ProgressCallback progress = {}, std::stop_token stop = {});

  // For all who wait for it. False: none runs.
  bool cancel_download(const std::string& model_id);

  bool is_downloading(const std::string& model_id) const;
  bool is_downloaded(const std::string& model_id) const;  // the truth on disk, now

  // Of the download that runs or ran last; nullopt when there was none.
  std::optional<ModelDownloadProgress> get_download_progress(const std::string& model_id) const;
  std::map<std::string, ModelDownloadProgress> get_all_download_progress() const;
  void clear_progress(const std::string& model_id);  // of an ended download
  void clear_all_progress();

  DownloadStatistics get_statistics() const;

  // The limits are the engine's and fixed when it is made: setting another value is Unsupported.
  int get_max_concurrent_downloads() const;
  void set_max_concurrent_downloads(int max);
  std::chrono::milliseconds get_download_timeout() const;
  void set_download_timeout(std::chrono::milliseconds timeout);

 private:
  faces::ManagerCore* core_;
};

}  // namespace roost::model_management

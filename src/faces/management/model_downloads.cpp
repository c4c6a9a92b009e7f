#include "roost/model_downloads.h"

#include <utility>

#include "faces/management/manager_config.h"
#include "faces/management/manager_core.h"
#include "roost/error.h"

namespace roost::model_management {
namespace {

std::string doing(const std::string& model_id) {
  return "downloading '" + model_id + "'";
}

}  // namespace

void DownloadManager::download_model(const std::string& model_id, const ProgressCallback& progress,
                                     std::stop_token stop) {
  const faces::Gate::Pass pass(*core_->gate, std::move(stop), doing(model_id));
  core_->download(model_id, progress, pass.stop());
}

std::future<void> DownloadManager::download_model_async(const std::string& model_id,
                                                        ProgressCallback progress,
                                                        std::stop_token stop) {
  return core_->run_async(
      std::move(stop), doing(model_id),
      [core = core_, model_id, progress = std::move(progress)](std::stop_token token) {
        core->download(model_id, progress, std::move(token));
      });
}

bool DownloadManager::cancel_download(const std::string& model_id) {
  core_->known(model_id);
  return core_->engine.cancel_fetch(model_id);
}

bool DownloadManager::is_downloading(const std::string& model_id) const {
  core_->known(model_id);
  return core_->engine.status(model_id).files == FetchState::Fetching;
}

bool DownloadManager::is_downloaded(const std::string& model_id) const {
  core_->known(model_id);
  return core_->engine.files_present(model_id);
}

std::optional<ModelDownloadProgress> DownloadManager::get_download_progress(
    const std::string& model_id) const {
  core_->known(model_id);
  return core_->book.find(model_id);
}

std::map<std::string, ModelDownloadProgress> DownloadManager::get_all_download_progress() const {
  return core_->book.all();
}

void DownloadManager::clear_progress(const std::string& model_id) {
  core_->known(model_id);
  core_->book.clear(model_id);
}

void DownloadManager::clear_all_progress() {
  core_->book.clear(std::nullopt);
}

DownloadStatistics DownloadManager::get_statistics() const {
  return core_->book.statistics();
}

int DownloadManager::get_max_concurrent_downloads() const {
  return core_->config.max_concurrent_downloads;
}

void DownloadManager::set_max_concurrent_downloads(int max) {
  faces::refuse_other_limit("max_concurrent_downloads", max, get_max_concurrent_downloads());
}

std::chrono::milliseconds DownloadManager::get_download_timeout() const {
  return core_->config.download_timeout;
}

void DownloadManager::set_download_timeout(std::chrono::milliseconds timeout) {
  faces::refuse_other_limit("download_timeout", timeout.count(), get_download_timeout().count());
}

}  // namespace roost::model_management

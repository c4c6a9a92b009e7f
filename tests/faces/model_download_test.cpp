// Document 1's downloads: progress, joining, limits, timeouts, cancellation, how they ended.
#include <gmock/gmock.h>

#include <stdexcept>
#include <thread>

#include "faces/manager_fixture.h"

namespace roost::test {
namespace {

using mm::ModelDownloadProgress;
using mm::ModelStatus;
using std::chrono::milliseconds;

class ModelDownloadTest : public ManagerTest {
 protected:
  std::shared_ptr<ScriptedModel> add_absent(const std::string& id) {
    auto model = add_own(id);
    model->available = false;
    return model;
  }
  std::future<void> begin(const std::string& id, const std::shared_ptr<ScriptedModel>& model) {
    model->download_gate.shut();
    auto download = manager().download_model_async(id);
    model->download_gate.await_arrivals();
    return download;
  }
  // Who gave up is answered at once; the download itself ends when the model obeys its token.
  void await_end(const std::string& id) {
    while (manager().get_download_manager().is_downloading(id)) std::this_thread::yield();
  }
};

TEST_F(ModelDownloadTest, ProgressNeverFallsAndEndsAtExactlyHundredOnce) {
  const auto model = add_absent("a");
  std::vector<ModelDownloadProgress> told;
  manager().download_model("a", [&](const ModelDownloadProgress& now) { told.push_back(now); });
  ASSERT_GE(told.size(), 2u);
  for (std::size_t i = 1; i < told.size(); ++i) {
    EXPECT_GT(told[i].progress, told[i - 1].progress);
    EXPECT_DOUBLE_EQ(told[i].fraction * 100, told[i].progress);
  }
  EXPECT_EQ(told.back().progress, 100);
  EXPECT_EQ(told.back().status, ModelStatus::Downloaded);
  EXPECT_EQ(told.front().model_id, "a");
  EXPECT_TRUE(told.front().start_time);
  EXPECT_EQ(model->downloads, 1);
}

TEST_F(ModelDownloadTest, WhatIsThereIsNotFetchedAgain) {
  const auto model = add_own("a");
  int told = 0;
  manager().download_model("a", [&](const ModelDownloadProgress& now) {
    ++told;
    EXPECT_EQ(now.progress, 100);
  });
  EXPECT_EQ(told, 1);
  EXPECT_EQ(model->downloads, 0);
}

TEST_F(ModelDownloadTest, TheBookIsRightWhenTheCallReturns) {
  add_absent("a");
  auto& downloads = manager().get_download_manager();
  EXPECT_FALSE(downloads.get_download_progress("a"));
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::NotDownloaded);
  downloads.download_model("a");
  const auto progress = downloads.get_download_progress("a");
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->progress, 100);
  EXPECT_EQ(progress->status, ModelStatus::Downloaded);
  const mm::DownloadStatistics statistics = downloads.get_statistics();
  EXPECT_EQ(statistics.total_downloads, 1u);
  EXPECT_EQ(statistics.completed, 1u);
  EXPECT_EQ(statistics.active, 0u);
  EXPECT_EQ(statistics.total_bytes_downloaded, 100u);
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Downloaded);
  downloads.clear_progress("a");
  EXPECT_FALSE(downloads.get_download_progress("a"));
}

TEST_F(ModelDownloadTest, WhileItRunsItIsDownloading) {
  const auto model = add_absent("a");
  auto download = begin("a", model);
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Downloading);
  EXPECT_EQ(model->status(), ModelStatus::Downloading);
  EXPECT_TRUE(manager().get_download_manager().is_downloading("a"));
  EXPECT_EQ(manager().get_statistics().active_downloads, 1u);
  EXPECT_TRUE(manager().get_state().is_downloading);
  manager().get_download_manager().clear_all_progress();
  EXPECT_TRUE(manager().get_download_manager().get_download_progress("a")) << "it runs";
  model->download_gate.open();
  download.get();
  EXPECT_EQ(model->status(), ModelStatus::Downloaded);
  EXPECT_TRUE(manager().is_model_available("a"));
}

TEST_F(ModelDownloadTest, ASecondCallJoinsAndBothHearOfIt) {
  const auto model = add_absent("a");
  model->download_gate.shut();
  std::atomic<int> first = 0, second = 0;
  const auto count = [](std::atomic<int>& counter) {
    return [&counter](const ModelDownloadProgress& now) { counter = static_cast<int>(now.progress); };
  };
  auto one = manager().download_model_async("a", count(first));
  model->download_gate.await_arrivals();
  auto two = manager().download_model_async("a", count(second));
  model->download_gate.open();
  one.get();
  two.get();
  EXPECT_EQ(model->downloads, 1);
  EXPECT_EQ(first, 100);
  EXPECT_EQ(second, 100);
}

TEST_F(ModelDownloadTest, OneCallersCancelDoesNotEndTheOthers) {
  const auto model = add_absent("a");
  auto stays = begin("a", model);
  std::stop_source leaving;
  auto leaves = manager().download_model_async("a", {}, leaving.get_token());
  leaving.request_stop();
  EXPECT_EQ(code_of([&] { leaves.get(); }), ErrorCode::Cancelled);
  model->download_gate.open();
  stays.get();
  EXPECT_EQ(model->downloads, 1);
}

TEST_F(ModelDownloadTest, CancelByNameEndsItForAll) {
  const auto model = add_absent("a");
  auto download = begin("a", model);
  EXPECT_TRUE(manager().cancel_download("a"));
  EXPECT_EQ(code_of([&] { download.get(); }), ErrorCode::Cancelled);
  await_end("a");
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::NotDownloaded);
  EXPECT_EQ(model->status(), ModelStatus::NotDownloaded);
  EXPECT_EQ(manager().get_download_manager().get_statistics().failed, 0u);
  EXPECT_FALSE(manager().cancel_download("a"));
}

TEST_F(ModelDownloadTest, MoreThanTheLimitWait) {
  config.max_concurrent_downloads = 2;
  std::vector<std::shared_ptr<ScriptedModel>> models;
  std::vector<std::future<void>> downloads;
  for (int i = 0; i < 5; ++i) {
    models.push_back(add_absent("m" + std::to_string(i)));
    models.back()->download_gate.shut();
    downloads.push_back(manager().download_model_async("m" + std::to_string(i)));
  }
  const auto running = [&] {
    int count = 0;
    for (const auto& model : models) count += model->downloads;
    return count;
  };
  while (running() < 2) std::this_thread::yield();
  EXPECT_EQ(running(), 2);
  EXPECT_EQ(manager().get_download_manager().get_max_concurrent_downloads(), 2);
  for (const auto& model : models) model->download_gate.open();
  for (auto& download : downloads) download.get();
  EXPECT_EQ(running(), 5);
}

TEST_F(ModelDownloadTest, AFailureIsKeptUntilTheNextTry) {
  const auto model = add_absent("a");
  model->on_download = [] { throw std::runtime_error("disk full"); };
  EXPECT_EQ(code_of([&] { manager().download_model("a"); }), ErrorCode::DownloadFailed);
  EXPECT_NE(last_message().find("disk full"), std::string::npos);
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Error);
  EXPECT_EQ(model->status(), ModelStatus::Error);
  const auto progress = manager().get_download_manager().get_download_progress("a");
  ASSERT_TRUE(progress);
  EXPECT_NE(progress->error.find("disk full"), std::string::npos);
  EXPECT_EQ(manager().get_download_manager().get_statistics().failed, 1u);
  model->on_download = nullptr;
  EXPECT_EQ(code_of([&] { manager().download_model("a"); }), ErrorCode::LoadBackoff);
  EXPECT_NE(last_message().find("disk full"), std::string::npos);
  manager().unload_model("a");  // forgets it
  manager().download_model("a");
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Downloaded);
}

TEST_F(ModelDownloadTest, ADownloadThatLeavesNoFilesIsAnError) {
  const auto model = add_absent("a");
  model->leaves_files = false;
  EXPECT_EQ(code_of([&] { manager().download_model("a"); }), ErrorCode::DownloadFailed);
  EXPECT_FALSE(manager().is_model_available("a"));
}

TEST_F(ModelDownloadTest, TheTimeoutEndsItWithItsName) {
  ManualClock clock;
  options.clock = &clock;
  config.download_timeout = milliseconds(5'000);
  const auto model = add_absent("a");
  auto download = begin("a", model);
  clock.advance(milliseconds(4'999));
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Downloading);
  clock.advance(milliseconds(2));
  EXPECT_EQ(code_of([&] { download.get(); }), ErrorCode::DeadlineExceeded);
  await_end("a");
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::Error);
  destroy_manager();
}

TEST_F(ModelDownloadTest, AThrowingProgressCallbackStopsNothing) {
  add_absent("a");
  manager().download_model("a", [](const ModelDownloadProgress&) { throw 7; });
  EXPECT_TRUE(logged("progress callback"));
  EXPECT_TRUE(manager().is_model_available("a"));
}

TEST_F(ModelDownloadTest, TurnedOffMeansATypedError) {
  config.disable_model_downloads = true;
  const auto model = add_absent("a");
  EXPECT_EQ(code_of([&] { manager().download_model("a"); }), ErrorCode::Unsupported);
  EXPECT_EQ(code_of([&] { manager().load_model("a"); }), ErrorCode::ModelNotFound);
  EXPECT_EQ(model->downloads, 0);
}

TEST_F(ModelDownloadTest, AvailabilityIsTheTruthOnDisk) {
  const auto model = add_own("a");
  EXPECT_TRUE(manager().is_model_available("a"));
  model->available = false;  // somebody removed the files
  EXPECT_FALSE(manager().is_model_available("a"));
  EXPECT_EQ(manager().get_model_status("a"), ModelStatus::NotDownloaded);
}

TEST_F(ModelDownloadTest, TheDirectoryIsHandedToTheModel) {
  config.download_directory = "/var/models";
  EXPECT_EQ(add_own("a")->folder(), "/var/models/a");
}

}  // namespace
}  // namespace roost::test

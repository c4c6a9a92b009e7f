#include "faces/local/download_meter.h"

#include <gtest/gtest.h>

#include <vector>

namespace roost::faces {
namespace {

class DownloadMeterTest : public testing::Test {
 protected:
  static FetchProgress at(std::uint64_t done, std::uint64_t total) {
    FetchProgress progress;
    progress.done_bytes = done;
    progress.total_bytes = total;
    return progress;
  }

  std::vector<DownloadProgress> told_;
  DownloadMeter meter_{[this](const DownloadProgress& p) { told_.push_back(p); }, "m"};
};

TEST_F(DownloadMeterTest, TellsBothScalesAndTheBytes) {
  meter_.preparing();
  meter_.update(at(25, 100));
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_EQ(told_[0].phase, DownloadPhase::Preparing);
  EXPECT_EQ(told_[1].phase, DownloadPhase::Downloading);
  EXPECT_EQ(told_[1].file_name, "m");
  EXPECT_EQ(told_[1].bytes_downloaded, 25u);
  EXPECT_EQ(told_[1].overall_total_bytes, 100u);
  EXPECT_DOUBLE_EQ(told_[1].progress_percentage, 0.25);
  EXPECT_DOUBLE_EQ(told_[1].percent_complete, 25);
  EXPECT_DOUBLE_EQ(told_[1].overall_percent_complete, 25);
}

TEST_F(DownloadMeterTest, EndsAtExactlyOneHundredOnce) {
  meter_.update(at(100, 100));
  EXPECT_LT(told_.back().percent_complete, 100);
  meter_.complete();
  meter_.complete();
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_EQ(told_.back().phase, DownloadPhase::Complete);
  EXPECT_EQ(told_.back().percent_complete, 100);
  EXPECT_EQ(told_.back().progress_percentage, 1);
}

TEST_F(DownloadMeterTest, NeverFalls) {
  for (const std::uint64_t done : {10u, 50u, 20u, 60u}) meter_.update(at(done, 100));
  meter_.update(at(60, 1'000));  // the total was told too low
  double before = 0;
  for (const DownloadProgress& progress : told_) {
    EXPECT_GE(progress.percent_complete, before);
    before = progress.percent_complete;
  }
}

TEST_F(DownloadMeterTest, IsThrottledByPercent) {
  for (std::uint64_t done = 0; done < 100'000; ++done) meter_.update(at(done, 100'000));
  EXPECT_GE(told_.size(), 99u);
  EXPECT_LT(told_.size(), 1'000u);
}

TEST_F(DownloadMeterTest, AnUnknownTotalIsNoFraction) {
  meter_.update(at(10, 0));
  EXPECT_EQ(told_.back().progress_percentage, 0);
  EXPECT_EQ(told_.back().total_bytes, 0u);
}

TEST(DownloadNames, AreTold) {
  EXPECT_EQ(to_string(DownloadPhase::Preparing), "preparing");
  EXPECT_EQ(to_string(DownloadPhase::Complete), "complete");
  EXPECT_EQ(to_string(DownloadKind::Runtime), "runtime");
}

}  // namespace
}  // namespace roost::faces

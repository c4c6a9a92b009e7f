#include "support/raw_file_backend.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "backend/checksum.h"
#include "roost/error.h"
#include "support/simulated_machine.h"

namespace roost::test {
namespace {

class RawFileBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t i = 0; i < 3'000'000; ++i) bytes_ += static_cast<char>(i * 31 % 251);
    std::ofstream(path_, std::ios::binary) << bytes_;
  }
  void TearDown() override { std::filesystem::remove(path_); }

  LoadContext context(std::string_view device) {
    LoadContext context;
    context.device = machine_.find(device);
    context.host = machine_.find("cpu");
    context.memory = account_;
    return context;
  }

  const std::string path_ = testing::TempDir() + "raw_file_" + std::to_string(::getpid());
  const ModelDescription model_{"f", "file:" + path_, "1", "", {}};
  std::string bytes_;
  Machine machine_ = simulated_machine({.gpu_bytes = {64 << 20}});
  std::shared_ptr<MemoryAccount> account_ = MemoryAccount::create();
  RawFileBackend backend_;
};

TEST_F(RawFileBackendTest, LoadsTheFilesBytesAndTakesWhatItEstimates) {
  for (const char* device : {"cpu", "cuda:0"}) {
    LoadContext context = this->context(device);
    const LoadEstimate estimate = backend_.estimate(model_, *context.device);
    context.images = {backend_.read(model_, "model", context, {})};
    EXPECT_EQ(context.images[0]->checksum(), backend::checksum(std::as_bytes(std::span(bytes_))));
    const auto model = backend_.load(model_, context, {});
    EXPECT_EQ(account_->live(),
              MemoryVector::host(bytes_.size()) +
                  MemoryVector::on(context.device->info().memory, estimate.placement_bytes));
    const HostImages saved = model->save_images(context, {});
    EXPECT_EQ(saved[0]->checksum(), context.images[0]->checksum());
    EXPECT_EQ(model->info().path, path_);
    EXPECT_EQ(model->probe_health({}), Health::Healthy);
  }
  EXPECT_TRUE(account_->live().empty());
}

TEST_F(RawFileBackendTest, AStoppedReadLeavesNoByte) {
  std::stop_source stop;
  stop.request_stop();
  LoadContext context = this->context("cpu");
  EXPECT_THROW(backend_.read(model_, "model", context, stop.get_token()), CancelledException);
  EXPECT_TRUE(account_->live().empty());
}

}  // namespace
}  // namespace roost::test

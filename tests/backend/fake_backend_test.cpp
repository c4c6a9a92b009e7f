#include "support/fake_backend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "roost/error.h"
#include "support/simulated_machine.h"

namespace roost::test {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

struct FakeHost {
  LoadContext context(std::string_view device) {
    LoadContext context;
    context.device = machine.find(device);
    context.host = machine.find("cpu");
    context.memory = account;
    return context;
  }
  ModelDescription model(const std::string& name) { return {name, "fake:" + name, "1", "", {}}; }

  Machine machine = simulated_machine({.gpu_bytes = {256 * kMiB}});
  std::shared_ptr<MemoryAccount> account = MemoryAccount::create();
  FakeBackend backend;
};

TEST(FakeBackend, MovesImagesToADeviceAndBack) {
  FakeHost host;
  FakeSpec spec;
  spec.components = {{"unet", 40 * kMiB}, {"vae", 8 * kMiB}};
  spec.placement_bytes = 50 * kMiB;
  host.backend.add("a", spec);
  LoadContext context = host.context("cuda:0");
  for (const char* name : {"unet", "vae"}) {
    context.images.push_back(host.backend.read(host.model("a"), name, context, {}));
  }
  const HostImages before = context.images;
  EXPECT_NE(before[0]->checksum(), before[1]->checksum());
  const auto model = host.backend.load(host.model("a"), context, {});
  EXPECT_EQ(host.account->live(),
            MemoryVector::host(48 * kMiB) + MemoryVector::on(device_memory(0), 50 * kMiB));
  const HostImages after = model->save_images(context, {});
  ASSERT_EQ(after.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(after[i]->checksum(), before[i]->checksum());
}

TEST(FakeBackend, AGateHoldsALoadUntilItsStop) {
  FakeHost host;
  const auto script = host.backend.add("a", fake_with_image(kMiB));
  script->gate(FakeStep::Read).shut();
  std::stop_source stop;
  std::jthread reader([&] {
    LoadContext context = host.context("cpu");
    EXPECT_THROW(host.backend.read(host.model("a"), "model", context, stop.get_token()),
                 CancelledException);
  });
  script->gate(FakeStep::Read).await_arrivals();
  EXPECT_EQ(host.account->live(), MemoryVector::host(kMiB));
  stop.request_stop();
  reader.join();
  EXPECT_TRUE(host.account->live().empty());
}

TEST(FakeBackend, FailsOnTheNth) {
  FakeHost host;
  const auto script = host.backend.add("a");
  script->fail(FakeStep::Load, 2, [] { throw ModelLoadException("a", "scripted"); });
  LoadContext context = host.context("cpu");
  EXPECT_NO_THROW(host.backend.load(host.model("a"), context, {}));
  EXPECT_THROW(host.backend.load(host.model("a"), context, {}), ModelLoadException);
  EXPECT_NO_THROW(host.backend.load(host.model("a"), context, {}));
  EXPECT_EQ(script->count(FakeStep::Load), 3u);
  EXPECT_EQ(script->alive(), 0u);
  EXPECT_TRUE(host.account->live().empty());
}

TEST(FakeBackend, LiesAboutItsSizeOnlyInTheEstimate) {
  FakeHost host;
  FakeSpec spec = fake_with_image(4 * kMiB);
  spec.estimate = LoadEstimate{{{"model", kMiB}}, kMiB, false};
  host.backend.add("a", spec);
  EXPECT_EQ(host.backend.estimate(host.model("a"), host.machine.host()).placement_bytes, kMiB);
  LoadContext context = host.context("cpu");
  context.images = {host.backend.read(host.model("a"), "model", context, {})};
  const auto model = host.backend.load(host.model("a"), context, {});
  EXPECT_EQ(host.account->live(), MemoryVector::host(8 * kMiB));
}

TEST(FakeBackend, PoisonIsFoundByAProbe) {
  FakeHost host;
  const auto script = host.backend.add("a");
  LoadContext context = host.context("cpu");
  const auto model = host.backend.load(host.model("a"), context, {});
  EXPECT_EQ(model->probe_health({}), Health::Healthy);
  script->set_health(Health::Degraded);
  EXPECT_EQ(model->probe_health({}), Health::Degraded);
  script->poison_outputs();
  EXPECT_THROW(model->probe_health({}), InferenceException);
}

TEST(FakeBackend, MayKeepItsMemoryAfterAnUnload) {
  FakeHost host;
  const auto script = host.backend.add("a");
  LoadContext context = host.context("cuda:0");
  auto model = host.backend.load(host.model("a"), context, {});
  script->keep_memory();
  model.reset();
  EXPECT_EQ(host.account->live(), MemoryVector::on(device_memory(0), kMiB));
  script->give_back();
  EXPECT_TRUE(host.account->live().empty());
}

TEST(FakeBackend, AStubbornUnloadWaitsForItsGateAlone) {
  FakeHost host;
  const auto script = host.backend.add("a");
  LoadContext context = host.context("cpu");
  const auto model = host.backend.load(host.model("a"), context, {});
  script->gate(FakeStep::Unload).shut();
  script->ignore_stop(FakeStep::Unload);
  std::stop_source stop;
  stop.request_stop();
  std::jthread unloader([&] { EXPECT_NO_THROW(model->unload(stop.get_token())); });
  script->gate(FakeStep::Unload).await_arrivals();
  script->gate(FakeStep::Unload).open();
}

}  // namespace
}  // namespace roost::test

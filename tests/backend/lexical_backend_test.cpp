#include "backend/builtin/lexical_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "backend/builtin/lexical_options.h"
#include "backend/lexical_fixture.h"
#include "roost/error.h"

namespace roost::backend {
namespace {

using test::lexical;
using test::LexicalHost;
using testing::HasSubstr;

Value options(const char* key, Value value) {
  return Value::Object{{key, std::move(value)}};
}

struct BadOption {
  const char* name;
  Value options;
  ErrorCode code;
  std::vector<std::string> in_message;
};

class BadOptionTest : public testing::TestWithParam<BadOption> {};

TEST_P(BadOptionTest, IsRefusedByNameValueAndRange) {
  try {
    LexicalBackend().check_options(GetParam().options);
    FAIL() << "accepted";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), GetParam().code);
    for (const auto& part : GetParam().in_message) EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Lexical, BadOptionTest,
    testing::Values(
        BadOption{"UnknownKey",
                  options("row", 64),
                  ErrorCode::UnknownOption,
                  {"'row'", "dimensions, rows, seed"}},
        BadOption{"HostileKey", options("\x1b[2J", 64), ErrorCode::UnknownOption, {"\\x1b"}},
        BadOption{"RowsTooFew",
                  options("rows", 63),
                  ErrorCode::InvalidArgument,
                  {"rows", "63", "64 to 1048576"}},
        BadOption{"RowsTooMany",
                  options("rows", (1 << 20) + 1),
                  ErrorCode::InvalidArgument,
                  {"rows", "1048577", "64 to 1048576"}},
        BadOption{"RowsNegative", options("rows", -1), ErrorCode::InvalidArgument, {"-1"}},
        BadOption{"RowsFraction", options("rows", 100.5), ErrorCode::InvalidArgument, {"100.5"}},
        BadOption{"RowsText", options("rows", "many"), ErrorCode::InvalidArgument, {"many"}},
        BadOption{"DimensionsTooFew",
                  options("dimensions", 7),
                  ErrorCode::InvalidArgument,
                  {"dimensions", "7", "8 to 4096"}},
        BadOption{"DimensionsTooMany",
                  options("dimensions", 4097),
                  ErrorCode::InvalidArgument,
                  {"dimensions", "4097", "8 to 4096"}},
        BadOption{"SeedNegative",
                  options("seed", -2),
                  ErrorCode::InvalidArgument,
                  {"seed", "-2", "0 to"}},
        BadOption{"NotAnObject", Value(3), ErrorCode::InvalidArgument, {"object"}}),
    [](const auto& test) { return test.param.name; });

TEST(LexicalOptions, ShapeTheTable) {
  const TableShape none = parse_lexical_options({});
  EXPECT_EQ(none.rows, 32768u);
  EXPECT_EQ(none.dimensions, 256u);
  EXPECT_EQ(none.bytes(), 32u << 20);
  const TableShape all =
      parse_lexical_options(Value::Object{{"rows", 64}, {"dimensions", 8}, {"seed", INT64_MAX}});
  EXPECT_EQ(all.rows, 64u);
  EXPECT_EQ(all.dimensions, 8u);
  EXPECT_EQ(all.seed, static_cast<std::uint64_t>(INT64_MAX));
}

TEST(LexicalBackend, SaysWhyNot) {
  const LexicalBackend backend;
  EXPECT_EQ(backend.why_not(lexical()), std::nullopt);
  EXPECT_THAT(*backend.why_not({"m", "builtin:semantic", "", "", {}}),
              HasSubstr("builtin:lexical"));
  EXPECT_THAT(*backend.why_not({"m", "file:/x", "", "", {}}), HasSubstr("not a built-in model"));
}

TEST(LexicalBackend, AllocatesExactlyWhatItEstimates) {
  for (const char* device : {"cpu", "cuda:0"}) {
    LexicalHost host;
    const LoadEstimate estimate = host.backend.estimate(lexical(), *host.machine.find(device));
    ASSERT_EQ(estimate.components.size(), 1u);
    EXPECT_EQ(estimate.components[0].name, "model");
    EXPECT_EQ(estimate.in_place, std::string_view(device) == "cpu");

    LoadContext context = host.context(device);
    context.images = {host.backend.read(lexical(), "model", context, {})};
    EXPECT_EQ(context.images[0]->bytes(), 32u << 20);
    const auto model = host.backend.load(lexical(), context, {});
    MemoryVector said = MemoryVector::host(estimate.components[0].host_bytes);
    said += MemoryVector::on(context.device->info().memory, estimate.placement_bytes);
    EXPECT_EQ(host.account->live(), said) << device;
  }
}

TEST(LexicalBackend, UnloadingGivesEverythingBack) {
  for (const char* device : {"cpu", "cuda:0"}) {
    LexicalHost host;
    auto model = host.load(test::small_rows(), device);
    EXPECT_FALSE(host.account->live().empty());
    model->unload({});
    model.reset();
    EXPECT_TRUE(host.account->live().empty()) << device;
  }
}

TEST(LexicalBackend, ALoadInPlaceKeepsTheImageAndADeviceLoadDoesNot) {
  LexicalHost host;
  LoadContext context = host.context();
  const auto image = host.backend.read(lexical(test::small_rows()), "model", context, {});
  context.images = {image};
  const auto in_place = host.backend.load(lexical(test::small_rows()), context, {});
  EXPECT_EQ(image.use_count(), 3);
  LoadContext gpu = host.context("cuda:0");
  gpu.images = {image};
  const auto on_gpu = host.backend.load(lexical(test::small_rows()), gpu, {});
  EXPECT_EQ(image.use_count(), 4);  // the new context's
}

TEST(LexicalBackend, TheChecksumSurvivesADeviceRoundTrip) {
  for (const char* device : {"cpu", "cuda:0"}) {
    LexicalHost host({.gpu_bytes = {1ull << 30}, .async_writes = true});
    LoadContext context = host.context(device);
    context.images = {host.backend.read(lexical(), "model", context, {})};
    const std::uint64_t before = context.images[0]->checksum();
    const auto model = host.backend.load(lexical(), context, {});
    context.images.clear();
    const HostImages saved = model->save_images(context, {});
    ASSERT_EQ(saved.size(), 1u);
    EXPECT_EQ(saved[0]->checksum(), before) << device;

    context.images = saved;
    const auto restored = host.backend.load(lexical(), context, {});
    EXPECT_EQ(test::embed(*restored, "round trip"), test::embed(*model, "round trip"));
  }
}

TEST(LexicalBackend, AReadStoppedHalfwayLeavesNoByte) {
  LexicalHost host;
  std::stop_source stop;
  LoadContext context = host.context();
  context.threads = 2;
  MemoryVector during;
  context.progress = [&](double) {
    during = host.account->live();
    stop.request_stop();
  };
  EXPECT_THROW(host.backend.read(lexical(), "model", context, stop.get_token()),
               CancelledException);
  EXPECT_EQ(during, MemoryVector::host(32u << 20));
  EXPECT_TRUE(host.account->live().empty());
}

TEST(LexicalBackend, ADeviceCopyStoppedHalfwayLeavesNoByte) {
  LexicalHost host;
  std::stop_source stop;
  LoadContext context = host.context("cuda:0");
  context.images = {host.backend.read(lexical(), "model", context, {})};
  const MemoryVector before = host.account->live();
  int steps = 0;
  context.progress = [&](double) {
    ++steps;
    stop.request_stop();
  };
  EXPECT_THROW(host.backend.load(lexical(), context, stop.get_token()), CancelledException);
  EXPECT_EQ(steps, 1);  // of the two 16 MiB that are 32
  EXPECT_EQ(host.account->live(), before);
}

TEST(LexicalBackend, StoppedBeforeItStartsItAllocatesNothing) {
  LexicalHost host;
  std::stop_source stop;
  stop.request_stop();
  LoadContext context = host.context();
  EXPECT_THROW(host.backend.read(lexical(), "model", context, stop.get_token()),
               CancelledException);
  EXPECT_TRUE(test::simulated_host(host.machine).calls().empty());
  context.images = {host.backend.read(lexical(test::small_rows()), "model", context, {})};
  test::simulated_host(host.machine).clear_calls();
  EXPECT_THROW(host.backend.load(lexical(test::small_rows()), context, stop.get_token()),
               CancelledException);
  EXPECT_TRUE(test::simulated_host(host.machine).calls().empty());
}

TEST(LexicalBackend, OutOfMemoryIsTypedAndLeavesNoByte) {
  LexicalHost host;
  test::simulated_gpu(host.machine).fail_allocation();
  LoadContext context = host.context("cuda:0");
  context.images = {host.backend.read(lexical(), "model", context, {})};
  try {
    host.backend.load(lexical(), context, {});
    FAIL() << "loaded";
  } catch (const RoostError& error) {
    EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
  }
  EXPECT_EQ(host.account->live(), MemoryVector::host(32u << 20));
}

TEST(LexicalBackend, RefusesAComponentOrImagesThatAreNotItsOwn) {
  LexicalHost host;
  LoadContext context = host.context();
  EXPECT_THROW(host.backend.read(lexical(), "unet", context, {}), RoostError);
  EXPECT_THROW(host.backend.load(lexical(), context, {}), ModelLoadException);
}

TEST(LexicalBackend, ProgressOfALoadNeverFallsAndEndsAtOne) {
  for (const char* device : {"cpu", "cuda:0"}) {
    LexicalHost host;
    LoadContext context = host.context(device);
    context.images = {host.backend.read(lexical(), "model", context, {})};
    std::vector<double> told;
    context.progress = [&](double fraction) { told.push_back(fraction); };
    const auto model = host.backend.load(lexical(), context, {});
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back(), 1.0);
  }
}

}  // namespace
}  // namespace roost::backend

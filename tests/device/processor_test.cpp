#include "device/processor.h"

#include <gmock/gmock.h>
#include <sched.h>

#include <functional>

#include "device/fake_tree.h"

namespace roost::device {
namespace {

using test::FakeTree;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Processor, ReadsNameAndFeaturesOfX86) {
  FakeTree tree;
  tree.file("proc/cpuinfo",
            "processor\t: 0\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R) Platinum 8481C\n"
            "flags\t\t: fpu vme avx avx2 avx512f avx512_bf16 avx512_vnni amx_bf16 amx_tile "
            "amx_int8 avx2x\n\nprocessor\t: 1\nmodel name\t: Other\nflags\t: sse4_2\n");
  const ProcessorInfo info = read_processor(tree.root(), 2);
  EXPECT_EQ(info.name, "Intel(R) Xeon(R) Platinum 8481C");
  EXPECT_THAT(info.features, ElementsAre("avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16",
                                         "amx_tile", "amx_int8", "amx_bf16"));
  EXPECT_EQ(info.cores, 2u);
}

TEST(Processor, ReadsFeaturesOfArm) {
  FakeTree tree;
  tree.file("proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd asimddp bf16 i8mm\n");
  const ProcessorInfo info = read_processor(tree.root(), 4);
  EXPECT_EQ(info.name, "unnamed processor");
  EXPECT_THAT(info.features, ElementsAre("asimd", "asimddp", "bf16", "i8mm"));
}

TEST(Processor, IsNamelessWhereNothingCanBeRead) {
  FakeTree tree;
  tree.file("proc/cpuinfo", "model name\nflags\n: avx2\n");
  const ProcessorInfo info = read_processor(tree.root(), 0);
  EXPECT_THAT(info.features, IsEmpty());
  EXPECT_EQ(info.cores, 1u);
}

struct QuotaCase {
  const char* name;
  std::function<void(FakeTree&)> build;
  unsigned cores;  // of 8
};

class QuotaTest : public testing::TestWithParam<QuotaCase> {};

TEST_P(QuotaTest, LowersTheCores) {
  FakeTree tree;
  tree.file("proc/self/cgroup", "5:cpu,cpuacct:/job\n0::/pod/app\n");
  GetParam().build(tree);
  EXPECT_EQ(read_processor(tree.root(), 8).cores, GetParam().cores);
}

INSTANTIATE_TEST_SUITE_P(
    Quotas, QuotaTest,
    testing::Values(
        QuotaCase{"None", [](FakeTree&) {}, 8},
        QuotaCase{
            "Max",
            [](FakeTree& tree) { tree.file("sys/fs/cgroup/pod/app/cpu.max", "max 100000\n"); }, 8},
        QuotaCase{
            "RoundedUp",
            [](FakeTree& tree) { tree.file("sys/fs/cgroup/pod/app/cpu.max", "150000 100000\n"); },
            2},
        QuotaCase{
            "AtLeastOne",
            [](FakeTree& tree) { tree.file("sys/fs/cgroup/pod/app/cpu.max", "1000 100000\n"); }, 1},
        QuotaCase{"MoreThanThereAre",
                  [](FakeTree& tree) {
                    tree.file("sys/fs/cgroup/pod/app/cpu.max", "18446744073709551615 1\n");
                  },
                  8},
        QuotaCase{"ParentIsTighter",
                  [](FakeTree& tree) {
                    tree.file("sys/fs/cgroup/pod/app/cpu.max", "400000 100000\n")
                        .file("sys/fs/cgroup/pod/cpu.max", "300000 100000\n");
                  },
                  3},
        QuotaCase{"ZeroPeriod",
                  [](FakeTree& tree) { tree.file("sys/fs/cgroup/pod/app/cpu.max", "100000 0\n"); },
                  8},
        QuotaCase{"Version1",
                  [](FakeTree& tree) {
                    tree.file("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "200000\n")
                        .file("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
                  },
                  2},
        QuotaCase{"Version1Unlimited",
                  [](FakeTree& tree) {
                    tree.file("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n")
                        .file("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
                  },
                  8}),
    [](const auto& test) { return test.param.name; });

TEST(Processor, CountsOnlyThoseWeMayRunOn) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(schedulable_processors(), static_cast<unsigned>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(schedulable_processors(), 1u);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace roost::device

#include "device/host_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

#include "device/fake_tree.h"

namespace roost::device {
namespace {

using test::FakeTree;

constexpr std::uint64_t kGiB = 1ull << 30;
constexpr const char* kMeminfo =
    "MemTotal:       16777216 kB\nMemFree:         1048576 kB\nMemAvailable:    8388608 kB\n";
constexpr const char* kUnifiedMount =
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kVersion1Mounts =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "34 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
constexpr const char* kUnlimited1 = "9223372036854771712\n";

std::string bytes(std::uint64_t number) {
  return std::to_string(number) + "\n";
}

FakeTree& unified(FakeTree& tree, const char* path) {
  return tree.file("proc/meminfo", kMeminfo)
      .file("proc/self/mountinfo", kUnifiedMount)
      .file("proc/self/cgroup", std::string("0::") + path + "\n");
}

FakeTree& version_1(FakeTree& tree, const char* path) {
  return tree.file("proc/meminfo", kMeminfo)
      .file("proc/self/mountinfo", kVersion1Mounts)
      .file("proc/self/cgroup", std::string("5:cpu,cpuacct:/\n4:memory:") + path + "\n0::/\n");
}

struct SampleCase {
  const char* name;
  std::function<void(FakeTree&)> build;
  std::uint64_t total;
  std::uint64_t available;
};

class HostSampleTest : public testing::TestWithParam<SampleCase> {};

TEST_P(HostSampleTest, ObeysTheTightestLimit) {
  FakeTree tree;
  GetParam().build(tree);
  const MemorySample sample = HostMemory(tree.root()).sample();
  EXPECT_EQ(sample.total_bytes, GetParam().total);
  EXPECT_EQ(sample.available_bytes, GetParam().available);
}

auto name_of = [](const auto& test) { return std::string(test.param.name); };

INSTANTIATE_TEST_SUITE_P(
    Machine, HostSampleTest,
    testing::Values(
        SampleCase{"NothingThere", [](FakeTree&) {}, 0, 0},
        SampleCase{"NoGroups", [](FakeTree& tree) { tree.file("proc/meminfo", kMeminfo); },
                   16 * kGiB, 8 * kGiB},
        SampleCase{
            "OldKernelWithoutMemAvailable",
            [](FakeTree& tree) { tree.file("proc/meminfo", "MemTotal: 4 kB\nMemFree: 3 kB\n"); },
            4096, 3072},
        SampleCase{"Garbage",
                   [](FakeTree& tree) { tree.file("proc/meminfo", "MemTotal: lots kB\n\n:"); }, 0,
                   0},
        SampleCase{"TooManyKilobytes",
                   [](FakeTree& tree) {
                     tree.file("proc/meminfo", "MemTotal: 18446744073709551615 kB\n");
                   },
                   0, 0},
        SampleCase{"AFolderWhereAFileShouldBe", [](FakeTree& tree) { tree.folder("proc/meminfo"); },
                   0, 0}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Unified, HostSampleTest,
    testing::Values(
        SampleCase{"Unlimited",
                   [](FakeTree& tree) {
                     unified(tree, "/app").file("sys/fs/cgroup/app/memory.max", "max\n");
                   },
                   16 * kGiB, 8 * kGiB},
        SampleCase{"LimitMinusUsagePlusInactiveFile",
                   [](FakeTree& tree) {
                     unified(tree, "/app")
                         .file("sys/fs/cgroup/app/memory.max", bytes(4 * kGiB))
                         .file("sys/fs/cgroup/app/memory.current", bytes(3 * kGiB))
                         .file("sys/fs/cgroup/app/memory.stat",
                               "anon 5\nactive_file 7\ninactive_file " + bytes(kGiB));
                   },
                   4 * kGiB, 2 * kGiB},
        SampleCase{"ParentIsTighter",
                   [](FakeTree& tree) {
                     unified(tree, "/pod/app")
                         .file("sys/fs/cgroup/pod/app/memory.max", bytes(6 * kGiB))
                         .file("sys/fs/cgroup/pod/app/memory.current", bytes(kGiB))
                         .file("sys/fs/cgroup/pod/memory.max", bytes(5 * kGiB))
                         .file("sys/fs/cgroup/pod/memory.current", bytes(4 * kGiB));
                   },
                   5 * kGiB, kGiB},
        SampleCase{"GrandparentLimitsTheTotalOnly",
                   [](FakeTree& tree) {
                     unified(tree, "/a/b/c")
                         .file("sys/fs/cgroup/a/memory.max", bytes(7 * kGiB))
                         .file("sys/fs/cgroup/a/b/c/memory.max", bytes(9 * kGiB))
                         .file("sys/fs/cgroup/a/b/c/memory.current", bytes(8 * kGiB));
                   },
                   7 * kGiB, kGiB},
        SampleCase{"HighIsALimitToo",
                   [](FakeTree& tree) {
                     unified(tree, "/app")
                         .file("sys/fs/cgroup/app/memory.max", "max\n")
                         .file("sys/fs/cgroup/app/memory.high", bytes(2 * kGiB))
                         .file("sys/fs/cgroup/app/memory.current", bytes(kGiB));
                   },
                   2 * kGiB, kGiB},
        SampleCase{"OverItsLimit",
                   [](FakeTree& tree) {
                     unified(tree, "/app")
                         .file("sys/fs/cgroup/app/memory.max", bytes(kGiB))
                         .file("sys/fs/cgroup/app/memory.current", bytes(2 * kGiB));
                   },
                   kGiB, 0},
        SampleCase{"MoreInactiveThanUsed",
                   [](FakeTree& tree) {
                     unified(tree, "/app")
                         .file("sys/fs/cgroup/app/memory.max", bytes(kGiB))
                         .file("sys/fs/cgroup/app/memory.current", bytes(5))
                         .file("sys/fs/cgroup/app/memory.stat",
                               "inactive_file 18446744073709551615\n");
                   },
                   kGiB, kGiB},
        SampleCase{"GarbageIsNoLimit",
                   [](FakeTree& tree) {
                     unified(tree, "/app").file("sys/fs/cgroup/app/memory.max", "-5 oops\n");
                   },
                   16 * kGiB, 8 * kGiB},
        SampleCase{"TooLargeForANumberIsNoLimit",
                   [](FakeTree& tree) {
                     unified(tree, "/app")
                         .file("sys/fs/cgroup/app/memory.max", "99999999999999999999999\n");
                   },
                   16 * kGiB, 8 * kGiB},
        SampleCase{"OutsideTheNamespaceOnlyTheTopIsSeen",
                   [](FakeTree& tree) {
                     unified(tree, "/../../other")
                         .file("sys/fs/cgroup/memory.max", bytes(3 * kGiB))
                         .file("other/memory.max", bytes(1));
                   },
                   3 * kGiB, 3 * kGiB},
        SampleCase{"UsualMountPointWithoutMountinfo",
                   [](FakeTree& tree) {
                     tree.file("proc/meminfo", kMeminfo)
                         .file("proc/self/cgroup", "0::/app\n")
                         .file("sys/fs/cgroup/app/memory.max", bytes(kGiB));
                   },
                   kGiB, kGiB},
        SampleCase{"ContainersPathUnderAMountOfIt",
                   [](FakeTree& tree) {
                     tree.file("proc/meminfo", kMeminfo)
                         .file("proc/self/cgroup", "0::/docker/abc/sub\n")
                         .file("proc/self/mountinfo",
                               "1 0 0:1 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n")
                         .file("sys/fs/cgroup/sub/memory.max", bytes(2 * kGiB))
                         .file("sys/fs/cgroup/memory.max", bytes(3 * kGiB));
                   },
                   2 * kGiB, 2 * kGiB}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Version1, HostSampleTest,
    testing::Values(
        SampleCase{"UnlimitedIsAHugeNumber",
                   [](FakeTree& tree) {
                     version_1(tree, "/job")
                         .file("sys/fs/cgroup/memory/job/memory.limit_in_bytes", kUnlimited1)
                         .file("sys/fs/cgroup/memory/job/memory.usage_in_bytes", bytes(kGiB));
                   },
                   16 * kGiB, 8 * kGiB},
        SampleCase{"LimitMinusUsagePlusInactiveFile",
                   [](FakeTree& tree) {
                     version_1(tree, "/job")
                         .file("sys/fs/cgroup/memory/job/memory.limit_in_bytes", bytes(4 * kGiB))
                         .file("sys/fs/cgroup/memory/job/memory.usage_in_bytes", bytes(3 * kGiB))
                         .file("sys/fs/cgroup/memory/job/memory.stat",
                               "inactive_file 1\ntotal_inactive_file " + bytes(kGiB));
                   },
                   4 * kGiB, 2 * kGiB},
        SampleCase{"ParentIsTighter",
                   [](FakeTree& tree) {
                     version_1(tree, "/pod/app")
                         .file("sys/fs/cgroup/memory/pod/app/memory.limit_in_bytes", kUnlimited1)
                         .file("sys/fs/cgroup/memory/pod/memory.limit_in_bytes", bytes(2 * kGiB))
                         .file("sys/fs/cgroup/memory/pod/memory.usage_in_bytes", bytes(kGiB));
                   },
                   2 * kGiB, kGiB},
        SampleCase{"HostsPathInAContainer",
                   [](FakeTree& tree) {
                     version_1(tree, "/docker/0123abcd")
                         .file("sys/fs/cgroup/memory/memory.limit_in_bytes", bytes(kGiB))
                         .file("sys/fs/cgroup/memory/memory.usage_in_bytes", bytes(100));
                   },
                   kGiB, kGiB - 100},
        SampleCase{"BothHierarchiesLimit",
                   [](FakeTree& tree) {
                     tree.file("proc/meminfo", kMeminfo)
                         .file("proc/self/mountinfo",
                               std::string(kVersion1Mounts) +
                                   "36 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n")
                         .file("proc/self/cgroup", "4:memory:/job\n0::/job\n")
                         .file("sys/fs/cgroup/memory/job/memory.limit_in_bytes", bytes(3 * kGiB))
                         .file("sys/fs/cgroup/unified/job/memory.max", bytes(2 * kGiB));
                   },
                   2 * kGiB, 2 * kGiB}),
    name_of);

struct PsiCase {
  const char* name;
  const char* group;    // our control group's memory.pressure; nullptr: absent
  const char* machine;  // /proc/pressure/memory; nullptr: absent
  std::optional<double> percent;
};

class PsiTest : public testing::TestWithParam<PsiCase> {};

TEST_P(PsiTest, IsTheNearest) {
  FakeTree tree;
  unified(tree, "/app");
  if (GetParam().group) tree.file("sys/fs/cgroup/app/memory.pressure", GetParam().group);
  if (GetParam().machine) tree.file("proc/pressure/memory", GetParam().machine);
  EXPECT_EQ(HostMemory(tree.root()).pressure_some_avg10(), GetParam().percent);
}

INSTANTIATE_TEST_SUITE_P(
    Sources, PsiTest,
    testing::Values(PsiCase{"Absent", nullptr, nullptr, std::nullopt},
                    PsiCase{"Group", "some avg10=12.50 avg60=1.00 total=9\nfull avg10=3.00\n",
                            "some avg10=1.00\n", 12.5},
                    PsiCase{"Machine", nullptr, "some avg10=0.25 avg60=0.00\n", 0.25},
                    PsiCase{"FullOnly", "full avg10=3.00\n", nullptr, std::nullopt},
                    PsiCase{"BrokenGroupFallsBack", "some avg10=x\n", "some avg10=2.00\n", 2.0},
                    PsiCase{"Negative", "some avg10=-1\n", nullptr, std::nullopt},
                    PsiCase{"NotANumber", "some avg10=nan\n", nullptr, std::nullopt}),
    name_of);

TEST(HostMemory, ReadsWhatTheProcessHolds) {
  FakeTree tree;
  tree.file("proc/self/statm", "5637 439 112 3 0 900 0\n");
  EXPECT_EQ(HostMemory::rss_bytes(tree.root()),
            439u * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  tree.file("proc/self/statm", "5637");
  EXPECT_EQ(HostMemory::rss_bytes(tree.root()), std::nullopt);
  EXPECT_EQ(HostMemory::rss_bytes(tree.root() / "nowhere"), std::nullopt);
}

TEST(HostMemory, OfThisMachineMakesSense) {
  const HostMemory memory;
  const MemorySample sample = memory.sample();
  EXPECT_GT(sample.available_bytes, 0u);
  EXPECT_LE(sample.available_bytes, sample.total_bytes);
  EXPECT_GT(HostMemory::rss_bytes().value_or(0), 0u);
}

}  // namespace
}  // namespace roost::device

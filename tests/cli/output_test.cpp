// What cannot be written is an error, never a silent success, a crash or a signal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/program.h"

namespace roost::cli::test {
namespace {

using Words = std::vector<std::string>;

struct Case {
  const char* name;
  Words words;
};

class LostOutput : public testing::TestWithParam<std::tuple<Case, Output>> {};

TEST_P(LostOutput, IsAnError) {
  const auto& [command, output] = GetParam();
  const Result result = roost(command.words, output);
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.err, testing::HasSubstr("standard output could not be written whole"));
}

INSTANTIATE_TEST_SUITE_P(
    Commands, LostOutput,
    testing::Combine(testing::Values(Case{"Demo", {"demo"}}, Case{"DemoJson", {"demo", "--json"}},
                                     Case{"Devices", {"devices"}},
                                     Case{"DevicesJson", {"devices", "--json"}},
                                     Case{"Plan", {"plan", "builtin:lexical"}},
                                     Case{"Refusal", {"plan", "builtin:lexical", "--budget", "0"}},
                                     Case{"Info", {"info", "builtin:lexical"}},
                                     Case{"Help", {"--help"}}, Case{"PlanHelp", {"plan", "--help"}},
                                     Case{"Version", {"--version"}}),
                     testing::Values(Output::FullDisk, Output::ClosedPipe)),
    [](const auto& tried) {
      return std::get<0>(tried.param).name +
             std::string(std::get<1>(tried.param) == Output::FullDisk ? "_FullDisk" : "_ClosedPipe");
    });

TEST(LostOutput, AnErrorInJsonIsToldOnStandardErrorInstead) {
  for (const Output output : {Output::FullDisk, Output::ClosedPipe}) {
    const Result result = roost({"plan", "nothing", "--json"}, output);
    EXPECT_EQ(result.exit_code, 4);
    EXPECT_THAT(result.err, testing::HasSubstr("model 'nothing' was not found"));
  }
}

}  // namespace
}  // namespace roost::cli::test

// Help, and what is not understood.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/program.h"
#include "roost/error.h"

namespace roost::cli::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Help, OfTheProgramListsCommandsOptionsAndEveryExitCode) {
  const Result help = roost({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("Usage: roost [OPTIONS] SUBCOMMAND"), HasSubstr("\n  demo "),
                              HasSubstr("\n  devices "), HasSubstr("\n  plan "),
                              HasSubstr("\n  info "), HasSubstr("\n  0    done\n")));
  for (const ErrorKind& kind : error_kinds()) {
    const std::string line = "\n  " + std::to_string(kind.exit_code) + " ";
    const std::size_t found = help.out.find(line);
    ASSERT_NE(found, std::string::npos) << line;
    EXPECT_THAT(help.out.substr(found + 1, help.out.find('\n', found + 1) - found),
                HasSubstr(std::string(kind.name)));
  }
}

class CommandHelp : public testing::TestWithParam<const char*> {};

TEST_P(CommandHelp, ListsTheCommonOptionsToo) {
  const Result help = roost({GetParam(), "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("--json"), HasSubstr("--budget"), HasSubstr("--provider"),
                              HasSubstr("Exit codes:"), HasSubstr("Usage: roost ")));
  const bool takes_a_model = std::string(GetParam()) == "plan" || std::string(GetParam()) == "info";
  EXPECT_EQ(help.out.find("--rows") != std::string::npos, takes_a_model);
  EXPECT_EQ(help.out.find("--device") != std::string::npos, takes_a_model);
}

INSTANTIATE_TEST_SUITE_P(Commands, CommandHelp, testing::Values("demo", "devices", "plan", "info"),
                         [](const auto& tried) { return std::string(tried.param); });

TEST(Help, VersionIsOneLine) {
  const Result version = roost({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.out, "roost 0.1.0\n");
  for (const auto& words : {std::vector<std::string>{"--version", "--json"},
                            std::vector<std::string>{"--json", "--version"}}) {
    EXPECT_EQ(roost(words).json().find("version")->as_string(), "0.1.0");
  }
}

TEST(Options, CountBeforeAndAfterTheCommand) {
  const std::string before = roost({"--budget", "8MiB", "plan", "builtin:lexical"}).out;
  EXPECT_EQ(before, roost({"plan", "builtin:lexical", "--budget", "8MiB"}).out);
  EXPECT_THAT(before, HasSubstr("host 8.0 MiB"));
}

class Budget : public testing::TestWithParam<std::pair<const char*, std::int64_t>> {};

TEST_P(Budget, IsReadInItsUnit) {
  const auto& [text, bytes] = GetParam();
  const Value devices = roost({"devices", "--json", "--budget", text}).json();
  EXPECT_EQ(*devices.find("devices")->as_array().front().find("budget_bytes"), Value(bytes));
}

INSTANTIATE_TEST_SUITE_P(Units, Budget,
                         testing::Values(std::pair("0", 0), std::pair("5", 5), std::pair("5b", 5),
                                         std::pair("2K", 2 << 10), std::pair("2kb", 2 << 10),
                                         std::pair("3 MiB", 3 << 20), std::pair("1gib", 1 << 30),
                                         std::pair("4EiB", std::int64_t{1} << 62)));

struct Misspelt {
  const char* name;
  std::vector<std::string> words;
  const char* says;
};

class BadArguments : public testing::TestWithParam<Misspelt> {};

TEST_P(BadArguments, AreNamedAndNothingIsDone) {
  const Result plain = roost(GetParam().words);
  EXPECT_EQ(plain.exit_code, 2);
  EXPECT_EQ(plain.out, "");
  EXPECT_THAT(plain.err, AllOf(StartsWith("roost: "), HasSubstr(GetParam().says)));

  std::vector<std::string> words = GetParam().words;
  words.insert(words.begin(), "--json");
  const Result json = roost(words);
  EXPECT_EQ(json.exit_code, 2);
  EXPECT_EQ(json.err, "");
  const Value error = *json.json().find("error");
  EXPECT_THAT(keys(error), testing::ElementsAre("code", "message"));
  EXPECT_THAT(error.find("message")->as_string(), HasSubstr(GetParam().says));
}

const std::vector<Misspelt> kMisspelt = {
    {"NoCommand", {}, "a command is missing"},
    {"UnknownCommand", {"frobnicate"}, "there is no command 'frobnicate'"},
    {"Typo", {"deno"}, "did you mean 'demo'?"},
    {"ControlByte", {"de\x1b[2J"}, "'de\\x1b[2J'"},
    {"UnknownOption", {"plan", "builtin:lexical", "--fast"}, "there is no option '--fast'"},
    {"UnknownBefore", {"--fast", "devices"}, "there is no option '--fast'"},
    {"OptionOfAnother", {"devices", "--rows", "64"}, "there is no option '--rows'"},
    {"OneTooMany", {"devices", "extra"}, "'extra' is one word too many"},
    {"TwoCommands", {"demo", "devices"}, "'devices' is one word too many"},
    {"NoModel", {"plan"}, "model is required ('roost plan --help' tells"},
    {"NoValue", {"devices", "--budget"}, "--budget"},
    {"Twice", {"devices", "--budget", "1", "--budget", "2"}, "--budget"},
    {"NegativeBudget", {"devices", "--budget", "-5"}, "--budget is '-5'; give whole bytes"},
    {"BudgetInWords", {"devices", "--budget", "much"}, "--budget is 'much'"},
    {"EmptyBudget", {"devices", "--budget", ""}, "--budget is ''"},
    {"BudgetBeyond64Bits", {"devices", "--budget", "99999999999999999999"}, "--budget is '999"},
    {"HugeBudget", {"devices", "--budget", "16EiB"}, "--budget is '16EiB'"},
    {"Fraction", {"devices", "--budget", "1.5GiB"}, "--budget is '1.5GiB'"},
    {"UnknownUnit", {"devices", "--budget", "5XB"}, "--budget is '5XB'"},
    {"UnknownProvider", {"devices", "--provider", "abacus"}, "there are auto, cuda"},
    {"EmptyProvider", {"devices", "--provider", ""}, "--provider is ''"},
    {"RowsInWords", {"plan", "builtin:lexical", "--rows", "many"}, "--rows is 'many'"},
    {"RowsBeyond64Bits", {"info", "builtin:lexical", "--rows", "99999999999999999999"}, "64 bits"},
    {"ZeroRows", {"plan", "builtin:lexical", "--rows", "0"}, "'rows' of builtin:lexical is 0;"},
    {"NegativeRows", {"info", "builtin:lexical", "--rows", "-1"}, "is -1; it must be"},
    {"EmptyDevice", {"plan", "builtin:lexical", "--device", ""}, "--device is empty"},
};

INSTANTIATE_TEST_SUITE_P(Words, BadArguments, testing::ValuesIn(kMisspelt),
                         [](const auto& tried) { return std::string(tried.param.name); });

TEST(BadArguments, HostileWordsArePrintedEscapedAndShort) {
  const Result result = roost({"devices", "--provider", std::string(10'000, '\x1b')});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_LT(result.err.size(), 600u);
  EXPECT_THAT(result.err, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace roost::cli::test

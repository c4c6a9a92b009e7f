// Names that mean no model, from plan and from info alike: the typed error, its exit code, and
// what to do instead.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/program.h"

namespace roost::cli::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct Refused {
  const char* name;
  std::string model;
  int exit_code;
  const char* code;
  const char* says;
};

class BadModel : public testing::TestWithParam<std::tuple<const char*, Refused>> {};

TEST_P(BadModel, IsATypedError) {
  const auto& [command, bad] = GetParam();
  const Result plain = roost({command, bad.model});
  EXPECT_EQ(plain.exit_code, bad.exit_code);
  EXPECT_EQ(plain.out, "");
  EXPECT_THAT(plain.err, AllOf(StartsWith("roost: "), HasSubstr(bad.says)));
  EXPECT_LT(plain.err.size(), 400u);

  const Result json = roost({command, bad.model, "--json"});
  EXPECT_EQ(json.exit_code, bad.exit_code);
  EXPECT_EQ(json.err, "");
  const Value document = json.json();
  EXPECT_THAT(keys(document), testing::ElementsAre("error"));
  EXPECT_EQ(*document.find("error")->find("code"), Value(bad.code));
}

const std::vector<Refused> kRefused = {
    {"Empty", "", 2, "invalid_argument", "model name is empty"},
    {"TenThousandBytes", std::string(10'000, 'a'), 2, "invalid_argument", "has 10000 bytes"},
    {"ControlByte", "a\x1b[2J", 2, "invalid_argument", "'a\\x1b[2J' has a control byte at 1"},
    {"ParentFolder", "../nothing", 4, "model_not_found", "'../nothing' was not found"},
    {"NoSuchFile", "file:/no/such/file", 4, "model_not_found", "there is no file or folder"},
    {"Utf8", "modèle", 4, "model_not_found", "'modèle' was not found"},
    {"NoUtf8", "mod\xe8le", 4, "model_not_found", "'mod\\xe8le' was not found"},
    {"Typo", "builtin:lexicla", 4, "model_not_found", "did you mean 'builtin:lexical'?"},
    {"Default", "default", 3, "unsupported", "'builtin:lexical' needs no network"},
    {"Hub", "owner/model", 3, "unsupported", "cannot fetch from hubs"},
    {"AFileNoBackendReads", ROOST_README, 3, "unsupported", "no backend can run it"},
};

INSTANTIATE_TEST_SUITE_P(Names, BadModel,
                         testing::Combine(testing::Values("plan", "info"),
                                          testing::ValuesIn(kRefused)),
                         [](const auto& tried) {
                           return std::string(std::get<0>(tried.param)) +
                                  std::get<1>(tried.param).name;
                         });

TEST(Offline, DefaultAdvisesOnlyWhatWorks) {
  const std::string advice = roost({"plan", "default"}).err;
  EXPECT_EQ(advice.find("file:"), std::string::npos) << advice;
}

TEST(BadDevice, IsATypedErrorThatNamesWhatIsThere) {
  const Result plan = roost({"plan", "builtin:lexical", "--device", "tpu:0"});
  EXPECT_EQ(plan.exit_code, 4);
  EXPECT_THAT(plan.err, HasSubstr("there is no device 'tpu:0' here; there are: cpu"));
}

class MissingProvider : public testing::TestWithParam<const char*> {};

TEST_P(MissingProvider, FailsBeforeAnythingIsPrinted) {
  std::vector<std::string> words = {GetParam(), "--provider", "directml"};
  if (words[0] == "plan" || words[0] == "info") words.insert(words.begin() + 1, "builtin:lexical");
  const Result result = roost(words);
  EXPECT_EQ(result.exit_code, 9);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, AllOf(HasSubstr("provider 'directml' is not available: it exists on "
                                          "Windows only"),
                                HasSubstr("ask for 'auto'")));
}

INSTANTIATE_TEST_SUITE_P(Commands, MissingProvider,
                         testing::Values("demo", "devices", "plan", "info"),
                         [](const auto& tried) { return std::string(tried.param); });

TEST(Demo, ARefusalComesWithTheStorySoFar) {
  const Result demo = roost({"demo", "--json", "--budget", "1MiB"});
  EXPECT_EQ(demo.exit_code, 8);
  const Value told = demo.json();
  EXPECT_EQ(told.find("error")->find("code")->as_string(), "budget_exceeded");
  ASSERT_EQ(told.find("events")->as_array().size(), 1u);
  EXPECT_EQ(told.find("events")->as_array()[0].find("kind")->as_string(), "model_registered");
  EXPECT_THAT(roost({"demo", "--budget", "1MiB"}).out, HasSubstr("registered from"));
}

TEST(Info, OverTheBudgetIsAnErrorWithItsNumbers) {
  const Result info = roost({"info", "builtin:lexical", "--budget", "1MiB"});
  EXPECT_EQ(info.exit_code, 8);
  EXPECT_EQ(info.err,
            "roost: 'builtin:lexical' needs host 32.0 MiB, and the budget is host 1.0 MiB; raise "
            "the budget, or choose a smaller model or variant (free host 1.0 MiB; short by "
            "host 31.0 MiB)\n");
}

}  // namespace
}  // namespace roost::cli::test

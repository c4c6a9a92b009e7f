// Every *.life file of this folder, through the engine in this process; and the runner itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "scripts/engine_api.h"
#include "scripts/life_runner.h"

namespace roost::test {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> script_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(ROOST_SCRIPTS)) {
    if (entry.path().extension() == ".life") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What went wrong; empty when the script passed.
std::string run_in_process(const std::string& text) {
  World world;
  EngineApi api(world);
  try {
    LifeRunner runner(api, world);
    return runner.run(parse_script(text)).value_or("");
  } catch (const ScriptError& error) {
    return error.what();
  }
}

class Life : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Scripts, Life, testing::ValuesIn(script_names()),
                         [](const auto& test) { return test.param; });

TEST_P(Life, InProcess) {
  const std::string text =
      read_file(std::filesystem::path(ROOST_SCRIPTS) / (GetParam() + ".life"));
  EXPECT_EQ(parse_script(text).name, GetParam()) << "a script is named as its file";
  EXPECT_EQ(run_in_process(text), "");
}

// --- scripts that must fail

struct BadScript {
  std::string name;
  std::string text;  // below the head
  std::string says;  // part of what went wrong
};

class BadScripts : public testing::TestWithParam<BadScript> {};

INSTANTIATE_TEST_SUITE_P(
    Runner, BadScripts,
    testing::Values(
        BadScript{"UnknownCommand", "frobnicate a -> done", "no command 'frobnicate'"},
        BadScript{"ExpectsNothing", "register a 6MB\nload a", "expects nothing"},
        BadScript{"EmptyExpectation", "register a 6MB ->", "nothing stands after the arrow"},
        BadScript{"WrongAnswer", "register a 6MB | load a -> idle", "it answered 'loaded'"},
        BadScript{"WrongErrorCode", "load a -> error in_use", "it answered 'error model_not_found'"},
        BadScript{"WrongErrorText", "load a -> error model_not_found ~ full moon",
                  "error model_not_found"},
        BadScript{"UnexpectedError", "load a | state a -> loaded", "it failed with error"},
        BadScript{"UnknownArgument", "register a 6MB sideways -> registered",
                  "does not take 'sideways'"},
        BadScript{"UnknownOption", "register a 6MB | load a speed=5 -> loaded",
                  "does not take 'speed=5'"},
        BadScript{"UnknownEngineOption", "engine wings=2 -> set", "no engine option 'wings'"},
        BadScript{"MissingArgument", "load -> loaded", "a model is missing"},
        BadScript{"BadSize", "register a 6 -> registered", "'6' is not a size"},
        BadScript{"UnknownLease", "use a -> used", "no lease 'a'"},
        BadScript{"LateEngineOption", "register a 1MB | engine loads=1 -> set", "runs already"},
        BadScript{"JobNobodyAwaits", "register a 1MB | start j load a -> started",
                  "nothing awaits the job 'j'"},
        BadScript{"MissingCommand", "register a 1MB | | load a -> loaded", "a command is missing"},
        BadScript{"UntilWithoutEnd", "register a 1MB -> registered\nuntil state a",
                  "needs something to wait for"},
        BadScript{"WorldInTheBackground", "register a 1MB | start j advance 5s -> started",
                  "cannot be started"},
        BadScript{"BytesLeftBehind",
                  "register a 1MB | keep_memory a | load a -> loaded", "still reserved"}),
    [](const auto& test) { return test.param.name; });

TEST_P(BadScripts, Fail) {
  const std::string text = "# name: bad\n# description: must fail\n" + GetParam().text;
  EXPECT_THAT(run_in_process(text), testing::HasSubstr(GetParam().says));
}

TEST(Runner, AScriptNeedsANameAndADescription) {
  EXPECT_THAT(run_in_process("# description: none\nresolve a -> a"),
              testing::HasSubstr("no '# name:'"));
  EXPECT_THAT(run_in_process("# name: none\nresolve a -> a"),
              testing::HasSubstr("no '# description:'"));
}

TEST(Runner, AFailedScriptLeavesNothingBlocked) {
  EXPECT_THAT(run_in_process("# name: bad\n# description: fails while a load is held\n"
                             "register a 1MB | lease a | register b 1MB | hold b load\n"
                             "start j load b | reach b load | state b -> loaded"),
              testing::HasSubstr("it answered 'loading'"));
}

TEST(Runner, CommandsHaveDifferentNames) {
  std::vector<std::string_view> names;
  for (const Command& command : api_commands()) names.push_back(command.name);
  for (const Command& command : world_commands()) names.push_back(command.name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace roost::test

#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace roost::test {

// What is wrong with a script itself: its text, a command or an argument. Never an answer.
class ScriptError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ScriptStep {
  int line = 0;
  std::string text;                     // as written, for messages
  std::vector<std::string> words;       // the command and its arguments
  std::optional<std::string> expected;  // what stands after "->"
};

// One lifecycle as text; the grammar stands in README.md.
struct Script {
  std::string name;
  std::string description;
  std::vector<ScriptStep> steps;
};

// Throws ScriptError: no name or description, an empty command, nothing expected anywhere.
Script parse_script(std::string_view text);

// True when `answer` is what was expected: the same text, or with "~ WORDS" at the end of
// `expected` the text before it (if any) and the words somewhere in `message`.
bool is_as_expected(const std::string& expected, const std::string& answer,
                    const std::string& message);

}  // namespace roost::test

#include "scripts/script.h"

#include <sstream>

namespace roost::test {
namespace {

constexpr std::string_view kName = "# name:";
constexpr std::string_view kDescription = "# description:";

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

ScriptStep parse_step(std::string_view text, int line) {
  ScriptStep step;
  step.line = line;
  step.text = trimmed(text);
  const std::size_t arrow = text.find("->");
  step.words = words_of(std::string(text.substr(0, arrow)));
  if (arrow != std::string_view::npos) step.expected = trimmed(text.substr(arrow + 2));
  const std::string where = "line " + std::to_string(line) + ": ";
  if (step.words.empty()) throw ScriptError(where + "a command is missing");
  if (step.expected && step.expected->empty()) {
    throw ScriptError(where + "nothing stands after the arrow");
  }
  return step;
}

void parse_line(std::string_view text, int line, Script& script) {
  if (const std::size_t comment = text.find(" #"); comment != std::string_view::npos) {
    text = text.substr(0, comment);
  }
  if (trimmed(text).empty()) return;
  for (;;) {
    const std::size_t bar = text.find('|');
    script.steps.push_back(parse_step(text.substr(0, bar), line));
    if (bar == std::string_view::npos) return;
    text = text.substr(bar + 1);
  }
}

}  // namespace

Script parse_script(std::string_view text) {
  Script script;
  int number = 0;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with(kName)) {
      script.name = trimmed(std::string_view(line).substr(kName.size()));
    } else if (line.starts_with(kDescription)) {
      script.description = trimmed(std::string_view(line).substr(kDescription.size()));
    } else if (!line.starts_with('#')) {
      parse_line(line, number, script);
    }
  }
  if (script.name.empty()) throw ScriptError("the script has no '# name:'");
  if (script.description.empty()) throw ScriptError("the script has no '# description:'");
  for (const ScriptStep& step : script.steps) {
    if (step.expected) return script;
  }
  throw ScriptError("the script expects nothing, so it cannot fail");
}

bool is_as_expected(const std::string& expected, const std::string& answer,
                    const std::string& message) {
  const std::size_t tilde = expected.find('~');
  if (tilde == std::string::npos) return answer == expected;
  const std::string whole = trimmed(std::string_view(expected).substr(0, tilde));
  const std::string part = trimmed(std::string_view(expected).substr(tilde + 1));
  return (whole.empty() || answer == whole) && message.find(part) != std::string::npos;
}

}  // namespace roost::test

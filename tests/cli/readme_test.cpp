// What the README shows is what examples/readme.cpp compiles.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace roost::cli::test {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const char* path) {
  std::ifstream file(path);
  Lines lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string unindented(const Lines& lines) {
  std::size_t indent = std::string::npos;
  for (const std::string& line : lines) {
    if (!line.empty()) indent = std::min(indent, line.find_first_not_of(' '));
  }
  std::string text;
  for (const std::string& line : lines) text += (line.empty() ? "" : line.substr(indent)) + "\n";
  return text;
}

// The stretches between lines that end in `begin` and `end`, a blank line between them.
std::string between(const Lines& lines, std::string_view begin, std::string_view end) {
  std::string text;
  Lines stretch;
  bool inside = false;
  for (const std::string& line : lines) {
    if (!inside && line.ends_with(begin)) {
      inside = true;
    } else if (inside && line.ends_with(end)) {
      inside = false;
      text += (text.empty() ? "" : "\n") + unindented(stretch);
      stretch.clear();
    } else if (inside) {
      stretch.push_back(line);
    }
  }
  return text;
}

TEST(Readme, ItsCodeIsTheCompiledExample) {
  const std::string shown = between(lines_of(ROOST_README), "```cpp", "```");
  ASSERT_FALSE(shown.empty());
  EXPECT_EQ(shown, between(lines_of(ROOST_README_EXAMPLE), "// readme: on", "// readme: off"));
}

}  // namespace
}  // namespace roost::cli::test

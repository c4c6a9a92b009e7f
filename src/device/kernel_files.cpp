#include "device/kernel_files.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace roost::device {

std::optional<std::string> read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  std::ostringstream text;
  text << stream.rdbuf();
  if (text.str().empty()) return std::nullopt;
  return std::move(text).str();
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(kSpace) - first + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> read_number(const std::filesystem::path& file) {
  const auto text = read_text(file);
  return text ? parse_number(*text) : std::nullopt;
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

std::string_view take_word(std::string_view& rest) {
  constexpr std::string_view kSpace = " \t\r\n";
  rest.remove_prefix(std::min(rest.find_first_not_of(kSpace), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(kSpace));
  rest.remove_prefix(word.size());
  return word;
}

std::optional<std::string_view> word_after(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (take_word(line) != key) continue;
    const std::string_view word = take_word(line);
    if (!word.empty()) return word;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  const auto word = word_after(text, key);
  return word ? parse_number(*word) : std::nullopt;
}

}  // namespace roost::device

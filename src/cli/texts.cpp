#include "cli/texts.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "roost/error.h"
#include "roost/ids.h"

namespace roost::cli {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kMany = 512;  // texts that take so long that a person wonders

std::vector<std::string> lines_of(std::istream& in) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> lines_of(const std::string& file) {
  if (file == "-") return lines_of(std::cin);
  std::ifstream in(file, std::ios::binary);
  if (!in || in.peek() == std::ifstream::traits_type::eof()) {
    throw RoostError(ErrorCode::IoError,
                     "'" + printable(file) + "' cannot be read, or is empty; give a file of texts");
  }
  return lines_of(in);
}

}  // namespace

std::vector<std::string> texts_of(const TextArguments& arguments) {
  std::vector<std::string> texts = arguments.texts;
  if (arguments.file) {
    const std::vector<std::string> more = lines_of(*arguments.file);
    texts.insert(texts.end(), more.begin(), more.end());
  }
  if (texts.empty()) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "there is no text; write it after the model, or give --file (- is standard "
                     "input)");
  }
  return texts;
}

void in_batches(const std::vector<std::string>& texts,
                const std::function<void(std::size_t first, std::span<const std::string>)>& use) {
  for (std::size_t first = 0; first < texts.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, texts.size() - first);
    use(first, std::span(texts).subspan(first, count));
    if (texts.size() < kMany) continue;
    const auto done = static_cast<double>(first + count);
    show_progress("texts", done / static_cast<double>(texts.size()));
  }
}

void show_progress(const std::string& what, double fraction) {
  if (isatty(STDERR_FILENO) == 0) return;
  constexpr int kWidth = 30;
  const int done = static_cast<int>(fraction * kWidth);
  std::string bar(static_cast<std::size_t>(done), '#');
  bar.resize(kWidth, '.');
  std::fprintf(stderr, "\r[%s] %3d%% %s%s", bar.c_str(), static_cast<int>(fraction * 100),
               what.c_str(), fraction >= 1 ? "\n" : "");
}

}  // namespace roost::cli

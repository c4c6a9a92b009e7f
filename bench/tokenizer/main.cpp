// bench_tokenizer: one thread of ours beside one of the JavaScript reference, on the same texts:
// this project's own pages and sources, with vocabularies learnt from every other one of them.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "../report.h"
#include "base/json.h"
#include "text/tokenizer.h"
#include "training.h"

namespace roost::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMerges = 20'000;
constexpr int kPasses = 7;

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Paragraphs, in the order of their files' names.
std::vector<std::string> read_texts() {
  std::vector<fs::path> files;
  for (const char* folder : {"docs", "include", "src", "tests", "examples"}) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const std::string kind = entry.path().extension().string();
      if (kind == ".md" || kind == ".h" || kind == ".cpp") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> texts;
  for (const fs::path& path : files) {
    const std::string text = contents(path);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find("\n\n", at), text.size());
      if (end > at) texts.push_back(text.substr(at, end - at));
      at = end + 2;
    }
  }
  return texts;
}

struct Speed {
  double tokens_per_s = 0, mb_per_s = 0;
  std::size_t tokens = 0;
};

Speed measure(const text::Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  std::size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  std::vector<double> seconds;
  Speed speed;
  for (int pass = 0; pass < kPasses; ++pass) {
    speed.tokens = 0;
    const auto begin = WallClock::now();
    for (const std::string& text : texts) speed.tokens += tokenizer.encode(text).ids.size();
    seconds.push_back(seconds_since(begin));
  }
  const double middle = median(seconds);
  speed.tokens_per_s = static_cast<double>(speed.tokens) / middle;
  speed.mb_per_s = static_cast<double>(bytes) / middle / 1e6;
  return speed;
}

// Tokens and tokens per second of the reference; nothing when node or its package is not there.
std::optional<Speed> measure_reference(const fs::path& definition, const fs::path& texts) {
  const fs::path out = definition.parent_path() / "reference.json";
  fs::remove(out);
  const std::string command = "node bench/tokenizer/reference.mjs build/npm '" +
                              definition.string() + "' '" + texts.string() + "' '" + out.string() +
                              "'";
  if (std::system(command.c_str()) != 0) return std::nullopt;
  const JsonDocument document = JsonDocument::parse(contents(out), out.string());
  Speed speed;
  speed.tokens = document.root().at("tokens").as_uint();
  speed.tokens_per_s = document.root().at("tokens_per_s").as_double();
  return speed;
}

int run() {
  const fs::path folder = "build/bench_tokenizer";
  fs::create_directories(folder);
  const std::vector<std::string> texts = read_texts();
  std::vector<std::string> half;
  Value::Array list;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i % 2 == 0) half.push_back(texts[i]);
    list.push_back(texts[i]);
  }
  write(folder / "texts.json", Value(list).to_json());
  std::vector<Row> rows;
  double worst = 0;
  const std::array<std::pair<std::string, std::string>, 2> definitions = {
      {{"wordpiece", wordpiece_definition(half, kMerges)}, {"bpe", bpe_definition(half, kMerges)}}};
  for (const auto& [name, json] : definitions) {
    const fs::path path = folder / (name + ".json");
    write(path, json);
    const auto begin = WallClock::now();
    const auto tokenizer = text::Tokenizer::from_json(json, path.string());
    rows.push_back(figure("load_ms_" + name, seconds_since(begin) * 1e3, "ms"));
    const Speed ours = measure(*tokenizer, texts);
    rows.push_back(figure("mb_per_s_" + name, ours.mb_per_s, "MB/s"));
    rows.push_back(figure("mtok_per_s_" + name, ours.tokens_per_s / 1e6, "M/s"));
    const auto theirs = measure_reference(path, folder / "texts.json");
    if (!theirs) continue;
    if (theirs->tokens != ours.tokens) {
      std::fprintf(stderr, "%s: %zu tokens, and the reference makes %zu\n", name.c_str(),
                   ours.tokens, theirs->tokens);
    }
    const double ratio = ours.tokens_per_s / theirs->tokens_per_s;
    rows.push_back(figure("js_mtok_per_s_" + name, theirs->tokens_per_s / 1e6, "M/s"));
    rows.push_back(figure("vs_js_" + name, ratio));
    worst = worst == 0 ? ratio : std::min(worst, ratio);
  }
  if (worst > 0) {
    rows.push_back(at_least("vs_js", worst, 15));
  } else {
    std::fprintf(stderr, "no vs_js: node, or its package @huggingface/tokenizers, is not there\n");
  }
  print(rows);
  return 0;
}

}  // namespace
}  // namespace roost::bench

int main() {
  return roost::bench::run();
}

// The native encoder beside ONNX Runtime: the same weights, the same token counts, one run.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <stdexcept>

#include "report.h"
#include "roost/engine.h"
#include "roost/model_files.h"

namespace roost::bench {
namespace {

namespace fs = std::filesystem;
using Lengths = std::vector<std::size_t>;

constexpr int kLoads = 5;

const fs::path& models() {
  static const fs::path kFolder = fs::absolute("build/bench_models");
  return kFolder;
}

std::string shell(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("no shell");
  std::string out;
  char some[256];
  while (std::fgets(some, sizeof some, pipe) != nullptr) out += some;
  if (::pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return out;
}

std::string joined(const Lengths& lengths) {
  std::string text;
  for (const std::size_t length : lengths)
    text += (text.empty() ? "" : ",") + std::to_string(length);
  return text;
}

// The folder of a model, made once, with its model.onnx when this machine can export it.
fs::path model(const std::string& name, const MakeOptions& options) {
  const fs::path folder = models() / name;
  if (!fs::exists(folder / "model.safetensors")) {
    std::fprintf(stderr, "making %s\n", name.c_str());
    make_model(folder, options);
  }
  if (!fs::exists(folder / "model.onnx")) {
    std::fprintf(stderr, "exporting %s to ONNX\n", name.c_str());
    std::system(("/usr/bin/python3 bench/encoder/export.py " + folder.string()).c_str());
  }
  return folder;
}

bool has_peer(const fs::path& folder) {
  return fs::exists("build/npm/node_modules/onnxruntime-node") && fs::exists(folder / "model.onnx");
}

double peer(const fs::path& folder, const std::string& what, const Lengths& lengths) {
  const std::string modules = fs::absolute("build/npm").string();
  return std::stod(shell("node bench/encoder/peer.mjs " + modules + " " +
                         (folder / "model.onnx").string() + " " + what + " " + joined(lengths)));
}

std::vector<Sequence> texts_of(const Lengths& lengths) {
  std::vector<Sequence> texts;
  for (std::size_t row = 0; row < lengths.size(); ++row) {
    Sequence text;
    for (std::size_t i = 0; i < lengths[row]; ++i) {
      text.ids.push_back(static_cast<std::uint32_t>(1000 + (row * 7919 + i * 104729) % 20000));
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

// A model loaded in an engine of its own.
class Ours {
 public:
  Ours(const fs::path& folder, const std::string& precision) {
    engine_.register_model("m", "file:" + folder.string());
    LoadOptions load;
    load.backend["precision"] = precision;
    handle_ = engine_.model("m", load);
  }

  double seconds_of(const Lengths& lengths) {
    const std::vector<Sequence> texts = texts_of(lengths);
    std::vector<float> out(texts.size() * handle_.width(Task::Embed));
    std::vector<double> samples;
    handle_.run(Task::Embed, texts, out);
    const auto end = WallClock::now() + std::chrono::seconds(3);
    while (samples.size() < 3 || (WallClock::now() < end && samples.size() < 500)) {
      const auto begin = WallClock::now();
      handle_.run(Task::Embed, texts, out);
      samples.push_back(seconds_since(begin));
    }
    return median(samples);
  }

 private:
  Engine engine_;
  ModelHandle handle_;
};

Lengths mixed_lengths() {
  std::mt19937 rng(7);
  std::lognormal_distribution<double> lengths(std::log(40.0), 0.7);
  Lengths drawn;
  for (int i = 0; i < 2000; ++i) {
    drawn.push_back(static_cast<std::size_t>(std::clamp(lengths(rng), 3.0, 256.0)));
  }
  return drawn;
}

double tokens_of(const Lengths& lengths) {
  double sum = 0;
  for (const std::size_t length : lengths) sum += static_cast<double>(length);
  return sum;
}

struct Case {
  const char* name;
  fs::path folder;
  Lengths lengths;
  const char* precision;
  double bar;
  bool latency = false;
};

void measure(const Case& of, std::vector<Row>& rows) {
  std::fprintf(stderr, "%s\n", of.name);
  const std::string name = of.name;
  const double ours = Ours(of.folder, of.precision).seconds_of(of.lengths);
  if (of.latency) {
    rows.push_back(figure(name + "_us", ours * 1e6, "us"));
  } else {
    rows.push_back(figure(name + "_tokens_per_s", tokens_of(of.lengths) / ours));
  }
  if (!has_peer(of.folder)) return;
  const double theirs = peer(of.folder, "run", of.lengths);
  if (of.latency) {
    rows.push_back(figure(name + "_ort_us", theirs * 1e6, "us"));
  } else {
    rows.push_back(figure(name + "_ort_tokens_per_s", tokens_of(of.lengths) / theirs));
  }
  rows.push_back(at_least(name + "_ratio", theirs / ours, of.bar, "x"));
}

// In a process of its own: from nothing but the engine to the first vector.
int load_once(const char* folder) {
  Engine engine;
  engine.register_model("m", std::string("file:") + folder);
  const std::vector<Sequence> texts = texts_of({16});
  const auto begin = WallClock::now();
  const ModelHandle handle = engine.model("m");
  std::vector<float> out(handle.width(Task::Embed));
  handle.run(Task::Embed, texts, out);
  std::printf("%.9f\n", seconds_since(begin));
  return 0;
}

void measure_loads(const std::string& program, const fs::path& folder, const std::string& name,
                   std::vector<Row>& rows) {
  std::fprintf(stderr, "%s\n", name.c_str());
  std::vector<double> ours, theirs;
  for (int i = 0; i < kLoads; ++i) {
    ours.push_back(std::stod(shell(program + " --load " + folder.string())));
    if (has_peer(folder)) theirs.push_back(peer(folder, "load", {16}));
  }
  rows.push_back(figure(name + "_ms", median(ours) * 1e3, "ms"));
  if (theirs.empty()) return;
  rows.push_back(figure(name + "_ort_ms", median(theirs) * 1e3, "ms"));
  rows.push_back(at_least(name + "_ratio", median(theirs) / median(ours), 2, "x"));
}

}  // namespace
}  // namespace roost::bench

int main(int argc, char** argv) {
  using namespace roost::bench;
  if (argc == 3 && std::strcmp(argv[1], "--load") == 0) return load_once(argv[2]);
  roost::MakeOptions shape;
  const fs::path minilm = model("minilm", shape);
  shape.layers = 12;
  shape.hidden = 768;
  const fs::path base = model("base", shape);
  const std::vector<Case> cases = {
      {"batch", minilm, Lengths(32, 128), "auto", 6}, {"mixed", minilm, mixed_lengths(), "auto", 6},
      {"base", base, Lengths(16, 128), "auto", 5.5},  {"latency", minilm, {16}, "auto", 2.8, true},
      {"f32", minilm, Lengths(32, 128), "f32", 1.3},
  };
  std::vector<Row> rows;
  for (const Case& of : cases) measure(of, rows);
  measure_loads(argv[0], minilm, "first_load", rows);
  measure_loads(argv[0], base, "first_load_base", rows);
  print(rows);
  if (!has_peer(minilm))
    std::fprintf(stderr, "ONNX Runtime is not here: its figures are left out\n");
  return 0;
}

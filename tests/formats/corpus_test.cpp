#include <malloc.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <new>
#include <sstream>

#include "formats/config.h"
#include "formats/expect_error.h"
#include "formats/gguf.h"
#include "formats/onnx.h"
#include "formats/pytorch.h"
#include "formats/safetensors.h"

namespace {

std::atomic<std::size_t> held = 0;  // bytes of the heap, and the most there ever were
std::atomic<std::size_t> most_held = 0;

}  // namespace

#if !ROOST_SANITIZED  // a sanitizer counts on its own operators
namespace {

void* take(std::size_t bytes) {
  void* place = std::malloc(bytes);
  if (place == nullptr) throw std::bad_alloc();
  const std::size_t now = held += malloc_usable_size(place);
  if (now > most_held) most_held = now;
  return place;
}
void give(void* place) {
  if (place != nullptr) held -= malloc_usable_size(place);
  std::free(place);
}

}  // namespace

void* operator new(std::size_t bytes) {
  return take(bytes);
}
void* operator new[](std::size_t bytes) {
  return take(bytes);
}
void operator delete(void* place) noexcept {
  give(place);
}
void operator delete[](void* place) noexcept {
  give(place);
}
void operator delete(void* place, std::size_t) noexcept {
  give(place);
}
void operator delete[](void* place, std::size_t) noexcept {
  give(place);
}
#endif

namespace roost::formats {
namespace {

using Reader = std::function<void(const Folder& folder, const File& file)>;

const std::map<std::string, Reader> kReaders = {
    {"safetensors", [](const Folder&, const File& file) { (void)open_safetensors(file); }},
    {"index", [](const Folder& folder, const File&) { (void)open_safetensors(folder, "model"); }},
    {"gguf", [](const Folder&, const File& file) { (void)open_gguf(file); }},
    {"onnx", [](const Folder& folder, const File&) { (void)open_onnx(folder, "model"); }},
    {"pytorch", [](const Folder&, const File& file) { (void)open_pytorch(file); }},
    {"config",
     [](const Folder&, const File& file) {
       (void)parse_config(read_text(file, kMaxConfigBytes), file.name());
     }},
};

struct Outcome {
  std::string code = "ok", message;
  double seconds = 0;
  std::size_t bytes = 0;  // of the heap, at the most
};

Outcome read(const std::string& folder, const Reader& reader) {
  Outcome outcome;
  const std::size_t before = held;
  most_held = before;
  const std::clock_t begin = std::clock();
  try {
    const Folder opened = Folder::open(folder);
    reader(opened, opened.file("model"));
  } catch (const RoostError& error) {
    outcome.code = to_string(error.code());
    outcome.message = error.what();
  }
  outcome.seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  outcome.bytes = most_held - before;
  return outcome;
}

// Bytes that a reader may take for a header: what there is, but of a hole in a file nothing.
double header_megabytes(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error || size > (std::uintmax_t{1} << 32) ? 0 : static_cast<double>(size) / 1e6;
}

class CorpusTest : public testing::Test {
 protected:
  void SetUp() override {
    corpus_ = tree_.root() / "corpus";
    const std::string command = "python3 -B " ROOST_FORMATS_TESTS "/corpus/make_corpus.py " +
                                corpus_.string() + " >" + (tree_.root() / "list").string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  test::FakeTree tree_;
  std::filesystem::path corpus_;
};

TEST_F(CorpusTest, EachFileIsRefusedWithTheRightCodeInTimeAndMemory) {
  std::ifstream list(tree_.root() / "list");
  std::size_t bad = 0, good = 0;
  double slowest = 0, largest = 0;
  for (std::string line; std::getline(list, line);) {
    std::istringstream words(line);
    std::string code, format, path;
    words >> code >> format;
    std::getline(words >> std::ws, path);
    const std::filesystem::path file = corpus_ / path;
    const Outcome outcome = read(file.parent_path(), kReaders.at(format));
    EXPECT_EQ(outcome.code, code) << path << ": " << outcome.message;
    ++(code == "ok" ? good : bad);
    const double megabytes = header_megabytes(file);
    const double allowed_seconds = 0.1 + 0.02 * megabytes;
    const double allowed_bytes = 4e6 * megabytes + (16 << 20);
    slowest = std::max(slowest, outcome.seconds / allowed_seconds);
    largest = std::max(largest, static_cast<double>(outcome.bytes) / allowed_bytes);
    EXPECT_TRUE(ROOST_SANITIZED || outcome.seconds < 2 * allowed_seconds) << path;
    EXPECT_LT(static_cast<double>(outcome.bytes), allowed_bytes) << path;
    for (const char c : outcome.message) ASSERT_GE(static_cast<unsigned char>(c), 0x20u) << path;
  }
  EXPECT_GE(bad, 600u);
  EXPECT_GE(good, 10u);
  std::printf(
      "%zu bad files refused, %zu good ones read; slowest %.2f of its time, largest %.2f of its "
      "memory\n",
      bad, good, slowest, largest);
}

}  // namespace
}  // namespace roost::formats

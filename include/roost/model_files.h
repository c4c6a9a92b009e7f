#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace roost {

// A random model of a family, for tests and benchmarks. 0: what is usual.
struct MakeOptions {
  std::string family = "bert";
  std::size_t layers = 6;
  std::size_t hidden = 384;
  std::size_t heads = 12;
  std::size_t intermediate = 0;  // four times hidden
  std::size_t vocabulary = 30'522;
  std::size_t positions = 512;
  std::size_t labels = 0;  // of a head that classifies, or ranks when it is one; 0: no head
  std::uint64_t seed = 0;
};

std::vector<std::string> makeable_families();

// Writes config.json, tokenizer.json (words are cut into pieces of letters), and model.safetensors
// in f32 into `path`, a new or empty folder. The same options give the same bytes. Throws
// InvalidArgument for options that fit no model or a folder that is in use, IoError,
// CancelledException; what was written by then is removed. `progress` goes from 0 to 1.
void make_model(const std::string& path, const MakeOptions& options = {},
                const std::function<void(double)>& progress = {}, std::stop_token stop = {});

}  // namespace roost

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "roost/engine.h"
#include "roost/model_files.h"

namespace roost::cli {

// What every command takes.
struct Common {
  bool json = false;
  EngineOptions engine;
};

// Which model, and how it would be loaded.
struct ModelArguments {
  std::string model;
  std::optional<std::string> device;
  std::optional<std::int64_t> rows;
  std::optional<std::string> precision;

  LoadOptions load_options() const;
};

// Texts for a model.
struct TextArguments {
  ModelArguments model;
  std::string query;  // of a ranking
  std::vector<std::string> texts;
  std::optional<std::string> file;
  std::size_t top_k = 0;
};

struct MakeArguments {
  std::string folder;
  MakeOptions options;
};

// An engine as asked for. Throws ProviderUnavailable when a provider was named and is missing.
std::unique_ptr<Engine> open_engine(const Common& common);

// Each prints its result and returns the exit code, or throws RoostError when there is no result.
int demo(const Common& common);
int devices(const Common& common);
int info(const Common& common, const ModelArguments& arguments);
int plan(const Common& common, const ModelArguments& arguments);  // of a refusal: the error's code
int embed(const Common& common, const TextArguments& arguments);
int rerank(const Common& common, const TextArguments& arguments);
int classify(const Common& common, const TextArguments& arguments);
int make(const Common& common, const MakeArguments& arguments);

}  // namespace roost::cli

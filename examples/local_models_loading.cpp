// Carries over the snippets of document 0, section 1: basic loading (1.1), load options (1.3) and
// progress tracking (1.4). The built-in model stands where they say "default", so that this runs
// without a network.
#include <cstdio>

#include "roost/local_models.h"

namespace {

void load_by_name() {
  const auto model = roost::LocalEmbedder::load("builtin:lexical");
  std::printf("loaded %s\n", model.get_model_info().model_id.c_str());
}

// "auto" picks by this machine's memory among models that a hub has; offline that is a typed error.
void load_auto() {
  try {
    const auto model = roost::LocalEmbedder::load("auto");
  } catch (const roost::RoostError& error) {
    std::printf("auto: %s\n", error.what());
  }
}

void load_from_a_path() {
  try {
    const auto model = roost::LocalEmbedder::load_from_path("/path/to/model");
  } catch (const roost::ModelNotFoundException& error) {
    std::printf("path: %s\n", error.what());
  }
}

void load_with_options() {
  const roost::EmbedderOptions options{.provider = roost::ExecutionProvider::Cpu};
  const auto model = roost::LocalEmbedder::load("builtin:lexical", options);
  const roost::EmbedderOptions with_cache{.cache_directory = "/custom/cache/path"};
  try {
    roost::LocalEmbedder::load("builtin:lexical", with_cache);
  } catch (const roost::RoostError& error) {
    std::printf("options: %s\n", error.what());
  }
}

void load_with_progress() {
  const auto progress = [](const roost::DownloadProgress& p) {
    std::printf("Downloading: %.0f %%\n", 100 * p.progress_percentage);
  };
  const auto model = roost::LocalEmbedder::load("builtin:lexical", {}, progress);
}

}  // namespace

int main() {
  load_by_name();
  load_auto();
  load_from_a_path();
  load_with_options();
  load_with_progress();
}

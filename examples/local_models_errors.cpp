// Carries over the snippet of document 0, section 6.3: the three kinds of failure.
#include <cstdio>
#include <string>

#include "roost/local_models.h"

namespace {

void embed(const std::string& name, const std::string& text) {
  try {
    const auto model = roost::LocalEmbedder::load(name);
    const auto result = model.embed(text);
    std::printf("%zu dimensions\n", result.size());
  } catch (const roost::ModelNotFoundException& error) {
    std::printf("Model not found: %s\n", error.model_id().c_str());
  } catch (const roost::ModelLoadException& error) {
    std::printf("Load failed: %s\n", error.what());
  } catch (const roost::InferenceException& error) {
    std::printf("Inference failed: %s\n", error.what());
  } catch (const roost::RoostError& error) {  // every other kind, by its code
    std::printf("%s: %s\n", std::string(to_string(error.code())).c_str(), error.what());
  }
}

}  // namespace

int main() {
  embed("builtin:lexical", "Hello world");
  embed("no-such-model", "Hello world");
  embed("builtin:lexical", "");
}

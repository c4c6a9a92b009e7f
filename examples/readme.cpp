// The C++ of README.md: its block is what stands between the markers here, which a test compares.
// readme: on
#include <roost/engine.h>

#include <iostream>
// readme: off

int main() {
  // readme: on
  roost::Engine engine;                                // devices, budgets: sensible by default
  auto embedder = engine.embedder("builtin:lexical");  // loads it; holds a lease
  std::vector<float> v = embedder.embed("Hello world");

  auto reranker = engine.reranker("builtin:lexical");  // the same weights, a second lease
  for (const auto& hit : reranker.rerank("give memory back",
                                         {"Bread needs time.", "Unloading gives memory back."}))
    std::cout << hit.score << "  " << hit.document << "\n";

  std::cout << engine.plan("builtin:lexical").explanation << "\n";  // and who would be evicted
  // readme: off
  return v.size() == embedder.dimensions() ? 0 : 1;
}

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backend/builtin/lexical_backend.h"
#include "support/simulated_machine.h"

namespace roost::test {

inline ModelDescription lexical(Value options = {}) {
  return {"lex", "builtin:lexical", "1", "", std::move(options)};
}

inline Value small_rows() {
  return Value(Value::Object{{"rows", 1024}, {"dimensions", 64}});
}

// A machine with one GPU, and models of builtin:lexical on either.
struct LexicalHost {
  explicit LexicalHost(SimulatedMachineOptions options = {.gpu_bytes = {1ull << 30}})
      : machine(simulated_machine(options)) {}

  LoadContext context(std::string_view device = "cpu") {
    LoadContext context;
    context.device = machine.find(device);
    context.host = machine.find("cpu");
    context.memory = account;
    return context;
  }

  std::unique_ptr<Model> load(const Value& options, std::string_view device = "cpu") {
    LoadContext context = this->context(device);
    context.images = {backend.read(lexical(options), "model", context, {})};
    return backend.load(lexical(options), context, {});
  }

  Machine machine;
  std::shared_ptr<MemoryAccount> account = MemoryAccount::create();
  backend::LexicalBackend backend{{ExecutionProvider::Cuda, ExecutionProvider::Cpu}};
};

inline std::vector<float> run_all(Model& model, Task task, const std::vector<Sequence>& sequences) {
  std::vector<const Sequence*> pointers;
  for (const Sequence& sequence : sequences) pointers.push_back(&sequence);
  std::vector<float> outputs(sequences.size() * model.width(task));
  model.run({task, pointers, outputs}, {});
  return outputs;
}

inline std::vector<float> embed(Model& model, std::string_view text) {
  return run_all(model, Task::Embed, {model.tokenize(Task::Embed, text, {})});
}

}  // namespace roost::test

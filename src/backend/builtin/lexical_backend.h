#pragma once

#include "roost/backend.h"

namespace roost::backend {

// Makes `builtin:lexical`: a static sub-word embedding that the program generates itself, so it
// needs no file and no network. It has one component, "model".
class LexicalBackend final : public Backend {
 public:
  explicit LexicalBackend(std::vector<ExecutionProvider> providers = {ExecutionProvider::Cpu});

  std::string_view name() const override { return "builtin"; }
  std::optional<std::string> why_not(const ModelDescription& description) const override;
  void check_options(const Value& options) const override;
  std::vector<ExecutionProvider> providers() const override { return providers_; }
  LoadEstimate estimate(const ModelDescription& description, const Device& device) const override;
  std::shared_ptr<const HostImage> read(const ModelDescription& description,
                                        const std::string& component, LoadContext& context,
                                        std::stop_token stop) override;
  std::unique_ptr<Model> load(const ModelDescription& description, LoadContext& context,
                              std::stop_token stop) override;

 private:
  const std::vector<ExecutionProvider> providers_;
};

}  // namespace roost::backend

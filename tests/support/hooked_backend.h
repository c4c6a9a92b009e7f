#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "roost/backend.h"

namespace roost::test {

// Another backend, with a hook that is called at the beginning of every call into it.
class HookedBackend final : public Backend {
 public:
  using Hook = std::function<void(std::string_view call)>;
  HookedBackend(std::shared_ptr<Backend> inner, Hook hook)
      : inner_(std::move(inner)), hook_(std::move(hook)) {}

  std::string_view name() const override { return inner_->name(); }
  std::optional<std::string> why_not(const ModelDescription& description) const override {
    hook_("why_not");
    return inner_->why_not(description);
  }
  void check_options(const Value& options) const override {
    hook_("check_options");
    inner_->check_options(options);
  }
  std::vector<ExecutionProvider> providers() const override {
    hook_("providers");
    return inner_->providers();
  }
  LoadEstimate estimate(const ModelDescription& description, const Device& device) const override {
    hook_("estimate");
    return inner_->estimate(description, device);
  }
  std::shared_ptr<const HostImage> read(const ModelDescription& description,
                                        const std::string& component, LoadContext& context,
                                        std::stop_token stop) override {
    hook_("read");
    return inner_->read(description, component, context, std::move(stop));
  }
  std::unique_ptr<Model> load(const ModelDescription& description, LoadContext& context,
                              std::stop_token stop) override {
    hook_("load");
    return inner_->load(description, context, std::move(stop));
  }

 private:
  const std::shared_ptr<Backend> inner_;
  const Hook hook_;
};

}  // namespace roost::test

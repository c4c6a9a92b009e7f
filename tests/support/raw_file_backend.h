#pragma once

#include "roost/backend.h"

namespace roost::test {

// Loads any regular file, "file:/path" or the description's path, as it is: one component,
// "model". On the host the model runs from it in place, elsewhere it is copied. What it answers
// depends on the tokens alone, as a fake's does; a model of an empty file is not healthy.
class RawFileBackend final : public Backend {
 public:
  std::string_view name() const override { return "raw_file"; }
  std::optional<std::string> why_not(const ModelDescription& description) const override;
  void check_options(const Value& options) const override;  // takes none
  std::vector<ExecutionProvider> providers() const override;
  LoadEstimate estimate(const ModelDescription& description, const Device& device) const override;
  std::shared_ptr<const HostImage> read(const ModelDescription& description,
                                        const std::string& component, LoadContext& context,
                                        std::stop_token stop) override;
  std::unique_ptr<Model> load(const ModelDescription& description, LoadContext& context,
                              std::stop_token stop) override;
};

}  // namespace roost::test

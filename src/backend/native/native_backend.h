#pragma once

#include <memory>

#include "backend/native/compute.h"
#include "base/mutex.h"
#include "roost/backend.h"

namespace roost::backend {

// Runs encoders from folders in the Hugging Face layout on the host's processors. A model has one
// component, "model".
class NativeBackend final : public Backend {
 public:
  // 0: as many threads as processors this process may use.
  explicit NativeBackend(unsigned threads = 0) : threads_(threads) {}

  std::string_view name() const override { return "native"; }
  std::optional<std::string> why_not(const ModelDescription& description) const override;
  void check_options(const Value& options) const override;
  LoadEstimate estimate(const ModelDescription& description, const Device& device) const override;
  std::shared_ptr<const HostImage> read(const ModelDescription& description,
                                        const std::string& component, LoadContext& context,
                                        std::stop_token stop) override;
  std::unique_ptr<Model> load(const ModelDescription& description, LoadContext& context,
                              std::stop_token stop) override;

 private:
  unsigned threads() const;
  std::shared_ptr<Compute> compute();

  const unsigned threads_;
  Mutex mutex_;
  std::weak_ptr<Compute> compute_ ROOST_GUARDED_BY(mutex_);  // there while a model is
};

}  // namespace roost::backend

#pragma once

#include <memory>

#include "base/mutex.h"
#include "catalog/catalog.h"

namespace roost::catalog {

// Slot keys whose loads are remembered; the first learnt are forgotten first.
inline constexpr std::size_t kMaxLearntKeys = 10'000;

// A catalog that ends with the process. Look-ups by id take constant time.
class MemoryCatalog final : public Catalog {
 public:
  MemoryCatalog();
  ~MemoryCatalog() override;

  PutOutcome put(const ModelRecord& record) override;
  std::optional<ModelRecord> get(std::string_view id) const override;
  std::optional<ModelRecord> patch(std::string_view id, const RecordPatch& patch) override;
  bool remove(std::string_view id) override;
  std::size_t size() const override;
  std::vector<ModelRecord> find(const ModelQuery& query) const override;

  void set_alias(const Alias& alias, bool overwrite) override;
  bool remove_alias(Domain domain, std::string_view name) override;
  std::vector<Alias> aliases() const override;

  bool add_usage(std::string_view id, const ModelUsage& more) override;
  std::optional<ModelUsage> usage(std::string_view id) const override;
  void learn(std::string_view slot_key, const LoadMeasure& measure) override;
  std::optional<LearntLoad> learnt(std::string_view slot_key) const override;

  std::optional<RegisteredName> registered(std::string_view id) const override;
  std::optional<std::string> alias_target(Domain domain, std::string_view name) const override;
  std::vector<std::string> known_names(Domain domain) const override;

 private:
  class Tables;
  mutable Mutex mutex_;
  std::unique_ptr<Tables> tables_ ROOST_GUARDED_BY(mutex_);
};

}  // namespace roost::catalog

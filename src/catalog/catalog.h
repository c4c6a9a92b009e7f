#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/names.h"
#include "catalog/record.h"

namespace roost::catalog {

enum class PutOutcome : std::uint8_t { Inserted, Replaced };

// Which models are known. Values in, values out; every call is atomic. Ids and aliases are found
// by any case. Thread-safe.
class Catalog : public NameSource {
 public:
  // Throws what validate() throws, ModelExists when another id differs in case only, and
  // AliasConflict when a user alias has that name. Usage is kept when a record is replaced.
  virtual PutOutcome put(const ModelRecord& record) = 0;
  virtual std::optional<ModelRecord> get(std::string_view id) const = 0;

  // The record after the change; nullopt when there is none. Throws what validate() throws.
  virtual std::optional<ModelRecord> patch(std::string_view id, const RecordPatch& patch) = 0;

  virtual bool remove(std::string_view id) = 0;  // with its usage; aliases to it stay
  virtual std::size_t size() const = 0;

  // Ordered by id.
  virtual std::vector<ModelRecord> find(const ModelQuery& query) const = 0;
  std::vector<ModelRecord> list() const { return find({}); }

  // Throws what check_alias() throws. Setting the same again changes nothing.
  virtual void set_alias(const Alias& alias, bool overwrite) = 0;
  virtual bool remove_alias(Domain domain, std::string_view name) = 0;
  virtual std::vector<Alias> aliases() const = 0;  // ordered by domain and name

  // Adds counts, for one use or a batch of them. False when the model is not known.
  virtual bool add_usage(std::string_view id, const ModelUsage& more) = 0;
  virtual std::optional<ModelUsage> usage(std::string_view id) const = 0;

  // What loads of a slot key were measured to take. Outlives the model's record.
  virtual void learn(std::string_view slot_key, const LoadMeasure& measure) = 0;
  virtual std::optional<LearntLoad> learnt(std::string_view slot_key) const = 0;
};

}  // namespace roost::catalog

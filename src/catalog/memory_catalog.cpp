#include "catalog/memory_catalog.h"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "roost/ids.h"
#include "roost/error.h"

namespace roost::catalog {
namespace {

using RecordRef = std::shared_ptr<const ModelRecord>;  // copied out without the lock

struct Entry {
  RecordRef record;
  ModelUsage usage;
};

}  // namespace

// What the mutex guards. Names are keyed in lower case.
class MemoryCatalog::Tables final : public NameSource {
 public:
  std::optional<RegisteredName> registered(std::string_view id) const override {
    const Entry* entry = find(lower_ascii(id));
    if (entry == nullptr) return std::nullopt;
    return RegisteredName{entry->record->id, entry->record->source};
  }

  std::optional<std::string> alias_target(Domain domain, std::string_view name) const override {
    const auto it = aliases.find({domain, lower_ascii(name)});
    if (it == aliases.end()) return std::nullopt;
    return it->second.target;
  }

  std::vector<std::string> known_names(Domain domain) const override {
    std::vector<std::string> names;
    names.reserve(entries.size() + aliases.size());
    for (const auto& [key, entry] : entries) names.push_back(entry.record->id);
    for (const auto& [key, alias] : aliases) {
      if (alias.domain == Domain::Any || names_count(alias.domain, domain)) {
        names.push_back(alias.name);
      }
    }
    return names;
  }

  Entry* find(const std::string& key) {
    const auto it = entries.find(key);
    return it == entries.end() ? nullptr : &it->second;
  }
  const Entry* find(const std::string& key) const { return const_cast<Tables*>(this)->find(key); }

  void check_id_is_free(const std::string& id) const {
    for (const auto& [key, alias] : aliases) {
      if (key.second != lower_ascii(id)) continue;
      throw RoostError(ErrorCode::AliasConflict,
                       "registering model '" + id + "': an alias of that name leads to '" +
                           printable(alias.target) + "'; remove it or choose another id");
    }
  }

  std::unordered_map<std::string, Entry> entries;
  std::map<std::pair<Domain, std::string>, Alias> aliases;
  std::unordered_map<std::string, LearntLoad> learnt;
  std::deque<std::string> learnt_order;
};

MemoryCatalog::MemoryCatalog() : tables_(std::make_unique<Tables>()) {}
MemoryCatalog::~MemoryCatalog() = default;

PutOutcome MemoryCatalog::put(const ModelRecord& record) {
  validate(record);
  auto added = std::make_shared<const ModelRecord>(record);
  const std::string key = lower_ascii(record.id);
  MutexLock lock(mutex_);
  Entry* entry = tables_->find(key);
  if (entry == nullptr) {
    tables_->check_id_is_free(record.id);
    tables_->entries.emplace(key, Entry{std::move(added), {}});
    return PutOutcome::Inserted;
  }
  if (entry->record->id != record.id) {
    throw RoostError(ErrorCode::ModelExists, "registering model '" + record.id + "': '" +
                                                 entry->record->id +
                                                 "' is registered and differs in case only");
  }
  entry->record.swap(added);
  return PutOutcome::Replaced;
}

std::optional<ModelRecord> MemoryCatalog::get(std::string_view id) const {
  const std::string key = lower_ascii(id);
  RecordRef found;
  {
    MutexLock lock(mutex_);
    if (const Entry* entry = tables_->find(key)) found = entry->record;
  }
  if (!found) return std::nullopt;
  return *found;
}

std::optional<ModelRecord> MemoryCatalog::patch(std::string_view id, const RecordPatch& patch) {
  MutexLock lock(mutex_);
  Entry* entry = tables_->find(lower_ascii(id));
  if (entry == nullptr) return std::nullopt;
  entry->record = std::make_shared<const ModelRecord>(patched(*entry->record, patch));
  return *entry->record;
}

bool MemoryCatalog::remove(std::string_view id) {
  MutexLock lock(mutex_);
  return tables_->entries.erase(lower_ascii(id)) != 0;
}

std::size_t MemoryCatalog::size() const {
  MutexLock lock(mutex_);
  return tables_->entries.size();
}

std::vector<ModelRecord> MemoryCatalog::find(const ModelQuery& query) const {
  std::vector<RecordRef> all;
  {
    MutexLock lock(mutex_);
    all.reserve(tables_->entries.size());
    for (const auto& [key, entry] : tables_->entries) all.push_back(entry.record);
  }
  std::erase_if(all, [&](const RecordRef& record) { return !matches(*record, query); });
  std::sort(all.begin(), all.end(),
            [](const RecordRef& a, const RecordRef& b) { return a->id < b->id; });
  std::vector<ModelRecord> found;
  found.reserve(all.size());
  for (const RecordRef& record : all) found.push_back(*record);
  return found;
}

void MemoryCatalog::set_alias(const Alias& alias, bool overwrite) {
  MutexLock lock(mutex_);
  check_alias(alias, overwrite, *tables_);
  tables_->aliases.insert_or_assign({alias.domain, lower_ascii(alias.name)}, alias);
}

bool MemoryCatalog::remove_alias(Domain domain, std::string_view name) {
  MutexLock lock(mutex_);
  return tables_->aliases.erase({domain, lower_ascii(name)}) != 0;
}

std::vector<Alias> MemoryCatalog::aliases() const {
  std::vector<Alias> all;
  MutexLock lock(mutex_);
  for (const auto& [key, alias] : tables_->aliases) all.push_back(alias);
  return all;
}

bool MemoryCatalog::add_usage(std::string_view id, const ModelUsage& more) {
  MutexLock lock(mutex_);
  Entry* entry = tables_->find(lower_ascii(id));
  if (entry == nullptr) return false;
  entry->usage += more;
  return true;
}

std::optional<ModelUsage> MemoryCatalog::usage(std::string_view id) const {
  MutexLock lock(mutex_);
  const Entry* entry = tables_->find(lower_ascii(id));
  if (entry == nullptr) return std::nullopt;
  return entry->usage;
}

void MemoryCatalog::learn(std::string_view slot_key, const LoadMeasure& measure) {
  const std::string key(slot_key);
  MutexLock lock(mutex_);
  const auto it = tables_->learnt.find(key);
  if (it != tables_->learnt.end()) {
    it->second = {measure, it->second.newest};
    return;
  }
  tables_->learnt.emplace(key, LearntLoad{measure, std::nullopt});
  tables_->learnt_order.push_back(key);
  if (tables_->learnt_order.size() <= kMaxLearntKeys) return;
  tables_->learnt.erase(tables_->learnt_order.front());
  tables_->learnt_order.pop_front();
}

std::optional<LearntLoad> MemoryCatalog::learnt(std::string_view slot_key) const {
  MutexLock lock(mutex_);
  const auto it = tables_->learnt.find(std::string(slot_key));
  if (it == tables_->learnt.end()) return std::nullopt;
  return it->second;
}

std::optional<RegisteredName> MemoryCatalog::registered(std::string_view id) const {
  MutexLock lock(mutex_);
  return tables_->registered(id);
}

std::optional<std::string> MemoryCatalog::alias_target(Domain domain, std::string_view name) const {
  MutexLock lock(mutex_);
  return tables_->alias_target(domain, name);
}

std::vector<std::string> MemoryCatalog::known_names(Domain domain) const {
  MutexLock lock(mutex_);
  return tables_->known_names(domain);
}

}  // namespace roost::catalog

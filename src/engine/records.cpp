// Names, registrations, aliases and per-model options.
#include <algorithm>

#include "backend/file_source.h"
#include "base/foreign_code.h"
#include "roost/ids.h"
#include "catalog/local_path.h"
#include "engine/impl.h"

namespace roost {
namespace {

constexpr std::size_t kMostDepth = 64;  // of objects in an options patch
constexpr std::size_t kMostTextBytes = 4096;
constexpr std::size_t kMostPathBytes = 4096;

void check_source(const std::string& id, const std::string& source) {
  check_text("the source of '" + printable(id) + "'", source, kMostPathBytes);
  const std::size_t colon = source.find(':');
  if (colon == std::string::npos || colon == 0) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "the source of '" + id + "' is '" + printable(source) +
                         "'; it must begin with a kind: 'builtin:', 'file:' or 'hf:'");
  }
  if (source.rfind("file:", 0) == 0 && source.compare(5, 1, "/") != 0) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "the source of '" + id + "' is '" + printable(source) +
                         "'; a file source is an absolute path, 'file:/...'");
  }
}

catalog::ModelRecord record_from(const ModelRegistration& given, WallTime now) {
  catalog::ModelRecord record;
  record.id = given.id;
  record.source = given.source;
  record.type = given.type;
  record.description = given.description;
  record.version = given.version;
  record.tags = given.tags;
  record.metadata = given.metadata;
  record.total_size_estimate = given.size_estimate;
  record.file_count_estimate = given.file_count_estimate;
  record.options = given.options.to_value();
  record.registered_at = now;
  return record;
}

[[noreturn]] void refuse_hub(const std::string& name, const catalog::Resolution& found) {
  const std::string means = name == found.id ? "" : " means '" + found.id + "', which";
  throw ModelLoadException(name,
                           "'" + name + "'" + means +
                               " comes from a hub, and this version cannot fetch from hubs; "
                               "'builtin:lexical' needs no network",
                           ErrorCode::Unsupported);
}

[[noreturn]] void refuse_variant(const std::string& name, const catalog::Resolution& found) {
  throw ModelLoadException(printable(name),
                           "'" + printable(found.id) + "' has no variant '" +
                               printable(found.qualifier) + "'; ask for '" + printable(found.id) +
                               "'",
                           ErrorCode::Unsupported);
}

}  // namespace

catalog::Resolution Engine::Impl::meaning_of(const std::string& name,
                                             catalog::Domain domain) const {
  const catalog::NameContext context{*catalog, [this] { return machine.profile(); },
                                     catalog::find_local_path};
  return catalog::resolve_name(name, domain, context);
}

catalog::ModelRecord Engine::Impl::record_of(const std::string& name,
                                             catalog::Domain domain) const {
  if (auto known = catalog->get(name)) return *known;
  const catalog::Resolution found = meaning_of(name, domain);
  if (found.kind == catalog::ResolvedKind::Hub) refuse_hub(name, found);
  if (!found.qualifier.empty()) refuse_variant(name, found);
  if (auto known = catalog->get(found.id)) {
    if (found.kind == catalog::ResolvedKind::Registered &&
        known->source.rfind("hf:", 0) == 0) {
      refuse_hub(name, found);
    }
    return *known;
  }
  catalog::ModelRecord record;  // known by what it is, not by registration
  record.id = found.id;
  record.source = found.source;
  record.options = ModelOptions().to_value();
  return record;
}

Engine::Impl::Attached Engine::Impl::attached_to(const std::string& id) const {
  MutexLock lock(mutex);
  const auto found = attached.find(id);
  return found == attached.end() ? Attached{} : found->second;
}

std::shared_ptr<ModelSource> Engine::Impl::files_of(const catalog::ModelRecord& record) const {
  if (auto files = attached_to(record.id).files) return files;
  if (record.source.rfind("file:", 0) == 0) {
    return std::make_shared<backend::FileSource>(record.source);
  }
  return nullptr;
}

bool Engine::Impl::needs_no_files(const catalog::ModelRecord& record) const {
  std::string reasons;
  const Value asked = ModelOptions::from_value(record.options).backend;
  return find_backend(record, {record.id, record.source, record.version, {}, asked}, reasons) !=
         nullptr;
}

bool Engine::Impl::has_files(const catalog::ModelRecord& record, const ModelSource* files) const {
  if (files == nullptr) {
    return record.source.rfind("hf:", 0) != 0 || needs_no_files(record);
  }
  return run_foreign([&] { return files->is_present(); },
                     [&](const std::string& why) {
                       return ModelLoadException(record.id, "looking for its files: " + why,
                                                 ErrorCode::IoError);
                     });
}

std::string Engine::Impl::path_of(const catalog::ModelRecord& record, const ModelSource& files) {
  return run_foreign([&] { return files.path(); },
                     [&](const std::string& why) {
                       return ModelLoadException(record.id, "looking for its files: " + why,
                                                 ErrorCode::IoError);
                     });
}

// A backend may have to see files to know its own: while they are not there nobody can tell who
// will load them, and the load checks.
void Engine::Impl::check_can_load(const ModelRegistration& given,
                                  const catalog::ModelRecord& record) const {
  const Value& asked = given.options.backend;
  const bool built_in = !given.backend && record.source.rfind("builtin:", 0) == 0;
  if (!built_in && asked.as_object().empty()) return;
  std::shared_ptr<Backend> backend = given.backend;
  if (!backend) {
    ModelDescription description{record.id, record.source, record.version, {}, asked};
    if (const auto files = given.files ? given.files : files_of(record)) {
      if (!has_files(record, files.get())) return;
      description.path = path_of(record, *files);
    }
    std::string reasons;
    backend = find_backend(record, description, reasons);
    if (!backend && built_in) {
      throw RoostError(ErrorCode::InvalidArgument, "registering '" + record.id + "': " + reasons);
    }
  }
  if (backend) check_backend_options(record.id, *backend, asked);
}

void Engine::Impl::check_device(const ModelOptions& asked) const {
  if (!asked.device.empty()) machine.find(asked.device);
}

void Engine::register_model(const ModelRegistration& given) {
  Impl& self = *impl_;
  self.check_open();
  check_model_id(given.id);
  check_source(given.id, given.source);
  if (!given.description.empty() && given.description.size() > kMostTextBytes) {
    check_text("the description of '" + given.id + "'", given.description, kMostTextBytes);
  }
  given.options.validate();
  self.check_device(given.options);
  const catalog::ModelRecord record = record_from(given, self.clock.wall());
  self.check_can_load(given, record);
  {
    MutexLock lock(self.mutex);
    if (const auto known = self.catalog->get(given.id)) {
      if (known->source == given.source) return;
      throw RoostError(ErrorCode::ModelExists,
                       "'" + given.id + "' is registered already, from '" + known->source +
                           "'; unregister it first, or choose another id than for '" +
                           given.source + "'");
    }
    self.catalog->put(record);
    if (given.backend || given.files) {
      self.attached[given.id] = {given.backend, given.files, self.next_instance++};
    }
  }
  self.pool.unbind_door(given.id);
  Value data;
  data["source"] = given.source;
  data["type"] = given.type;
  self.events.publish(EventKind::ModelRegistered, given.id, data);
}

void Engine::register_model(const std::string& id, const std::string& source) {
  ModelRegistration registration;
  registration.id = id;
  registration.source = source;
  register_model(registration);
}

// Throws InUse when one of them is.
void Engine::Impl::forget_slots(const std::string& id) {
  UnloadOptions at_once;
  at_once.wait_for_leases = false;
  const std::vector<pool::Pool::Look> slots = pool.look_at(id).slots;
  const auto wait = may_wait_for_unload(slots, at_once);
  const RoostError in_use(ErrorCode::InUse, "'" + id + "' is in use; it stays registered; end its "
                                                       "uses, or unload it by force first");
  try {
    start_unload(slots, at_once, {}).get();
  } catch (const RoostError& error) {
    if (error.code() == ErrorCode::InUse) throw in_use;
    throw;
  }
  for (const pool::SlotId slot : pool.slots_of(id)) {
    if (!pool.forget(slot)) throw in_use;
  }
}

void Engine::unregister_model(const std::string& id) {
  Impl& self = *impl_;
  self.check_open();
  check_model_id(id);
  const auto record = self.catalog->get(id);
  if (!record) throw ModelNotFoundException(id, "it is not registered");
  self.pool.unbind_all_doors();
  cancel_fetch(id);
  self.forget_slots(record->id);
  Impl::Attached own;
  {
    MutexLock lock(self.mutex);
    self.catalog->remove(id);
    own = std::exchange(self.attached[record->id], {});
    self.attached.erase(record->id);
  }
  try {
    self.forget_slots(record->id);  // those of loads that looked the model up before it was gone
  } catch (const RoostError&) {
    MutexLock lock(self.mutex);
    if (!self.catalog->get(id)) {
      self.catalog->put(*record);
      if (own.backend || own.files) self.attached[record->id] = own;
    }
    throw;
  }
  self.fetches.forget_failure(record->id);
  Value data;
  data["source"] = record->source;
  self.events.publish(EventKind::ModelUnregistered, record->id, data);
}

bool Engine::is_registered(const std::string& id) const {
  return impl_->catalog->get(id).has_value();
}

std::optional<ModelRegistration> Engine::registration(const std::string& id) const {
  const auto record = impl_->catalog->get(id);
  if (!record) return std::nullopt;
  const Impl::Attached own = impl_->attached_to(record->id);
  ModelRegistration found;
  found.id = record->id;
  found.source = record->source;
  found.type = record->type;
  found.description = record->description;
  found.version = record->version;
  found.tags = record->tags;
  found.size_estimate = record->total_size_estimate;
  found.file_count_estimate = record->file_count_estimate;
  found.metadata = record->metadata;
  found.options = ModelOptions::from_value(record->options);
  found.backend = own.backend;
  found.files = own.files;
  return found;
}

std::string Engine::resolve(const std::string& name) const {
  return impl_->record_of(name, catalog::Domain::Any).id;
}

std::string Engine::resolve(const std::string& name, Task task) const {
  const auto domain = task == Task::Embed    ? catalog::Domain::Embedder
                      : task == Task::Rerank ? catalog::Domain::Reranker
                                             : catalog::Domain::Any;
  return impl_->record_of(name, domain).id;
}

void Engine::set_alias(const std::string& alias, const std::string& target, bool overwrite) {
  impl_->check_open();
  impl_->meaning_of(target, catalog::Domain::Any);  // throws when it has none
  impl_->catalog->set_alias({catalog::Domain::Any, alias, target}, overwrite);
  impl_->pool.unbind_all_doors();
}

void Engine::remove_alias(const std::string& alias) {
  impl_->check_open();
  check_model_id(alias);
  impl_->catalog->remove_alias(catalog::Domain::Any, alias);
  impl_->pool.unbind_all_doors();
}

ModelOptions Engine::model_options(const std::string& id) const {
  return ModelOptions::from_value(impl_->record_of(id, catalog::Domain::Any).options);
}

ModelOptions Engine::patch_options(const std::string& id, const Value& patch) {
  Impl& self = *impl_;
  self.check_open();
  if (!patch.is_object()) {
    throw RoostError(ErrorCode::InvalidArgument, "the options patch of '" + printable(id) +
                                                     "' is " + std::string(patch.kind_name()) +
                                                     ", not an object");
  }
  if (patch.depth(kMostDepth) == kMostDepth) {
    throw RoostError(ErrorCode::InvalidArgument, "the options patch of '" + printable(id) +
                                                     "' is nested " + std::to_string(kMostDepth) +
                                                     " deep or more");
  }
  catalog::ModelRecord record = self.record_of(id, catalog::Domain::Any);
  Value merged = record.options;
  merged.merge_patch(patch);
  const ModelOptions wanted = ModelOptions::from_value(merged);
  self.check_device(wanted);
  const Value& backend_options = wanted.backend;
  if (!backend_options.as_object().empty()) {
    const auto backend =
        self.backend_for(record, {record.id, record.source, record.version, {}, backend_options});
    Impl::check_backend_options(record.id, *backend, backend_options);
  }
  // Merged by the catalog, so that another's change of meanwhile stays.
  catalog::RecordPatch change;
  change.options = patch;
  if (const auto patched = self.catalog->patch(record.id, change)) {
    record = *patched;
  } else if (record.registered_at != WallTime{}) {
    throw ModelNotFoundException(record.id, "it was unregistered meanwhile");
  } else {  // known by what it is
    record.options = merged;
    self.catalog->put(record);
  }
  self.pool.unbind_all_doors();
  ModelOptions options = self.apply_policy(record);
  Value data;
  data["options"] = options.to_value();
  data["config"] = options.config;
  self.events.publish(EventKind::ConfigUpdate, record.id, data);
  return options;
}

// Until the pool has what the catalog says: who else changes it may be at the same.
ModelOptions Engine::Impl::apply_policy(catalog::ModelRecord record) {
  for (;;) {
    ModelOptions wanted = ModelOptions::from_value(record.options);
    for (const pool::SlotId slot : pool.slots_of(record.id)) {
      pool.set_policy(slot, {wanted.pin, wanted.priority, wanted.ttl, wanted.group});
    }
    const auto now = catalog->get(record.id);
    if (!now || now->options == record.options) return wanted;
    record = *now;
  }
}

void Engine::pin(const std::string& id, bool pinned) {
  Value patch;
  patch["pin"] = pinned;
  patch_options(id, patch);
}

void Engine::reset(const std::string& id) {
  impl_->check_open();
  const std::string known = impl_->id_of(id);
  impl_->fetches.forget_failure(known);
  for (const pool::SlotId slot : impl_->pool.slots_of(known)) impl_->pool.reset(slot);
}

}  // namespace roost

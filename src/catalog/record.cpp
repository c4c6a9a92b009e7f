#include "catalog/record.h"

#include <algorithm>

#include "roost/ids.h"
#include "roost/error.h"

namespace roost::catalog {
namespace {

constexpr std::size_t kMaxNameBytes = 256;          // type, version, repo_id, a tag
constexpr std::size_t kMaxSourceBytes = 4096 + 16;  // a path and its scheme
constexpr std::size_t kMaxDescriptionBytes = std::size_t{64} * 1024;
constexpr std::size_t kMaxTags = 256;

[[noreturn]] void reject(const ModelRecord& record, const std::string& why) {
  throw RoostError(ErrorCode::InvalidArgument, "model '" + printable(record.id) + "': " + why);
}

void check_optional_text(const ModelRecord& record, std::string_view field,
                         const std::string& text) {
  if (!text.empty()) check_text(record.id + ": " + std::string(field), text, kMaxNameBytes);
}

void check_object(const ModelRecord& record, std::string_view field, const Value& value) {
  if (value.is_object()) return;
  reject(record, std::string(field) + " must be an object, not " + std::string(value.kind_name()));
}

bool contains(std::string_view text, std::string_view lower_word) {
  return lower_ascii(text).find(lower_word) != std::string::npos;
}

bool has_word(const ModelRecord& record, std::string_view word) {
  return contains(record.id, word) || contains(record.description, word) ||
         contains(record.repo_id, word) ||
         std::any_of(record.tags.begin(), record.tags.end(),
                     [&](const std::string& tag) { return contains(tag, word); });
}

bool has_words(const ModelRecord& record, const std::string& text) {
  const std::string low = lower_ascii(text);
  std::size_t begin = 0;
  while ((begin = low.find_first_not_of(" \t\n", begin)) != std::string::npos) {
    const std::size_t end = std::min(low.find_first_of(" \t\n", begin), low.size());
    if (!has_word(record, std::string_view(low).substr(begin, end - begin))) return false;
    begin = end;
  }
  return true;
}

void merge(const ModelRecord& record, std::string_view field, Value& into, const Value& patch) {
  if (patch.is_null()) return;
  check_object(record, std::string("the change of ").append(field), patch);
  into.merge_patch(patch);
}

}  // namespace

void validate(const ModelRecord& record) {
  check_model_id(record.id);
  if (lower_ascii(record.id) == "auto") {
    throw RoostError(ErrorCode::InvalidModelId,
                     "model id 'auto' is taken: it means the best model for the hardware");
  }
  check_text(record.id + ": source", record.source, kMaxSourceBytes);
  if (record.source.starts_with("file:") && !record.source.starts_with("file:/")) {
    reject(record, "source '" + printable(record.source) + "' must have an absolute path");
  }
  check_optional_text(record, "type", record.type);
  check_optional_text(record, "version", record.version);
  check_optional_text(record, "repo_id", record.repo_id);
  if (record.tags.size() > kMaxTags) {
    reject(record, std::to_string(record.tags.size()) + " tags, at most " +
                       std::to_string(kMaxTags) + " are allowed");
  }
  for (const std::string& tag : record.tags) check_text(record.id + ": tag", tag, kMaxNameBytes);
  if (record.description.size() > kMaxDescriptionBytes) {
    reject(record, "description has " + std::to_string(record.description.size()) +
                       " bytes, at most " + std::to_string(kMaxDescriptionBytes) + " are allowed");
  }
  check_object(record, "metadata", record.metadata);
  check_object(record, "options", record.options);
  check_object(record, "config", record.config);
}

ModelRecord patched(ModelRecord record, const RecordPatch& patch) {
  if (patch.description) record.description = *patch.description;
  if (patch.version) record.version = *patch.version;
  if (patch.tags) record.tags = *patch.tags;
  merge(record, "metadata", record.metadata, patch.metadata);
  merge(record, "options", record.options, patch.options);
  merge(record, "config", record.config, patch.config);
  validate(record);
  return record;
}

bool matches(const ModelRecord& record, const ModelQuery& query) {
  if (record.total_size_estimate < query.min_bytes) return false;
  if (record.total_size_estimate > query.max_bytes) return false;
  if (query.type && lower_ascii(record.type) != lower_ascii(*query.type)) return false;
  if (query.tag) {
    const std::string wanted = lower_ascii(*query.tag);
    const bool tagged =
        std::any_of(record.tags.begin(), record.tags.end(),
                    [&](const std::string& tag) { return lower_ascii(tag) == wanted; });
    if (!tagged) return false;
  }
  return has_words(record, query.text);
}

ModelUsage& ModelUsage::operator+=(const ModelUsage& more) {
  requests += more.requests;
  successes += more.successes;
  failures += more.failures;
  processing += more.processing;
  if (more.last_used && (!last_used || *last_used < *more.last_used)) last_used = more.last_used;
  return *this;
}

MemoryVector LearntLoad::admission() const {
  MemoryVector larger = newest.footprint;
  if (!previous) return larger;
  previous->footprint.for_each(
      [&](MemoryId id, std::uint64_t bytes) { larger[id] = std::max(larger[id], bytes); });
  return larger;
}

}  // namespace roost::catalog

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "roost/memory.h"
#include "roost/value.h"

namespace roost::catalog {

// What is known of a model, however it is doing.
struct ModelRecord {
  std::string id;      // unique whatever its case
  std::string source;  // "builtin:lexical", "file:/path", "hf:owner/repo@rev", "user:<id>", ...
  std::string type = {};
  std::string repo_id = {};
  std::string description = {};
  std::string version = {};
  std::vector<std::string> tags = {};
  Value metadata = Value::Object();
  std::uint64_t total_size_estimate = 0;
  std::uint64_t file_count_estimate = 0;
  Value options = Value::Object();  // ModelOptions
  Value config = Value::Object();   // free-form, for the model's own use
  WallTime registered_at = {};

  friend bool operator==(const ModelRecord&, const ModelRecord&) = default;
};

// Throws InvalidModelId or InvalidArgument, naming the field, when a record cannot be kept.
void validate(const ModelRecord& record);

// A change of a record. What is empty or null stays as it is; objects are merged (RFC 7396).
struct RecordPatch {
  std::optional<std::string> description = {};
  std::optional<std::string> version = {};
  std::optional<std::vector<std::string>> tags = {};
  Value metadata = {};
  Value options = {};
  Value config = {};
};
ModelRecord patched(ModelRecord record, const RecordPatch& patch);  // validated

// Conditions that all must hold. Case does not matter.
struct ModelQuery {
  std::string text = {};  // each of its words occurs in id, description, repo_id or a tag
  std::optional<std::string> type = {};
  std::optional<std::string> tag = {};
  std::uint64_t min_bytes = 0;
  std::uint64_t max_bytes = UINT64_MAX;
};
bool matches(const ModelRecord& record, const ModelQuery& query);

// Counts of what a model was used for; sums of such.
struct ModelUsage {
  std::uint64_t requests = 0;
  std::uint64_t successes = 0;
  std::uint64_t failures = 0;
  std::chrono::nanoseconds processing{0};
  std::optional<WallTime> last_used = {};

  ModelUsage& operator+=(const ModelUsage& more);
  friend bool operator==(const ModelUsage&, const ModelUsage&) = default;
};

// What a load took, measured.
struct LoadMeasure {
  MemoryVector footprint = {};
  std::chrono::duration<double> load_seconds{0};
  WallTime measured_at = {};

  friend bool operator==(const LoadMeasure&, const LoadMeasure&) = default;
};

// The last two measures of a slot key.
struct LearntLoad {
  LoadMeasure newest = {};
  std::optional<LoadMeasure> previous = {};

  MemoryVector admission() const;  // what to reserve: on each memory the larger of the two
  friend bool operator==(const LearntLoad&, const LearntLoad&) = default;
};

}  // namespace roost::catalog

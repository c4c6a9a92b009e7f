#include "faces/management/registration.h"

#include <algorithm>
#include <optional>
#include <string>

#include "roost/error.h"
#include "roost/ids.h"
#include "roost/status_words.h"

namespace roost::faces {
namespace {

constexpr std::string_view kMoreInfo = "model_info";  // the key of ours in a catalog's metadata
constexpr std::size_t kMaxTextBytes = 4'096;
constexpr std::size_t kMaxTags = 256;
constexpr std::string_view kHub = "hf:";

std::string source_of(const std::string& repo_id) {
  for (const std::string_view scheme :
       {std::string_view("builtin:"), std::string_view("file:"), std::string_view("own:"), kHub}) {
    if (repo_id.starts_with(scheme)) return repo_id;
  }
  return std::string(kHub) + repo_id;
}

std::string repo_of(const std::string& source) {
  return source.starts_with(kHub) ? source.substr(kHub.size()) : source;
}

// What `check` complains about, without the exception.
template <class F>
std::optional<std::string> complaint(F&& check) {
  try {
    check();
    return std::nullopt;
  } catch (const RoostError& error) {
    return error.what();
  }
}

// The fields with no place of their own in the catalog.
constexpr std::string_view kMoreFields[] = {"name",       "file_path",    "hash",
                                            "components", "requirements", "capabilities"};

bool says_nothing(const Value& value) {
  return value.is_null() || value == Value("") || value == Value(Value::Array{}) ||
         value == Value(Value::Object{});
}

}  // namespace

std::vector<mm::FieldError> model_info_errors(const mm::ModelInfo& info) {
  std::vector<mm::FieldError> errors;
  const auto add = [&](const char* field, std::optional<std::string> problem) {
    if (!problem) return;
    if (problem->starts_with(field)) problem->erase(0, problem->find(' ') + 1);  // said already
    errors.push_back({field, *std::move(problem)});
  };
  add("model_id", complaint([&] { check_model_id(info.model_id); }));
  if (info.model_type == ModelType::Unknown) {
    add("model_type", "is not set; for a model of your own choose the nearest");
  }
  add("repo_id", complaint([&] { check_text("repo_id", info.repo_id, kMaxTextBytes); }));
  if (info.repo_id.find("..") != std::string::npos) add("repo_id", "contains '..'");
  add("description",
      complaint([&] { check_text("description", info.description, kMaxTextBytes); }));
  if (info.total_size_estimate == 0) add("total_size_estimate", "is 0, must be above 0");
  if (info.file_count_estimate == 0) add("file_count_estimate", "is 0, must be above 0");
  if (info.tags.size() > kMaxTags) {
    add("tags", std::to_string(info.tags.size()) + " tags, at most " + std::to_string(kMaxTags));
  }
  for (const std::string& tag : info.tags) {
    add("tags", complaint([&] { check_text("tag", tag, kMaxIdBytes); }));
  }
  if (!info.metadata.is_object()) {
    add("metadata", "is " + std::string(info.metadata.kind_name()) + ", must be an object");
  } else if (info.metadata.find(kMoreInfo)) {
    add("metadata", "the key '" + std::string(kMoreInfo) + "' is used by the manager");
  }
  return errors;
}

void check_model_info(const mm::ModelInfo& info) {
  const auto errors = model_info_errors(info);
  if (errors.empty()) return;
  std::string what = "registering '" + printable(info.model_id) + "':";
  for (const mm::FieldError& error : errors) {
    what += (&error == errors.data() ? " " : "; ") + error.field + ": " + error.problem;
  }
  const bool bad_id = errors.front().field == "model_id";
  throw RoostError(bad_id ? ErrorCode::InvalidModelId : ErrorCode::InvalidArgument, what);
}

ModelRegistration to_registration(const mm::ModelInfo& info) {
  ModelRegistration registration;
  registration.id = info.model_id;
  registration.source = source_of(info.repo_id);
  registration.type = std::string(to_string(info.model_type));
  registration.description = info.description;
  registration.version = info.version;
  registration.tags = info.tags;
  registration.size_estimate = info.total_size_estimate;
  registration.file_count_estimate = info.file_count_estimate;
  registration.metadata = info.metadata;

  const Value all = info.to_value();
  Value more = info.unknown;
  for (const std::string_view field : kMoreFields) {
    if (const Value* value = all.find(field); value && !says_nothing(*value)) more[field] = *value;
  }
  if (!says_nothing(more)) registration.metadata[kMoreInfo] = more;
  return registration;
}

mm::ModelInfo to_info(const ModelRegistration& registration) {
  mm::ModelInfo info;
  if (const Value* more = registration.metadata.find(kMoreInfo)) {
    info = mm::ModelInfo::from_value(*more);
  }
  info.model_id = registration.id;
  info.model_type = parse_model_type(registration.type).value_or(ModelType::Unknown);
  info.repo_id = repo_of(registration.source);
  info.description = registration.description;
  info.version = registration.version;
  info.tags = registration.tags;
  info.total_size_estimate = registration.size_estimate;
  info.file_count_estimate = registration.file_count_estimate;
  Value patch;
  patch[kMoreInfo] = Value();
  info.metadata = registration.metadata;
  info.metadata.merge_patch(patch);
  return info;
}

mm::ModelInfo to_info(const ModelRegistration& registration, const roost::ModelStatus& status) {
  mm::ModelInfo info = to_info(registration);
  info.status = status_word(status);
  info.health = status.health;
  if (status.state == ModelState::Loaded) info.loaded_on_devices = {status.device};
  info.memory_usage = status.footprint.total();
  info.performance = Value::Object{{"load_ms", status.latency.load_ms},
                                   {"warm_up_ms", status.latency.warm_up_ms},
                                   {"first_call_ms", status.latency.first_call_ms},
                                   {"steady_call_ms", status.latency.steady_call_ms},
                                   {"calls", status.latency.calls}};
  info.last_updated = std::chrono::system_clock::now();
  return info;
}

mm::ModelStatus status_word(const roost::ModelStatus& status) {
  return mm::parse_model_status(document1_status(status)).value_or(mm::ModelStatus::Error);
}

mm::ModelInstance to_instance(const ModelRegistration& registration,
                              const roost::ModelStatus& status) {
  mm::ModelInstance instance;
  instance.model_id = status.id;
  instance.model_type = parse_model_type(status.type).value_or(ModelType::Unknown);
  instance.status = status_word(status);
  instance.health = status.health;
  instance.config = status.options.config;
  instance.loaded_at = status.loaded_at;
  instance.last_used = status.last_used;
  if (status.state == ModelState::Error) instance.error = status.last_failure;
  instance.metadata = to_info(registration).metadata;
  return instance;
}

}  // namespace roost::faces

#include <array>
#include <string>

#include "roost/error.h"
#include "roost/ids.h"
#include "roost/model_management.h"

namespace roost::model_management {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

Value strings(const std::vector<std::string>& from) {
  Value::Array array(from.begin(), from.end());
  return array;
}

std::vector<std::string> as_strings(const Value& value) {
  std::vector<std::string> result;
  for (const Value& item : value.as_array()) result.push_back(item.as_string());
  return result;
}

std::uint64_t as_bytes(const Value& value) {
  const std::int64_t number = value.as_int();
  if (number < 0) {
    throw RoostError(ErrorCode::InvalidArgument, std::to_string(number) + " is below 0");
  }
  return static_cast<std::uint64_t>(number);
}

template <class T>
T or_reject(std::optional<T> parsed, const Value& value) {
  if (parsed) return *parsed;
  throw RoostError(ErrorCode::InvalidArgument, "'" + printable(value.as_string()) + "' is unknown");
}

struct Field {
  std::string_view name;
  std::string_view camel;
  Value (*get)(const ModelInfo&);
  void (*set)(ModelInfo&, const Value&);
};

using I = ModelInfo;
using V = Value;

const std::array kFields = {
    Field{"model_id", "modelId", [](const I& i) { return V(i.model_id); },
          [](I& i, const V& v) { i.model_id = v.as_string(); }},
    Field{"model_type", "modelType", [](const I& i) { return V(to_string(i.model_type)); },
          [](I& i, const V& v) { i.model_type = or_reject(parse_model_type(v.as_string()), v); }},
    Field{"repo_id", "repoId", [](const I& i) { return V(i.repo_id); },
          [](I& i, const V& v) { i.repo_id = v.as_string(); }},
    Field{"description", "description", [](const I& i) { return V(i.description); },
          [](I& i, const V& v) { i.description = v.as_string(); }},
    Field{"total_size_estimate", "totalSizeEstimate",
          [](const I& i) { return V(i.total_size_estimate); },
          [](I& i, const V& v) { i.total_size_estimate = as_bytes(v); }},
    Field{"file_count_estimate", "fileCountEstimate",
          [](const I& i) { return V(i.file_count_estimate); },
          [](I& i, const V& v) { i.file_count_estimate = as_bytes(v); }},
    Field{"name", "name", [](const I& i) { return V(i.name); },
          [](I& i, const V& v) { i.name = v.as_string(); }},
    Field{"version", "version", [](const I& i) { return V(i.version); },
          [](I& i, const V& v) { i.version = v.as_string(); }},
    Field{"tags", "tags", [](const I& i) { return strings(i.tags); },
          [](I& i, const V& v) { i.tags = as_strings(v); }},
    Field{"metadata", "metadata", [](const I& i) { return i.metadata; },
          [](I& i, const V& v) { i.metadata = v.as_object(); }},
    Field{"file_path", "filePath", [](const I& i) { return V(i.file_path); },
          [](I& i, const V& v) { i.file_path = v.as_string(); }},
    Field{"hash", "hash", [](const I& i) { return V(i.hash); },
          [](I& i, const V& v) { i.hash = v.as_string(); }},
    Field{"components", "components", [](const I& i) { return strings(i.components); },
          [](I& i, const V& v) { i.components = as_strings(v); }},
    Field{"requirements", "requirements", [](const I& i) { return i.requirements; },
          [](I& i, const V& v) { i.requirements = v.as_object(); }},
    Field{"capabilities", "capabilities", [](const I& i) { return i.capabilities; },
          [](I& i, const V& v) { i.capabilities = v.as_object(); }},
    Field{"status", "status", [](const I& i) { return V(to_string(i.status)); },
          [](I& i, const V& v) { i.status = or_reject(parse_model_status(v.as_string()), v); }},
    Field{"health", "health", [](const I& i) { return V(to_string(i.health)); },
          [](I& i, const V& v) { i.health = or_reject(parse_model_health(v.as_string()), v); }},
    Field{"loaded_on_devices", "loadedOnDevices",
          [](const I& i) { return strings(i.loaded_on_devices); },
          [](I& i, const V& v) { i.loaded_on_devices = as_strings(v); }},
    Field{"memory_usage", "memoryUsage", [](const I& i) { return V(i.memory_usage); },
          [](I& i, const V& v) { i.memory_usage = as_bytes(v); }},
    Field{"performance", "performance", [](const I& i) { return i.performance; },
          [](I& i, const V& v) { i.performance = v.as_object(); }},
    Field{"last_updated", "lastUpdated",
          [](const I& i) {
            if (!i.last_updated) return V();
            return V(std::int64_t{
                duration_cast<milliseconds>(i.last_updated->time_since_epoch()).count()});
          },
          [](I& i, const V& v) {
            if (!v.is_null()) i.last_updated = WallTime(milliseconds(v.as_int()));
          }},
};

}  // namespace

Value ModelInfo::to_value() const {
  Value value = unknown;
  for (const Field& field : kFields) value[field.name] = field.get(*this);
  return value;
}

ModelInfo ModelInfo::from_value(const Value& value) {
  ModelInfo info;
  for (const auto& [name, item] : value.as_object()) {
    const Field* known = nullptr;
    for (const Field& field : kFields) {
      if (name == field.name || name == field.camel) known = &field;
    }
    if (!known) {
      info.unknown[name] = item;
      continue;
    }
    try {
      known->set(info, item);
    } catch (const RoostError& error) {
      throw RoostError(ErrorCode::InvalidArgument,
                       "model info field '" + std::string(known->name) + "': " + error.what());
    }
  }
  return info;
}

}  // namespace roost::model_management

#include "roost/options.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "roost/ids.h"
#include "roost/error.h"

namespace roost {
namespace {

constexpr std::size_t kMostThreads = 1024;
constexpr std::size_t kMostNameBytes = 256;
constexpr std::chrono::milliseconds kMostTime = std::chrono::hours(24 * 365 * 100);
constexpr std::uint64_t kMostBytes = INT64_MAX;  // what is more was a negative number

[[noreturn]] void out_of_range(const std::string& option, const std::string& value,
                               const std::string& allowed) {
  throw RoostError(ErrorCode::InvalidArgument,
                   "option '" + option + "' is " + value + "; allowed is " + allowed);
}

// At most a hundred years: more would not fit the clock's count.
void at_least(const std::string& option, std::chrono::milliseconds value,
              std::chrono::milliseconds least) {
  if (value < least || value > kMostTime) {
    out_of_range(option, std::to_string(value.count()) + " ms",
                 std::to_string(least.count()) + " to " + std::to_string(kMostTime.count()) +
                     " ms");
  }
}

void count_between(const std::string& option, std::size_t value, std::size_t least,
                   std::size_t most) {
  if (value < least || value > most) {
    out_of_range(option, std::to_string(value),
                 std::to_string(least) + " to " + std::to_string(most));
  }
}

void check_budget(const std::string& option, std::uint64_t bytes) {
  if (bytes > kMostBytes) {
    out_of_range(option, std::to_string(bytes), "0 to " + std::to_string(kMostBytes) + " bytes");
  }
}

void check_machine(const Machine& machine) {
  if (machine.devices.empty()) {
    throw RoostError(ErrorCode::InvalidArgument, "option 'machine' has no device; the host is one");
  }
  for (const auto& device : machine.devices) {
    if (device == nullptr) {
      throw RoostError(ErrorCode::InvalidArgument, "option 'machine' holds a null pointer");
    }
    if (index_of(device->info().memory) >= kMaxMemories) {
      throw RoostError(ErrorCode::InvalidArgument,
                       "option 'machine': '" + device->info().id + "' has a memory beyond the " +
                           std::to_string(kMaxMemories) + " there can be");
    }
  }
}

std::chrono::milliseconds milliseconds_of(const std::string& option, const Value& value) {
  const double ms = value.as_double();
  if (!(ms >= 0) || ms > static_cast<double>(kMostTime.count())) {
    out_of_range(option, value.to_json(), "0 to " + std::to_string(kMostTime.count()) + " ms");
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(ms));
}

// Of an enumeration, from its first to its last.
template <class T>
std::string names_to(T last) {
  std::string names;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (i != 0) names += i == static_cast<int>(last) ? " or " : ", ";
    names += to_string(static_cast<T>(i));
  }
  return names;
}

template <class T, class Parse>
T parsed(const std::string& option, const Value& value, const Parse& parse, T last) {
  if (const auto result = parse(value.as_string())) return *result;
  out_of_range(option, "'" + printable(value.as_string()) + "'", names_to(last));
}

void check_name(const std::string& option, const std::string& text) {
  if (!text.empty()) check_text("option '" + option + "'", text, kMostNameBytes);
}

void read_option(ModelOptions& options, const std::string& key, const Value& value) {
  if (key == "pin") {
    options.pin = value.as_bool();
  } else if (key == "priority") {
    options.priority = parsed(key, value, parse_load_priority, LoadPriority::Critical);
  } else if (key == "ttl_ms") {
    options.ttl = milliseconds_of(key, value);
  } else if (key == "group") {
    options.group = value.as_string();
  } else if (key == "provider") {
    options.provider = parsed(key, value, parse_execution_provider, ExecutionProvider::Cpu);
  } else if (key == "device") {
    options.device = value.as_string();
  } else if (key == "config") {
    options.config = value.as_object();
  } else if (key == "backend") {
    options.backend = value.as_object();
  } else {
    throw RoostError(ErrorCode::UnknownOption,
                     "there is no model option '" + printable(key) +
                         "'; there are pin, priority, ttl_ms, group, provider, device, config "
                         "and backend");
  }
}

}  // namespace

void EngineOptions::validate() const {
  count_between("max_concurrent_loads", max_concurrent_loads, 1, kMostThreads);
  count_between("max_concurrent_downloads", max_concurrent_downloads, 1, kMostThreads);
  count_between("max_waiting", max_waiting, 1, 1'000'000);
  count_between("load_threads", load_threads, 0, kMostThreads);
  count_between("event_ring", event_ring, 1, 10'000'000);
  at_least("min_residency", min_residency, std::chrono::milliseconds(0));
  at_least("use_half_life", use_half_life, std::chrono::milliseconds(1));
  at_least("load_timeout", load_timeout, std::chrono::milliseconds(0));
  at_least("download_timeout", download_timeout, std::chrono::milliseconds(0));
  at_least("backoff_first", backoff_first, std::chrono::milliseconds(0));
  at_least("backoff_most", backoff_most, backoff_first);
  at_least("health_interval", health_interval, std::chrono::milliseconds(0));
  at_least("pressure_interval", pressure_interval, std::chrono::milliseconds(0));
  if (host_budget_bytes) check_budget("host_budget_bytes", *host_budget_bytes);
  for (const auto& [device, bytes] : device_budget_bytes) {
    check_budget("device_budget_bytes[" + printable(device) + "]", bytes);
  }
  if (machine) check_machine(*machine);
  for (const auto& backend : backends) {
    if (backend == nullptr) {
      throw RoostError(ErrorCode::InvalidArgument, "option 'backends' holds a null pointer");
    }
  }
}

void ModelOptions::validate() const {
  check_name("group", group);
  check_name("device", device);
  if (ttl) at_least("ttl", *ttl, std::chrono::milliseconds(0));
  if (!config.is_object()) {
    out_of_range("config", std::string(config.kind_name()), "an object");
  }
  if (!backend.is_object()) {
    out_of_range("backend", std::string(backend.kind_name()), "an object");
  }
}

Value ModelOptions::to_value() const {
  Value value;
  value["pin"] = pin;
  value["priority"] = to_string(priority);
  if (ttl) value["ttl_ms"] = ttl->count();
  if (!group.empty()) value["group"] = group;
  value["provider"] = to_string(provider);
  if (!device.empty()) value["device"] = device;
  value["config"] = config;
  value["backend"] = backend;
  return value;
}

ModelOptions ModelOptions::from_value(const Value& value) {
  ModelOptions options;
  for (const auto& [key, entry] : value.as_object()) {
    try {
      read_option(options, key, entry);
    } catch (const RoostError& error) {
      if (error.code() != ErrorCode::InvalidArgument) throw;
      const std::string text = error.what();
      if (text.find("option '") != std::string::npos) throw;
      throw RoostError(error.code(),
                       std::string("option '").append(key).append("': ").append(text));
    }
  }
  options.validate();
  return options;
}

void LoadOptions::validate() const {
  at_least("timeout", timeout, std::chrono::milliseconds(0));
  check_name("device", device);
  if (!backend.is_null() && !backend.is_object()) {
    out_of_range("backend", std::string(backend.kind_name()), "an object");
  }
}

void UnloadOptions::validate() const {
  at_least("timeout", timeout, std::chrono::milliseconds(0));
  if (force && keep_in_host_memory) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "options 'force' and 'keep_in_host_memory' exclude each other");
  }
  if (force && only_if_unused) {
    throw RoostError(ErrorCode::InvalidArgument,
                     "options 'force' and 'only_if_unused' exclude each other");
  }
}

}  // namespace roost

#include "scripts/arguments.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "scripts/script.h"

namespace roost::test {
namespace {

bool is_option(const std::string& word) { return word.find('=') != std::string::npos; }

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// A whole number with one of these units.
template <std::size_t N>
std::uint64_t parse_with_unit(const std::string& text, const Unit (&units)[N],
                              const std::string& kind) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const Unit& known : units) {
    if (error == std::errc() && unit == known.name) return number * known.factor;
  }
  throw ScriptError("'" + text + "' is not " + kind);
}

constexpr Unit kSizes[] = {{"MB", 1 << 20}, {"KB", 1 << 10}, {"GB", 1 << 30}};
constexpr Unit kTimes[] = {{"ms", 1}, {"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}};

Value option_value(const std::string& key, const std::string& text) {
  if (text == "none") return nullptr;
  if (key == "ttl") return parse_duration(text).count();
  if (key != "pin") return text;
  if (text != "true" && text != "false") throw ScriptError("pin is 'true' or 'false'");
  return text == "true";
}

}  // namespace

bool Arguments::flag(const std::string& word) {
  const auto found = std::find(left_.begin(), left_.end(), word);
  if (found == left_.end()) return false;
  left_.erase(found);
  return true;
}

std::optional<std::string> Arguments::option(const std::string& key) {
  for (auto word = left_.begin(); word != left_.end(); ++word) {
    if (!word->starts_with(key + "=")) continue;
    std::string value = word->substr(key.size() + 1);
    left_.erase(word);
    return value;
  }
  return std::nullopt;
}

std::optional<std::string> Arguments::maybe_next() {
  const auto word = std::find_if_not(left_.begin(), left_.end(), is_option);
  if (word == left_.end()) return std::nullopt;
  std::string taken = std::move(*word);
  left_.erase(word);
  return taken;
}

std::string Arguments::next(const std::string& what) {
  auto word = maybe_next();
  if (!word) throw ScriptError(what + " is missing");
  return std::move(*word);
}

std::vector<std::string> Arguments::rest() {
  std::vector<std::string> words;
  while (auto word = maybe_next()) words.push_back(std::move(*word));
  return words;
}

std::vector<std::pair<std::string, std::string>> Arguments::all_options() {
  std::vector<std::pair<std::string, std::string>> found;
  for (const std::string& word : left_) {
    if (!is_option(word)) continue;
    const std::size_t equals = word.find('=');
    found.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  std::erase_if(left_, is_option);
  return found;
}

void Arguments::finish() const {
  if (!left_.empty()) throw ScriptError("it does not take '" + left_.front() + "'");
}

std::uint64_t parse_bytes(const std::string& text) {
  return text == "0" ? 0 : parse_with_unit(text, kSizes, "a size, such as 6MB");
}

std::chrono::milliseconds parse_duration(const std::string& text) {
  return std::chrono::milliseconds(
      parse_with_unit(text, kTimes, "a duration, such as 5s or 200ms"));
}

std::uint64_t parse_count(const std::string& text) {
  constexpr Unit kNone[] = {{"", 1}};
  return parse_with_unit(text, kNone, "a count");
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes == 0) return "0";
  for (const Unit& unit : kSizes) {
    if (unit.name != "GB" && bytes % unit.factor == 0) {
      return std::to_string(bytes / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(bytes) + " bytes";
}

LoadOptions take_load_options(Arguments& arguments) {
  LoadOptions options;
  if (const auto priority = arguments.option("priority")) {
    const auto known = parse_load_priority(*priority);
    if (!known) throw ScriptError("there is no priority '" + *priority + "'");
    options.priority = *known;
  }
  if (const auto timeout = arguments.option("timeout")) options.timeout = parse_duration(*timeout);
  if (const auto device = arguments.option("device")) options.device = *device;
  if (const auto variant = arguments.option("variant")) options.backend["variant"] = *variant;
  options.fail_fast = arguments.flag("fail_fast");
  options.retry_now = arguments.flag("retry_now");
  options.warm_up = arguments.flag("warm_up");
  options.isolated = arguments.flag("isolated");
  return options;
}

UnloadOptions take_unload_options(Arguments& arguments) {
  UnloadOptions options;
  if (const auto timeout = arguments.option("timeout")) options.timeout = parse_duration(*timeout);
  options.force = arguments.flag("force");
  options.wait_for_leases = !arguments.flag("at_once");
  return options;
}

Value take_model_options(Arguments& arguments) {
  Value patch = Value::Object{};
  for (const auto& [key, text] : arguments.all_options()) {
    patch[key == "ttl" ? "ttl_ms" : key] = option_value(key, text);
  }
  return patch;
}

}  // namespace roost::test

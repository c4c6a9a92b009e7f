#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace roost {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };

constexpr std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::Debug: return "debug";
    case LogLevel::Info: return "info";
    case LogLevel::Warning: return "warning";
    case LogLevel::Error: return "error";
  }
  return "error";
}

// Where the library's log lines go. Called from any thread; must not throw and must not call
// back into the engine. The text is one line.
using LogSink = std::function<void(LogLevel, std::string_view text)>;

// Writes lines of at least `least` to standard error.
LogSink stderr_log(LogLevel least = LogLevel::Warning);

}  // namespace roost

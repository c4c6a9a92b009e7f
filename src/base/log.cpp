#include "roost/log.h"

#include <cstdio>
#include <string>

namespace roost {

LogSink stderr_log(LogLevel least) {
  return [least](LogLevel level, std::string_view text) {
    if (level < least) return;
    std::string line = "roost: ";
    line.append(to_string(level)).append(": ").append(text).append("\n");
    std::fwrite(line.data(), 1, line.size(), stderr);
  };
}

}  // namespace roost
